"""What happens to clips in time: one strength for all frames, compression by a video codec, flicker, lost frames, a camera that shakes."""

import io
from typing import Any

import numpy as np

from keras_imgen.data.degrade.base import Degradation, Range, between
from keras_imgen.libraries import needs_av


class PerClip(Degradation):
    """What is made for pictures, with one strength, kernel or mask for all frames of a clip; noise stays independent in every frame.

    A clip is to the degradation a picture with the channels of all its frames: one that asks for 1 or 3 channels, as JPEG, takes none.

    Args:
        degradation: as `GaussianNoise()`, `GaussianBlur()`, `Chain(GaussianBlur(), Downscale(2))`.
    """

    of_clips = True

    def __init__(self, degradation: Degradation):
        if not isinstance(degradation, Degradation) or degradation.of_clips:
            raise ValueError(f"Expected a degradation that is made for pictures, got {degradation!r}.")
        self.degradation = degradation

    def apply(self, x: Any, seed: Any) -> tuple[Any, dict[str, Any]]:
        import tensorflow as tf

        frames, channels = x.shape[1], x.shape[-1]
        if frames is None:
            raise ValueError(f"Expected clips of a known number of frames, got shape {x.shape}.")
        n, _, height, width, _ = tf.unstack(tf.shape(x))
        flat = tf.reshape(tf.transpose(x, [0, 2, 3, 1, 4]), [n, height, width, frames * channels])
        image, more = self.degradation.apply(
            tf.ensure_shape(flat, (x.shape[0], *x.shape[2:4], frames * channels)), seed
        )
        parts = tf.unstack(tf.shape(image))[:3]
        clip = tf.transpose(tf.reshape(image, [*parts, frames, channels]), [0, 3, 1, 2, 4])
        return clip, {k: tf.repeat(v[:, None], frames, axis=1) for k, v in more.items()}


