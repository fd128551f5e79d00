"""Sizes of a recipe for a machine: "cpu" is minutes on two cores, "gpu" what ten minutes of a modern card give."""

from typing import Any


def chosen(presets: dict[str, dict[str, Any]], preset: str, **given: Any) -> dict[str, Any]:
    """The settings of a preset, with what is given in their place.

    Args:
        presets: settings by the name of the preset.
        preset: the one that is wanted.
        **given: settings; None is left to the preset.

    Raises:
        ValueError: there is no such preset.
    """
    if preset not in presets:
        raise ValueError(f"There is no preset {preset!r}: expected {' or '.join(presets)}.")
    return {**presets[preset], **{key: value for key, value in given.items() if value is not None}}
