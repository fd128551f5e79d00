"""Small named parts (schedules, parameterizations, ...): found by name or config, saved by Keras as part of a model."""

from typing import Any

import keras


class Part:
    """An immutable object that `get_config` describes in full."""

    def get_config(self) -> dict[str, Any]:
        """The arguments of the class, by name."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Part":
        """The object that `get_config` described."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v}' for k, v in self.get_config().items())})"


def register(kind: str, **parts: type) -> dict[str, type]:
    """Make the classes known to Keras' saving under this kind, and return them by name."""
    return {name: keras.saving.register_keras_serializable(f"keras_imgen.{kind}")(cls) for name, cls in parts.items()}


def find(kind: str, base: type, parts: dict[str, type], part: Any) -> Any:
    """The object of a name, of a Keras config, or itself.

    Args:
        kind: what messages call it.
        base: the class that objects are of.
        parts: classes by name.
        part: name, config or object.

    Raises:
        ValueError: anything else; the message lists the known names.
    """
    if isinstance(part, dict) and "class_name" in part:
        part = keras.saving.deserialize_keras_object(part)
    if isinstance(part, base):
        return part
    if not isinstance(part, str) or part.lower() not in parts:
        raise ValueError(f"Unknown {kind} {part!r}. Expected one of: {', '.join(parts)}.")
    return parts[part.lower()]()
