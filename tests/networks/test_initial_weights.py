"""Initial weights follow the seed, and no two layers start alike."""

import keras
import numpy as np
import pytest

from keras_imgen import networks

SHAPE = (8, 8, 3)
MAKE = {
    "compact_denoiser": lambda: networks.compact_denoiser(1, width=6, blocks=(2, 1)),
    "content_encoder": lambda: networks.content_encoder(SHAPE, 4, 1, 2),
    "conv_decoder": lambda: networks.conv_decoder(SHAPE, 4),
    "conv_encoder": lambda: networks.conv_encoder(SHAPE, 4),
    "dcgan_discriminator": lambda: networks.dcgan_discriminator((16, 16, 3), width=4),
    "dcgan_generator": lambda: networks.dcgan_generator((16, 16, 3), width=4, num_classes=3),
    "dit": lambda: networks.dit(SHAPE, patch=2, width=16, depth=2, heads=2),
    "edsr": lambda: networks.edsr(2, width=4, blocks=2),
    "inpainting_unet": lambda: networks.inpainting_unet(3, width=4, depth=2),
    "compact_inpainter": lambda: networks.compact_inpainter(widths=(4, 6)),
    "partial": lambda: networks.inpainting_unet(3, width=4, depth=2, convolution="partial"),
    "patch_heads": lambda: networks.patch_heads((3, 8, 8), 8),
    "patchgan": lambda: networks.patchgan(SHAPE, width=4, depth=2),
    "resnet_gan_generator": lambda: networks.resnet_gan_generator((8, 8, 3), width=4, num_classes=3),
    "rrdb": lambda: networks.rrdb(2, width=4, growth=4, blocks=1),
    "style_decoder": lambda: networks.style_decoder((4, 4, 8), 4, blocks=2, units=8),
    "style_encoder": lambda: networks.style_encoder(SHAPE, 4, 4, 2),
    "stylegan2_generator": lambda: networks.stylegan2_generator(SHAPE, width=4),
    "swinir_light": lambda: networks.swinir_light(2, width=12, depths=(2,), heads=2, window=4),
    "translation_resnet": lambda: networks.translation_resnet(SHAPE, width=4, blocks=2, downs=1),
    "unet": lambda: networks.unet(SHAPE, widths=(8, 16), depth=1, attention=(4,)),
    "zero_dce": lambda: networks.zero_dce(width=4),
}


def kernels(network):
    found = [np.array(v) for v in network.trainable_variables]
    return [v for v in found if v.ndim > 1 and v.std() > 0]


@pytest.mark.parametrize("name", MAKE)
def test_initial_weights(name):
    made = []
    for _ in range(2):
        keras.utils.set_random_seed(1)
        made.append(kernels(MAKE[name]()))
    for a, b in zip(*made, strict=True):
        np.testing.assert_array_equal(a, b)
    for i, a in enumerate(made[0]):
        assert not any(a.shape == b.shape and np.array_equal(a, b) for b in made[0][:i])
