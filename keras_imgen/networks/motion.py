"""How things move in clips, for networks that restore them: by a `networks.flow_interpolator` within, which does not learn."""

from typing import Any

import keras
from keras import layers, ops

from keras_imgen.arguments import integer
from keras_imgen.layers.warp import backward_warp
from keras_imgen.networks.interpolation import STRIDE, FlowInterpolator


@keras.saving.register_keras_serializable("keras_imgen")
class AlongMotion(layers.Layer):
    """Neighbours laid on each frame. Called with [noisy, clean], (N, F, H, W, C) both; motion is found in the clean ones.

    Gives [values, seen] of 4 radius rows for each frame that has enough neighbours, (N (F - 2 radius) 4 radius, H, W, C and 3 C): the noisy
    neighbour, first along the flow, then as it stands; and what tells how good it is: the clean frame, the clean neighbour, and the
    difference of the noisy ones.

    Args:
        radius: neighbours to each side.
        settings: of the `FlowInterpolator`.
    """

    def __init__(self, radius: int, settings: dict[str, int], **kwargs: Any):
        super().__init__(**kwargs)
        self.radius = integer("radius", radius, 1)
        self.flow = FlowInterpolator(**settings, name="flow", dtype=keras.config.dtype_policy())
        self.flow.trainable = False
        self.multiple = STRIDE << (self.flow.levels - 1)

    def call(self, inputs: list[Any]) -> list[Any]:
        noisy, clean = inputs[0], ops.stop_gradient(inputs[1])
        count, frames = ops.shape(noisy)[0], ops.shape(noisy)[1] - 2 * self.radius
        size = ops.shape(noisy)[2:4]
        part = lambda x, at, n: ops.reshape(x[:, at : at + n], (ops.shape(x)[0] * n, *ops.shape(x)[2:]))  # noqa: E731
        both, middle = ops.concatenate([noisy, clean], axis=-1), self.radius
        target_noisy, target_clean = (part(x, middle, frames) for x in (noisy, clean))
        every = [
            ops.reshape(x, (count, -1, *ops.shape(x)[1:])) for x in self.flow.seen(part(clean, 0, ops.shape(clean)[1]))
        ]
        values, seen = [], []
        for step in (-1, 1):
            # Flows between frames beside each other, of as many as are wanted; those farther away by one after the other.
            longer = frames + self.radius - 1
            at = middle if step > 0 else middle - self.radius + 1
            one = self.flow.optical_flow(*([part(x, k, longer) for x in every] for k in (at, at + step)), size)
            one = ops.reshape(one, (count, longer, *size, 2))
            whole = None
            for far in range(self.radius):
                start = far if step > 0 else self.radius - 1 - far
                own = part(one, start, frames)
                whole = own if whole is None else whole + backward_warp(own, whole)
                neighbour = part(both, middle + step * (far + 1), frames)
                for value in (backward_warp(neighbour, whole), neighbour):
                    moved, its = ops.split(value, 2, axis=-1)
                    values.append(moved)
                    seen.append(ops.concatenate([target_clean, its, moved - target_noisy], axis=-1))
        together = lambda parts: part(ops.stack(parts, axis=1), 0, len(parts))  # noqa: E731
        return [together(values), together(seen)]

    def compute_output_shape(self, shapes: list[tuple]) -> list[tuple]:
        count, frames, *size, channels = shapes[0]
        rows = None if None in (count, frames) else count * (frames - 2 * self.radius) * 4 * self.radius
        return [(rows, *size, channels), (rows, *size, 3 * channels)]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "radius": self.radius, "settings": self.flow.settings}
