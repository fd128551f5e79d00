"""Networks of clips: what they are told, what they start as, and what is apart in them."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_imgen import networks

SHAPE = (3, 8, 8, 2)
TOLD = {"num_classes": 5, "vector_dim": 3, "sequence_dim": 7, "source_channels": 1}


def given(n=2, frames=3, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "image": rng.normal(size=(n, frames, 8, 8, 2)).astype("float32"),
        "log_snr": rng.normal(size=n).astype("float32"),
        "label": rng.integers(0, 5, n).astype("int32"),
        "vector": rng.normal(size=(n, 3)).astype("float32"),
        "sequence": rng.normal(size=(n, 4, 7)).astype("float32"),
        "source": rng.integers(0, 256, (n, 8, 8, 1), "uint8"),
    }


def run(network, inputs):
    return ops.convert_to_numpy(network(inputs, training=False))


def awake(network, seed=1):
    rng = np.random.default_rng(seed)
    for v in network.trainable_variables:
        v.assign(rng.normal(0, 0.15, v.shape))
    return network


def unet(shape, **how):
    return networks.unet(shape, (8, 16), 1, (4,), **how)


def test_a_unet_of_clips_starts_as_that_of_pictures():
    """With its weights it does to each frame what that does."""
    pictures, clips = awake(unet(SHAPE[1:], **TOLD)), unet(SHAPE, **TOLD)
    assert not run(clips, given()).any()
    left = networks.copy_weights(pictures, clips)
    assert left and all("time" in name for name in left)
    inputs = given()
    frames = [run(pictures, {**inputs, "image": inputs["image"][:, k]}) for k in range(3)]
    np.testing.assert_allclose(run(clips, inputs), np.stack(frames, 1), atol=1e-5)


def test_everything_counts_and_clips_are_apart(tmp_path):
    network = awake(unet(SHAPE, **TOLD))
    inputs, other = given(), given(seed=9)
    out = run(network, inputs)
    assert out.shape == (2, *SHAPE) and out.dtype == np.float32
    for name, value in inputs.items():
        changed = np.concatenate([value[:1], other[name][1:]])
        if name == "label":
            changed[1] = (value[1] + 1) % 5
        after = run(network, {**inputs, name: changed})
        np.testing.assert_allclose(after[:1], out[:1], atol=1e-5)
        assert np.abs(after[1] - out[1]).max() > 1e-3, name
    moved = inputs["image"].copy()
    moved[1, 2] += 1.0  # a frame is seen by the others of its clip
    assert np.abs(run(network, {**inputs, "image": moved})[1, 0] - out[1, 0]).max() > 1e-3
    network.save(tmp_path / "n.keras")
    np.testing.assert_array_equal(run(keras.saving.load_model(tmp_path / "n.keras"), inputs), out)


def test_clips_of_one_frame_and_of_other_sizes():
    network = awake(unet((1, 8, 8, 2)))
    inputs = {k: v for k, v in given(frames=1).items() if k in ("image", "log_snr")}
    assert run(network, inputs).shape == (2, 1, 8, 8, 2)
    wide = np.concatenate([inputs["image"]] * 2, 3)
    assert run(network, {**inputs, "image": wide}).shape == (2, 1, 8, 16, 2)
    with pytest.raises(ValueError, match="even widths"):
        networks.unet(SHAPE, (7,), 1, ())


@pytest.mark.parametrize("shape", [(8, 16, 16, 3), (6, 8, 12, 1), (1, 8, 8, 1)])
@pytest.mark.parametrize("classes", [None, 3])
def test_coders_and_players_fit(shape, classes):
    label = {} if classes is None else {"label": np.array([0, 2])}
    clips = np.random.default_rng(0).uniform(-1, 1, (2, *shape)).astype("float32")
    encoder = networks.clip_encoder(shape, 6, 2, classes)
    assert run(encoder, {"image": clips, **label} if label else clips).shape == (2, 6)
    latent = np.ones((2, 3), "float32")
    decoder = networks.clip_decoder(shape, 3, 2, 2, classes)
    assert run(decoder, {"latent": latent, **label} if label else latent).shape == (2, *shape[:-1], 2 * shape[-1])
    vgan = networks.vgan_generator(shape, 3, 2, classes)
    made = run(vgan, {"latent": latent, **label})
    assert made.shape == (2, *shape) and np.abs(made).max() <= 1
    assert run(networks.vgan_discriminator(shape, 2, classes), {"image": made, **label}).shape == (2, 1)
    judge = networks.mocogan_discriminator(shape, 2, classes)
    assert run(judge, {"image": made, **label}).shape == (2, 2 * shape[0])


def test_motion_and_content_are_apart():
    network = awake(networks.mocogan_generator((4, 8, 8, 1), 3, 2, 4), 2)
    latent = np.random.default_rng(0).normal(size=(3, 3 + 5 * 2)).astype("float32")
    latent[1], latent[2] = latent[0], latent[0]
    latent[1, -2:] += 1.0  # the noise of the last frame
    latent[2, 0] += 1.0  # the content
    first, moved, other = run(network, {"latent": latent})
    np.testing.assert_allclose(moved[:3], first[:3], atol=1e-6)
    assert np.abs(moved[3] - first[3]).max() > 1e-4
    assert all(np.abs(other[k] - first[k]).max() > 1e-4 for k in range(4))


def test_the_judge_of_pictures_sees_frames_apart():
    judge = awake(networks.mocogan_discriminator((7, 8, 8, 1), 2), 3)
    clip = np.random.default_rng(0).normal(size=(1, 7, 8, 8, 1)).astype("float32")
    before = run(judge, {"image": clip})[0]
    clip[0, 0] += 1.0
    moved = np.abs(run(judge, {"image": clip})[0] - before) > 1e-6
    assert moved.tolist() == [True, *[False] * 6, True, True, *[False] * 5]  # the one of clips by its kernel of three


def test_a_background_stands_still():
    """Where the mask is shut."""
    network = networks.vgan_generator((4, 8, 8, 1), 3, 2)
    last = network.get_layer("foreground_conv0")
    last.bias.assign([0.0, -50.0])
    made = run(network, {"latent": np.ones((1, 3), "float32")})[0]
    np.testing.assert_allclose(made, np.repeat(made[:1], 4, 0), atol=1e-6)
    assert made.std() > 0
