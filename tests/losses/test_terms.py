"""Terms add up as their weights, schedules and laziness say, and come back from their configs."""

from contextlib import nullcontext

import keras
import numpy as np
import pytest
from keras import ops

from keras_imgen.losses import perceptual, style, terms
from keras_imgen.losses.terms import Term
from keras_imgen.models.adversarial import DRAGAN, R1, R2, Consistency, GradientPenalty, LeCam
from keras_imgen.models.restoration.objectives import OBJECTIVES, Perceptual

RNG = np.random.default_rng(0)
FALLING = keras.optimizers.schedules.PolynomialDecay(4.0, 10, 0.0)  # 4 - 0.4 t


class Content(Term):
    def __call__(self, wanted, maps):
        return perceptual.feature_distance([wanted], [maps])


class Gram(Term):
    def __call__(self, *maps):
        gram = style.Gram()
        return gram(*(gram.describe([one]) for one in maps))


class TotalVariation(Term):
    name = "total_variation"

    def __call__(self, image):
        return ops.mean(ops.abs(image[:, 1:] - image[:, :-1])) + ops.mean(ops.abs(image[:, :, 1:] - image[:, :, :-1]))


class Weighed(Term):
    """As regularizers are: the weight is in the scalar."""

    weighted = True

    def __call__(self, x):
        return self.weight * x


def test_a_style_model_adds_up_terms_of_several_kinds():
    a, b = (RNG.normal(size=(2, 4, 6, 3)).astype("float32") for _ in range(2))
    given = [Content(weight=0.5), Gram(weight=100.0), TotalVariation(weight=FALLING), Weighed(weight=3.0)]
    shown = {"content": (a, b), "gram": (a, b), "total_variation": (b,), "weighed": (2.0,)}
    call = lambda i, term: term(*(ops.convert_to_tensor(v) for v in shown[term.name]))  # noqa: E731
    loss, logs = terms.added(terms.checked(given, "terms"), ops.convert_to_tensor(5), call, loss=7.0)
    gram = lambda m: np.einsum("nhwc,nhwd->ncd", m, m)  # noqa: E731
    wanted = {
        "content": ((a - b) ** 2).sum(-1).mean(),
        "gram": (((gram(a) - gram(b)) ** 2).sum((1, 2)) / (gram(a) ** 2).sum((1, 2))).mean(),
        "total_variation": np.abs(np.diff(b, axis=1)).mean() + np.abs(np.diff(b, axis=2)).mean(),
        "weighed": 6.0,
    }
    assert list(logs) == list(wanted)
    for name, value in wanted.items():
        np.testing.assert_allclose(logs[name], value, rtol=1e-5)
    total = 7 + 0.5 * wanted["content"] + 100 * wanted["gram"] + 2.0 * wanted["total_variation"] + 6.0
    np.testing.assert_allclose(loss, total, rtol=1e-5)


def test_without_terms_the_loss_stays():
    loss, logs = terms.added((), None, None, loss=7.0)
    assert (loss, logs) == (7.0, {})


@pytest.mark.parametrize("every", [1, 2, 5])
def test_lazy_terms_count_as_often_as_others(every):
    """Over a whole number of rounds their sum is that of a term of every step."""
    lazy, call = Weighed(every, weight=2.0), lambda i, term: term(ops.convert_to_tensor(9.0))
    found = [terms.added([lazy], ops.convert_to_tensor(t), call) for t in range(10)]
    wanted = [every * 18.0 if t % every == 0 else 0.0 for t in range(10)]
    assert [float(loss) for loss, _ in found] == [float(logs["weighed"]) for _, logs in found] == wanted
    assert sum(wanted) == 10 * 18.0
    for t in range(3):  # in evaluation
        assert float(terms.added([lazy], ops.convert_to_tensor(t), call, lazy=False)[0]) == 18.0


