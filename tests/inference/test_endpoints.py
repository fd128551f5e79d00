"""What a model declares of itself, and what a user passes to it."""

import inspect
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules

import numpy as np
import pytest

from keras_imgen import inference, models, networks
from keras_imgen.conditions import Condition, Label, Vector
from keras_imgen.inference.endpoints import Endpoint, Latents, Number, Pictures, Rows, Seeds, Told, bound
from keras_imgen.kinds import described, from_description
from keras_imgen.text import Text, Tokenizer

SHAPE = (4, 4, 1)


def tensors(endpoint, *args, **kwargs):
    rows, constants = endpoint.request(bound(endpoint, args, kwargs)).tensors()
    return {**rows, **constants}


def test_a_description_is_json_and_comes_back():
    endpoint = Endpoint((Seeds(), Number("strength", 0.5, high=1.0)), (Label(3), Vector(2)), short={"brief": ()})
    again = from_description(described({"generate": endpoint}))["generate"]
    assert again == endpoint and again.parameters() == endpoint.parameters()


def test_what_is_passed_becomes_tensors():
    endpoint = Endpoint((Seeds(), Number("strength", 0.5, 0.0, 1.0)), (Label(3),))
    found = tensors(endpoint, 2, [1, 0], 7, strength=0.25)
    assert found["seeds"].tolist() == [7, 8] and found["labels"].tolist() == [1, 0] and found["strength"] == 0.25
    assert tensors(endpoint, 2)["labels"].tolist() == [3, 3] and tensors(endpoint, 2)["strength"] == 0.5
    blend = Endpoint((Pictures(SHAPE), Pictures(SHAPE, "styles", "styles"), Rows("shares", (2,))), labelled=False)
    x = np.zeros((3, *SHAPE), "uint8")
    assert list(tensors(blend, x, x, np.ones((3, 2)))) == ["images", "styles", "shares"]
    assert blend.answers_pictures and blend.needs() == ["styles", "shares"]
    for args, said in (((x, x[:2], np.ones((3, 2))), "as many `styles`"), ((x, x, 0.5), r"of shape \(N, 2\)")):
        with pytest.raises(ValueError, match=said):
            tensors(blend, *args)
    with pytest.raises(TypeError, match="shares"):
        tensors(blend, x, x)


def test_what_people_should_know_is_said_of_every_text():
    words = Text(Tokenizer(("[PAD]", "[UNK]", "star"), 4))
    endpoint = Endpoint((Pictures(SHAPE), Told("captions", "caption")), (Label(3), words), labelled=False)
    given = {"captions": ["star", "moon"], "conditions": {"label": 2}, "negative": {"caption": "sun"}}
    assert [said.split(": ")[1] for said in endpoint.remarks(given)] == ["'moon'.", "'sun'."]
    assert endpoint.remarks({"captions": "star", "conditions": None}) == []


def test_bounds_of_a_number():
    top, open_low = Number("t", 0.5, high=1.0), Number("t", 0.5, 0.0, above=True)
    for one, right, wrong in ((top, (-3.0, 1.0), 1.5), (open_low, (0.1, 9.0), 0.0)):
        endpoint = Endpoint((Seeds(), one))
        for value in right:
            assert tensors(endpoint, 1, t=value)["t"] == np.float32(value)
        with pytest.raises(ValueError, match="Expected `t`"):
            tensors(endpoint, 1, t=wrong)


def test_a_condition_may_have_the_kind_of_an_input():
    @dataclass(frozen=True)
    class Count(Condition):
        kind = "number"
        key: str = "count"

    assert from_description(described([Count(), Number("t", 0.0)])) == (Count(), Number("t", 0.0))


def test_methods_in_memory_take_what_their_endpoints_say():
    """But for `ema` and `guide`, which an export has not; the places of arguments are the same."""
    told = {"num_classes": 3}
    every = [
        models.Diffusion(networks.dit(SHAPE, patch=2, width=8, depth=1, heads=1, **told), steps=1),
        models.GAN(networks.mlp_generator(SHAPE, 2, (4,)), networks.mlp_discriminator(SHAPE, (4,))),
        models.VAE(networks.mlp_encoder(SHAPE, 4, (4,)), networks.mlp_decoder(SHAPE, 2, (4,))),
        models.Denoiser(networks.ffdnet(1, 4, 2)),
    ]
    for model in every:
        for name, endpoint in model.endpoints().items():
            if not hasattr(model, name) or name == "denoise":
                continue
            own = inspect.signature(getattr(model, name)).parameters
            own = {k: p for k, p in own.items() if k not in ("ema", "guide") and p.kind != p.VAR_KEYWORD}
            theirs = endpoint.parameters().parameters
            assert set(own) <= set(theirs), (type(model).__name__, name)
            places = [k for k, p in own.items() if p.kind == p.POSITIONAL_OR_KEYWORD]
            assert places == [k for k, p in theirs.items() if p.kind == p.POSITIONAL_OR_KEYWORD], name
            assert all(own[k].default == theirs[k].default for k in own)


def test_latents_are_checked():
    with pytest.raises(ValueError, match="Expected codes in 0..4"):
        tensors(Endpoint((Latents((2,), 5),)), np.full((1, 2), 5))


def test_every_kind_of_endpoint_is_asked_in_one_way():
    """As servers do: what runs it, what was passed, and who is told how far it is."""
    for module in iter_modules(inference.__path__):
        import_module(f"{inference.__name__}.{module.name}")
    kinds, seen = [Endpoint], []
    while kinds:
        seen.append(kinds.pop())
        kinds += seen[-1].__subclasses__()
    assert len(seen) >= 4
    for one in seen:
        names = list(inspect.signature(one.answer).bind(None, None, None, None).arguments)
        assert names == ["self", "run", "given", "seen"], one
