"""Exports written before endpoints described themselves: the same endpoints, by the kind of the model."""

import json
from typing import Any

from keras_imgen.conditions import Conditions, of_classes
from keras_imgen.inference.endpoints import Endpoint, Endpoints, Latents, Number, Pictures, Seeds
from keras_imgen.inference.restorer import Form, TiledEndpoint
from keras_imgen.kinds import from_description
from keras_imgen.sampling.options import SamplerInput


def endpoints(about: dict[str, Any], signatures: set[str]) -> Endpoints:
    """Of an older export.

    Args:
        about: its description.
        signatures: the names of those that it has.

    Raises:
        ValueError: a kind that never was.
        KeyError: a description without what its kind has.
    """
    kind, shape = about.get("kind", "diffusion"), tuple(about["image_shape"])
    told = _conditions(about, "conditions", about["num_classes"])
    if kind == "diffusion":
        own = {k: about[k] for k in ("sampler", "steps", "guidance_scale")}
        sampled = SamplerInput(**own, schedule=json.dumps(about["schedule"]), table=from_description(about["table"]))
        short = {"generate": ("guidance_scale", "table")}
        return {"generate": Endpoint((Seeds(), sampled), told, signature="sample", short=short, null=True, fill=False)}
    if kind == "gan":
        return {"generate": Endpoint((Seeds(), Number("truncation", 0.0, 0.0, above=True)), told)}
    if kind == "translation":
        how = {"labelled": False, "batch_size": 32, "fill": False}
        found = {"translate": Endpoint((Pictures(shape),), signature="serving_default", **how)}
        back = Pictures(tuple(about["target_shape"]), "targets")
        return found | ({"translate_back": Endpoint((back,), **how)} if "translate_back" in signatures else {})
    if kind == "latent":
        coding = _conditions(about, "codec_conditions", about["codec_classes"])
        latents = Latents(tuple(about["latent_shape"]), about["codes"])
        return {
            "generate": Endpoint((Seeds(),), told),
            "encode": Endpoint((Pictures(shape),), coding, "latents"),
            "decode": Endpoint((latents,), coding),
            "reconstruct": Endpoint((Pictures(shape),), coding),
        }
    if kind == "restoration":
        return {"restore": TiledEndpoint(inputs=(), conditions=told, signature="tiles", form=Form(**about["form"]))}
    raise ValueError(f"there is no model of the kind {kind!r}")


def _conditions(about: dict[str, Any], name: str, num_classes: int | None) -> Conditions:
    return from_description(about[name]) if name in about else of_classes(num_classes)