def test_a_state_moves_in_the_steps_of_its_term_alone():
    mean = ops.convert_to_tensor(1.0)
    for t, wanted in enumerate([(30.0, 2.0), (0.0, 2.0), (0.0, 2.0), (30.0, 3.0)]):
        value, mean = terms.lazily(3, ops.convert_to_tensor(t), lambda: (ops.convert_to_tensor(10.0), mean + 1.0), mean)
        assert (float(value), float(mean)) == wanted
    always = terms.lazily(1, ops.convert_to_tensor(7), lambda: (ops.convert_to_tensor(10.0), mean + 1.0), mean)
    assert [float(v) for v in always] == [10.0, 4.0]


def test_weights_follow_their_schedule():
    scheduled = Content(weight=FALLING)
    for t, weight in ((0, 4.0), (5, 2.0), (10, 0.0), (20, 0.0)):
        loss, logs = terms.added([scheduled], ops.convert_to_tensor(t), lambda i, term: 3.0)
        np.testing.assert_allclose(loss, 3.0 * weight, rtol=1e-6)
        assert logs == {"content": 3.0}
    assert terms.at(0.25, None) == 0.25
    assert scheduled.varies and Content(2, weight=1.0).varies and not Content(weight=1.0).varies


def test_the_iteration_is_the_optimizers():
    v, optimizer = keras.Variable([1.0]), keras.optimizers.SGD(0.1)
    optimizer.build([v])
    for t in range(3):
        assert int(terms.iteration(optimizer)) == t
        optimizer.apply([ops.ones((1,))])


@pytest.mark.parametrize("weight", [0.5, FALLING], ids=["number", "schedule"])
def test_every_term_comes_back_from_its_config(weight):
    of_weight = [cls(weight=weight, every=3) for cls in (GradientPenalty, DRAGAN, LeCam, *OBJECTIVES.values())]
    given = [R1(weight, 3), R2(weight, 3), Consistency(weight, 1.0, 3), *of_weight]
    for term in given:
        same = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(term))
        assert type(same) is type(term) and same.name == term.name and same.every == 3
        assert same.get_config() == term.get_config()
        name = next(iter(term.get_config()))
        for t in (0, 5):
            found, wanted = (terms.at(getattr(v, name), ops.convert_to_tensor(t)) for v in (same, term))
            assert float(found) == float(wanted) == (0.5 if weight == 0.5 else 4 - 0.4 * t)


def test_configs_of_earlier_files():
    """Objectives had no `every`, `Perceptual` had a `style`; every term has kept the name that files call it by."""
    for registered, config, cls in (
        ("keras_imgen>R1", {"gamma": 0.1, "every": 16}, R1),
        ("keras_imgen>Consistency", {"real": 10.0, "fake": 0.0, "every": 1}, Consistency),
        ("keras_imgen.objective>MSE", {"weight": 1.0}, OBJECTIVES["mse"]),
        ("keras_imgen.objective>Perceptual", {"weight": 0.1, "style": 5.0, "trunk": None, "layers": [0]}, Perceptual),
    ):
        saved = {
            "module": "somewhere.else",
            "class_name": cls.__name__,
            "config": config,
            "registered_name": registered,
        }
        with pytest.warns(match="add `Style") if config.get("style") else nullcontext():
            term = keras.saving.deserialize_keras_object(saved)
        written = {k: v for k, v in config.items() if (k, v) != ("every", 1) and k != "style"}
        assert type(term) is cls and term.get_config() == written


def test_what_is_wrong_is_said():
    with pytest.raises(ValueError, match="each of the `terms` once, got content, gram, content"):
        terms.checked([Content(), Gram(), Content(weight=2.0)], "terms")
    for kwargs in ({"weight": -1.0}, {"weight": float("nan")}):
        with pytest.raises(ValueError, match="`weight` of at least 0"):
            Content(**kwargs)
    with pytest.raises(ValueError, match="`every` of at least 1"):
        Content(every=0)
