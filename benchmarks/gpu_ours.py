"""The systems of `gpu.py` that are keras_imgen on JAX: each a function for a process of its own, `(jobs, about)`."""

from itertools import islice, repeat

import numpy as np

from benchmarks.flops import flops


def pictures(count, size, seed=0):
    """Random ones, uint8 (count, size, size, 3)."""
    return np.random.default_rng(seed).integers(0, 256, (count, size, size, 3), dtype="uint8")


def diffusion(how, network):
    from keras_imgen.models import Diffusion

    model = Diffusion(network, sampler="ddim", steps=how["steps"])
    noisy = {"image": pictures(how["sample"], how["size"]).astype("float32"), "log_snr": np.ones(how["sample"], "f4")}
    work = how["steps"] * flops(network, noisy)
    return model, {"image": pictures(how["batch"], how["size"])}, lambda: model.generate(how["sample"]), work


def unet(how):
    from keras_imgen.networks import unet as network

    return diffusion(how, network((how["size"], how["size"], 3), how["widths"], how["depth"], how["attention"]))


def dit(how):
    from keras_imgen.networks import dit as network

    shape = (how["size"], how["size"], 3)
    return diffusion(how, network(shape, how["patch"], how["width"], how["depth"], how["heads"]))


def adversarial(how, model, latent_dim):
    work = flops(model.generator, {"latent": np.ones((how["sample"], latent_dim), "float32")})
    return model, {"image": pictures(how["batch"], how["size"])}, lambda: model.generate(how["sample"]), work


def dcgan(how):
    """The step of `gan_speed.py`: no penalty, no average."""
    from keras_imgen.models import GAN
    from keras_imgen.networks import dcgan_discriminator, dcgan_generator

    shape = (how["size"], how["size"], 3)
    generator = dcgan_generator(shape, how["latent_dim"], how["width"], normalization=None)
    model = GAN(generator, dcgan_discriminator(shape, how["width"]), regularizers=(), ema=None)
    return adversarial(how, model, how["latent_dim"])


def stylegan2(how):
    from keras_imgen.models import StyleGAN2
    from keras_imgen.networks import stylegan2_discriminator, stylegan2_generator

    shape = (how["size"], how["size"], 3)
    players = (make(shape, width=how["width"]) for make in (stylegan2_generator, stylegan2_discriminator))
    return adversarial(how, StyleGAN2(*players), 128)


def vae(how):
    from benchmarks.variational import keras_networks
    from keras_imgen.models import VAE

    model = VAE(*keras_networks(2, False), likelihood="bernoulli", ema=None)
    work = flops(model.decoder, np.ones((how["sample"], 2), "float32"))
    images = pictures(how["batch"], 28)[..., :1]
    return model, {"image": images}, lambda: model.generate(how["sample"]), work


def edsr(how):
    from keras_imgen.models import SuperResolution
    from keras_imgen.networks import edsr as network

    model = SuperResolution(network(2, width=how["width"], blocks=how["blocks"]), 2)
    given = pictures(how["sample"], 2 * how["size"])
    batch = {"image": pictures(how["batch"], how["size"]), "target": pictures(how["batch"], 2 * how["size"])}
    return model, batch, lambda: model.restore(given), flops(model.network, given.astype("float32"))


MAKE = {"unet": unet, "dit": dit, "dcgan": dcgan, "stylegan2": stylegan2, "vae": vae, "edsr": edsr}


def begin(precision):
    import keras

    from keras_imgen.training import backend

    if keras.backend.backend() != "jax":
        raise RuntimeError(f"Expected the JAX backend, got {keras.backend.backend()}.")
    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy("mixed_bfloat16" if precision == "bfloat16" else "float32")
    return backend


def ours(name, how, precision):
    """Its training step, as `fit` calls it between two epochs, on a batch that is on the device; and its pictures."""
    begin(precision)
    model, batch, sample, work = MAKE[name](how)
    model.compile()
    train, state = training(model, batch, how["repeat"])
    weights = sum(player.count_params() for player in model.players.values())
    about = {"weights": weights, "train_gflop": flops(model.train_step, state, batch) / 1e9, "sample_gflop": work / 1e9}
    return {"train": train, "sample": sample}, about


def training(model, batch, count, each=1, read=False, on_device=True):
    """(a job of `count` steps, the state before it).

    Args:
        each: steps of a dispatch, as the model was compiled with.
        read: read the logs after every dispatch, as a callback would.
        on_device: the batch is there already; else it comes from NumPy, one batch ahead of the step, as in `fit`.
    """
    import jax

    model.make_train_function()
    groups = (model.trainable_variables, model.non_trainable_variables)
    groups = (*groups, model.optimizer.variables, model.metrics_variables)
    state = tuple([v.value.copy() for v in group] for group in groups)  # the model keeps its own: these are given away
    now = [state]
    batches = repeat(jax.device_put(batch)) if on_device else ahead(repeat(batch))

    def train():
        mine = islice(batches, count)
        for _ in range(count // each):
            logs, now[0] = model.train_function(now[0], mine)
            if read:
                [float(v) for v in logs.values()]
        jax.block_until_ready(now[0])

    return train, state


def ahead(batches):
    """Batches on their way to the device while the one before is learned from."""
    import jax

    before = jax.device_put(next(batches))
    for batch in batches:
        following = jax.device_put(batch)
        yield before
        before = following


WAYS = {  # by what is said of them: the last arguments of `way`
    "as above": (),
    "attention as three operations": (1, False),
    "8 steps in a dispatch": (8,),
    "logs read after every step": (1, True, True),
    "8 steps in a dispatch, logs read": (8, True, True),
    "batches from NumPy, one ahead": (1, True, False, False),
}


def way(how, precision, each=1, fused=True, read=False, on_device=True):
    """The U-Net's training step with one thing done in another way."""
    import keras

    begin(precision)
    if not fused:
        keras.config.disable_flash_attention()
    model, batch, _, _ = unet(how)
    model.compile(steps_per_execution=each)
    train, _ = training(model, batch, how["repeat"], each, read, on_device)
    return {"train": train}, {}