class Drawn(Degradation):
    """A degradation of clips in NumPy: a subclass defines `draw` and what it tells."""

    of_clips = True
    told: dict[str, tuple[str, int]] = {}  # dtype and rank of what there is to tell besides, by name

    def draw(self, clip: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        """The clip after it, float32 of the same shape, and what is told.

        Args:
            clip: float32 (F, H, W, C) in [0, 255].
            rng: what is drawn from.
        """
        raise NotImplementedError(f"{type(self).__name__} has to define `draw`.")

    def apply(self, x: Any, seed: Any) -> tuple[Any, dict[str, Any]]:
        import tensorflow as tf

        def run(x, seed):
            rngs = [np.random.default_rng([*(seed.astype("int64") & 0xFFFFFFFF), i]) for i in range(len(x))]
            found = [np.stack(v) for v in zip(*(self.draw(clip, rng) for clip, rng in zip(x, rngs)))]
            return [v.astype(kind) for v, kind in zip(found, kinds)]

        kinds = ["float32", *(kind for kind, _ in self.told.values())]
        clip, *more = tf.nest.flatten(tf.numpy_function(run, [x, seed], kinds, stateful=False))
        for value, (_, rank) in zip(more, self.told.values()):
            value.set_shape([*x.shape[:2], *[None] * (rank - 2)])
        return tf.ensure_shape(clip, x.shape), dict(zip(self.told, more))


class VideoCompression(Drawn):
    """Written as a film in H.264 and read again: blocks, lost texture, and errors that stay until the next key frame.

    Args:
        crf: constant rate factor, number or (low, high) in [0, 51]; 23 is usual, from 35 on everybody sees it. It is rounded.

    Raises:
        ModuleNotFoundError: PyAV is not installed.
        ValueError: clips with neither 1 nor 3 channels.
    """

    def __init__(self, crf: Range = (23, 42)):
        needs_av("VideoCompression")
        self.crf = between("crf", crf, 0, 51)

    def draw(self, clip: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        import av

        from keras_imgen.data.film_colour import Colours, from_rgb, to_rgb

        _, height, width, channels = clip.shape
        if channels not in (1, 3):
            raise ValueError(f"Films hold 1 or 3 channels, got clips of shape {clip.shape}.")
        file, form = io.BytesIO(), Colours()
        with av.open(file, "w", format="matroska") as out:
            # The tree over macroblocks is not the same in every run: seen in 3 of 100.
            options = {"crf": str(round(rng.uniform(*self.crf))), "preset": "veryfast", "x264-params": "mbtree=0"}
            stream = out.add_stream("libx264", rate=25, options=options)
            stream.width, stream.height, stream.pix_fmt = width + width % 2, height + height % 2, "yuv420p"
            stream.codec_context.thread_count = 1  # what is coded in threads depends on how many there are
            for image in np.floor(clip.clip(0, 255) + 0.5).astype("uint8"):
                image = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), "edge").repeat(3 // channels, -1)
                out.mux(stream.encode(from_rgb(image, form, "yuv420p")))
            out.mux(stream.encode())
        with av.open(io.BytesIO(file.getvalue())) as film:
            frames = [to_rgb(frame, form)[:height, :width] for frame in film.decode(video=0)]
        found = np.stack(frames).astype("float32")
        return (found if channels == 3 else found.mean(-1, keepdims=True),)


class Flicker(Drawn):
    """Light that is not steady: frame t becomes (1 + g_t) x + o_t, g_t ~ N(0, gain²), o_t ~ N(0, offset²).

    Args:
        gain: its standard deviation, number or (low, high) in [0, 1], drawn for each clip.
        offset: in gray levels, the same.
    """

    def __init__(self, gain: Range = (0.0, 0.15), offset: Range = (0.0, 8.0)):
        self.gain, self.offset = between("gain", gain, 0, 1), between("offset", offset, 0, 255)

    def draw(self, clip: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        gain, offset = (
            rng.normal(0, rng.uniform(*pair), (len(clip), 1, 1, 1)).astype("float32")
            for pair in (self.gain, self.offset)
        )
        return ((1 + gain) * clip + offset,)


class LostFrames(Drawn):
    """Frames that are lost: the one before is shown in their place, as players do; `lost` uint8 (N, F) is 1 where it was. The first stays.

    Args:
        share: of the frames, number or (low, high) in [0, 1].
    """

    told = {"lost": ("uint8", 2)}

    def __init__(self, share: Range = (0.0, 0.3)):
        self.share = between("share", share, 0, 1)

    def draw(self, clip: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        lost = rng.random(len(clip)) < rng.uniform(*self.share)
        lost[0] = False
        shown = np.maximum.accumulate(np.where(lost, 0, np.arange(len(clip))))
        return clip[shown], lost


class CameraShake(Drawn):
    """A camera in a hand: each frame is moved and turned; what comes in at the borders is mirrored.

    Where it is follows a random walk that is drawn back to the middle (a share of 0.7 stays from frame to frame). `shake` float32
    (N, F, 2, 3) tells how: the frame at (x, y) shows what the clip had at shake · (x, y, 1).

    Args:
        shift: standard deviation in x and y, in pixels, number or (low, high), drawn for each clip.
        turn: that of the angle, in degrees.
    """

    told = {"shake": ("float32", 4)}

    def __init__(self, shift: Range = (0.0, 4.0), turn: Range = (0.0, 0.7)):
        self.shift, self.turn = between("shift", shift, 0, 1000), between("turn", turn, 0, 180)

    def draw(self, clip: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        import cv2

        frames, height, width, channels = clip.shape
        shift, turn = rng.uniform(*self.shift), rng.uniform(*self.turn)
        walk = rng.normal(size=(frames, 3))
        for k in range(1, frames):
            walk[k] = 0.7 * walk[k - 1] + np.sqrt(1 - 0.7**2) * walk[k]
        found, told = np.empty_like(clip), np.empty((frames, 2, 3))
        for k, (x, y, angle) in enumerate(walk * (shift, shift, turn)):
            told[k] = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, 1.0)
            told[k, :, 2] += x, y
            how = {"flags": cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP, "borderMode": cv2.BORDER_REFLECT_101}
            found[k] = cv2.warpAffine(clip[k], told[k], (width, height), **how).reshape(height, width, channels)
        return found, told
