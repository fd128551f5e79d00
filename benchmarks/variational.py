"""Variational models beside the keras.io pattern and pythae, on Fashion-MNIST; and disentanglement on shapes.

    python -m benchmarks.variational speed [--rounds 5]
    python -m benchmarks.variational quality [--cpu-minutes 4] [--n 10000]
    python -m benchmarks.variational disentanglement [--epochs 16] [--seeds 0 1 2]

speed: one epoch over 12,800 pictures, batch 128, of the same VAE in each system, interleaved. The network is that of
https://keras.io/examples/generative/vae/ : two convolutions, two latent numbers, two transposed ones.

quality: each system trains for so many minutes of CPU time, over all cores, in a process of its own, then makes n pictures, judged with
fashion-lenet's features. The negative ELBO is that of test pictures, nats, with the Bernoulli cross-entropy that all of them use. The
keras.io pattern has its own network, pythae that of its benchmarks (pythae.models.nn.benchmarks.mnist).

disentanglement: the mutual information gap on shapes:one, 16x16, with its five factors; ten latent numbers, a Gaussian likelihood of
sigma 0.25.

The last line is one JSON object.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

import numpy as np

from benchmarks.systems import interleaved, machine, start

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
SHAPE, BATCH = (28, 28, 1), 128


def pictures(split, limit=None):
    """uint8 (N, 28, 28, 1)."""
    from keras_imgen import data

    batches = data.load("fashion_mnist", split, batch=1000, shuffle=False, drop_remainder=False, limit=limit)
    return np.concatenate([np.asarray(b["image"]) for b in batches])


# === The same network in each system ===


def keras_networks(latent_dim, heads):
    import keras
    from keras import layers

    encoder = [keras.Input(SHAPE)]
    encoder += [layers.Conv2D(f, 3, 2, "same", activation="relu") for f in (32, 64)]
    encoder = keras.Sequential([*encoder, layers.Flatten(), layers.Dense(16, activation="relu")])
    outputs = [layers.Dense(latent_dim)(encoder.outputs[0]) for _ in range(2)]
    inside = keras.Model(encoder.inputs[0], outputs if heads else layers.Concatenate()(outputs))
    decoder = [keras.Input((latent_dim,)), layers.Dense(7 * 7 * 64, activation="relu"), layers.Reshape((7, 7, 64))]
    decoder += [layers.Conv2DTranspose(f, 3, 2, "same", activation="relu") for f in (64, 32)]
    last = layers.Conv2DTranspose(1, 3, padding="same", activation="sigmoid" if heads else None)
    return inside, keras.Sequential([*decoder, last])


def ours_speed(images, fit=None):
    from keras_imgen.models import VAE

    model = VAE(*keras_networks(2, False), likelihood="bernoulli", ema=None)
    model.compile("adam", **(fit or {}))
    return {"epoch": lambda: model.fit(images, batch_size=BATCH, verbose=0)}, {}


def keras_io_model(latent_dim=2):
    import keras
    import tensorflow as tf
    from keras import ops

    class Sampling(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.seed_generator = keras.random.SeedGenerator(1337)

        def call(self, inputs):
            mean, log_variance = inputs
            noise = keras.random.normal(shape=ops.shape(mean), seed=self.seed_generator)
            return mean + ops.exp(0.5 * log_variance) * noise

    class Pattern(keras.Model):
        def __init__(self):
            super().__init__()
            heads, self.decoder = keras_networks(latent_dim, True)
            self.encoder = keras.Model(heads.inputs, [*heads.outputs, Sampling()(heads.outputs)])
            self.trackers = [keras.metrics.Mean(name=n) for n in ("loss", "reconstruction_loss", "kl_loss")]

        @property
        def metrics(self):
            return self.trackers

        def losses_of(self, data):
            mean, log_variance, z = self.encoder(data)
            output = self.decoder(z)
            nll = ops.mean(ops.sum(keras.losses.binary_crossentropy(data, output), axis=(1, 2)))
            kl = -0.5 * (1 + log_variance - ops.square(mean) - ops.exp(log_variance))
            return nll, ops.mean(ops.sum(kl, axis=1))

        def train_step(self, data):
            with tf.GradientTape() as tape:
                nll, kl = self.losses_of(data)
                total = nll + kl
            grads = tape.gradient(total, self.trainable_weights)
            self.optimizer.apply_gradients(zip(grads, self.trainable_weights))
            for tracker, value in zip(self.trackers, (total, nll, kl)):
                tracker.update_state(value)
            return {tracker.name: tracker.result() for tracker in self.trackers}

    model = Pattern()
    model.compile(optimizer=keras.optimizers.Adam())
    return model


def keras_io_speed(images):
    model = keras_io_model()
    data = images.astype("float32") / 255
    return {"epoch": lambda: model.fit(data, batch_size=BATCH, verbose=0)}, {}


def torch_network(latent_dim):
    import torch
    from torch import nn
    from torch.nn import functional as F

    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.convs = nn.ModuleList([nn.Conv2d(1, 32, 3, 2, 1), nn.Conv2d(32, 64, 3, 2, 1)])
            self.dense, self.heads = nn.Linear(7 * 7 * 64, 16), nn.Linear(16, 2 * latent_dim)

        def forward(self, x):
            for conv in self.convs:
                x = F.relu(conv(x))
            return self.heads(F.relu(self.dense(x.flatten(1)))).chunk(2, -1)

    class Decoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.dense = nn.Linear(latent_dim, 7 * 7 * 64)
            pairs = ((64, 64, 2), (64, 32, 2), (32, 1, 1))
            self.convs = nn.ModuleList(nn.ConvTranspose2d(a, b, 3, s, 1, s - 1) for a, b, s in pairs)

        def forward(self, z):
            h = F.relu(self.dense(z)).reshape(-1, 64, 7, 7).contiguous(memory_format=torch.channels_last)
            for conv in self.convs[:-1]:
                h = F.relu(conv(h))
            return torch.sigmoid(self.convs[-1](h))

    parts = Encoder(), Decoder()
    return tuple(p.to(memory_format=torch.channels_last) for p in parts)


def pytorch_speed(images):
    import torch
    from torch.nn import functional as F

    encoder, decoder = torch_network(2)
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], 1e-3, fused=True)
    data = torch.from_numpy(images.transpose(0, 3, 1, 2).astype("float32") / 255)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(data), BATCH, shuffle=True)

    def epoch():
        for (x,) in loader:
            x = x.contiguous(memory_format=torch.channels_last)
            mean, log_variance = encoder(x)
            output = decoder(mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean))
            kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(-1)
            loss = (F.binary_cross_entropy(output, x, reduction="none").flatten(1).sum(-1) + kl).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss.item()

    return {"epoch": epoch}, {"torch": torch.__version__}


def pythae_trainer(images, latent_dim, networks):
    """A trainer of pythae's VAE, ready for `train_step(epoch)`."""
    import torch
    from pythae.data.datasets import BaseDataset
    from pythae.models import VAE, VAEConfig
    from pythae.trainers import BaseTrainer, BaseTrainerConfig

    config = VAEConfig(input_dim=(1, 28, 28), latent_dim=latent_dim, reconstruction_loss="bce")
    encoder, decoder = networks(config)
    model = VAE(config, encoder, decoder)
    data = torch.from_numpy(images.transpose(0, 3, 1, 2).astype("float32") / 255)
    settings = BaseTrainerConfig(
        output_dir=tempfile.mkdtemp(), per_device_train_batch_size=BATCH, learning_rate=1e-3, optimizer_cls="Adam"
    )
    trainer = BaseTrainer(model, BaseDataset(data, torch.zeros(len(data))), training_config=settings)
    trainer.prepare_training()
    trainer.callback_handler.callbacks = []  # its progress bar
    return trainer


def pythae_speed(images):
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder

    inner = torch_network(2)

    class Encoder(BaseEncoder):
        def __init__(self):
            super().__init__()
            self.inner = inner[0]

        def forward(self, x):
            mean, log_variance = self.inner(x)
            return ModelOutput(embedding=mean, log_covariance=log_variance)

    class Decoder(BaseDecoder):
        def __init__(self):
            super().__init__()
            self.inner = inner[1]

        def forward(self, z):
            return ModelOutput(reconstruction=self.inner(z))

    trainer = pythae_trainer(images, 2, lambda config: (Encoder(), Decoder()))
    return {"epoch": lambda: trainer.train_step(1)}, {}


def speed(args):
    images, where = pictures("train", 12_800), machine()
    systems = start(
        {
            "keras_imgen": (ours_speed, (images,), {}),
            "keras_imgen, steps_per_execution=20": (ours_speed, (images, {"steps_per_execution": 20}), {}),
            "keras.io pattern": (keras_io_speed, (images,), {"TF_ENABLE_ONEDNN_OPTS": None}),
            "PyTorch, channels_last": (pytorch_speed, (images,), {}),
            "pythae": (pythae_speed, (images,), {}),
        }
    )
    seconds = interleaved(systems, "epoch", args.rounds, warm=1)
    rates = {name: len(images) / s for name, s in seconds.items()}
    base = rates.get("pythae", rates["keras.io pattern"])
    for name, rate in rates.items():
        print(f"{name:<38}{rate:>9.0f} images/s{rate / base:>8.2f}x")
    return {"machine": where, "rounds": args.rounds, "images_per_second": rates}


# === Quality in equal minutes ===


def ours_quality(kind, minutes, n, train, test):
    from keras_imgen import data
    from keras_imgen.models import RAE, VAE, VQVAE, Autoencoder, CodePrior
    from keras_imgen.networks import conv_decoder, conv_encoder, pixelcnn, vq_decoder, vq_encoder

    train = data.load(train, batch=BATCH)
    kinds = {
        "VAE": lambda: VAE(conv_encoder(SHAPE, 32), conv_decoder(SHAPE, 16), likelihood="bernoulli"),
        "RAE": lambda: RAE(conv_encoder(SHAPE, 16), conv_decoder(SHAPE, 16)),
        "AE": lambda: Autoencoder(conv_encoder(SHAPE, 16), conv_decoder(SHAPE, 16)),
        "VQ-VAE": lambda: VQVAE(vq_encoder(SHAPE), vq_decoder(SHAPE)),
    }
    model, found = kinds[kind](), {}
    share = 0.4 if kind == "VQ-VAE" else 1.0
    _fit_for(model, train, share * minutes)
    if kind == "VQ-VAE":
        found["codes drawn apart"] = model.generate(n)
        model = CodePrior(model, pixelcnn(model.latent_shape, model.codes, dropout=0.1))
        _fit_for(model, train, (1 - share) * minutes)
        found["PixelCNN"] = model.generate(n, batch_size=250)
        return found, None
    if kind == "VAE":
        scores = model.evaluate(test, batch_size=250, verbose=0, return_dict=True)
    for sampler, kwargs in (("normal", {}), ("gmm", {"components": 10}), ("second_stage", {"epochs": 20})):
        if sampler != "second_stage" or kind == "VAE":
            model.fit_sampler(train, sampler, **kwargs)
            found[sampler] = model.generate(n, batch_size=250)
    return found, scores["loss"] if kind == "VAE" else None


def _fit_for(model, train, minutes):
    import keras

    class Limit(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = time.process_time() > end

    model.compile(keras.optimizers.Adam(1e-3))
    end = time.process_time() + 60 * minutes
    model.fit(train, epochs=10_000, verbose=0, callbacks=[Limit()])


def keras_io_quality(minutes, n, train, test):
    import keras
    from keras import ops

    model = keras_io_model()
    data, test = train.astype("float32") / 255, test.astype("float32") / 255
    end = time.process_time() + 60 * minutes
    stop = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda b, logs: setattr(model, "stop_training", time.process_time() > end)
    )
    model.fit(data, epochs=10_000, batch_size=BATCH, verbose=0, callbacks=[stop])
    parts = [model.losses_of(ops.convert_to_tensor(test[i : i + 250])) for i in range(0, len(test), 250)]
    elbo = float(np.mean([float(a) + float(b) for a, b in parts]))
    z = np.random.default_rng(0).standard_normal((n, 2)).astype("float32")
    made = model.decoder.predict(z, batch_size=250, verbose=0)
    return {"normal": np.round(made * 255).astype("uint8")}, elbo


def pythae_quality(minutes, n, train, test):
    import torch
    from pythae.models.nn.benchmarks.mnist import Decoder_Conv_AE_MNIST, Encoder_Conv_VAE_MNIST
    from pythae.samplers import GaussianMixtureSampler, GaussianMixtureSamplerConfig, NormalSampler

    trainer = pythae_trainer(train, 16, lambda c: (Encoder_Conv_VAE_MNIST(c), Decoder_Conv_AE_MNIST(c)))
    # An epoch is longer than the limit may allow: it ends where the loader does, so the data is cut into parts of 6,400 pictures.
    data = trainer.train_dataset.data
    end, part = time.process_time() + 60 * minutes, 0
    generator = torch.Generator().manual_seed(0)
    while time.process_time() < end:
        order = torch.randperm(len(data), generator=generator)[:6400]
        trainer.train_loader = _Loader([{"data": data[i]} for i in order.split(BATCH)], data)
        trainer.model.train()
        trainer.train_step(part)
        part += 1
    model = trainer.model.eval()
    test = torch.from_numpy(test.transpose(0, 3, 1, 2).astype("float32") / 255)
    with torch.no_grad():
        losses = [float(model({"data": x}).loss) for x in test.split(250)]
        samplers = {"normal": NormalSampler(model)}
        samplers["gmm"] = GaussianMixtureSampler(model, GaussianMixtureSamplerConfig(n_components=10))
        samplers["gmm"].fit(data[:20_000])
        found = {k: s.sample(num_samples=n, batch_size=250, return_gen=True) for k, s in samplers.items()}
    found = {k: np.round(v.clip(0, 1).numpy().transpose(0, 2, 3, 1) * 255).astype("uint8") for k, v in found.items()}
    return found, float(np.mean(losses))


class _Loader(list):
    """Batches with the data set that pythae's trainer asks a loader for."""

    def __init__(self, batches, dataset):
        super().__init__(batches)
        self.dataset = dataset


# Each gets the minutes, how many pictures to make, and those to learn from and to be tested on: PyTorch does not bear TensorFlow,
# which reads them, in its process.
RUNS = {
    "keras_imgen VAE": lambda m, n, *data: ours_quality("VAE", m, n, *data),
    "keras_imgen RAE": lambda m, n, *data: ours_quality("RAE", m, n, *data),
    "keras_imgen AE": lambda m, n, *data: ours_quality("AE", m, n, *data),
    "keras_imgen VQ-VAE": lambda m, n, *data: ours_quality("VQ-VAE", m, n, *data),
    "keras.io VAE": keras_io_quality,
    "pythae VAE": pythae_quality,
}


def quality(args):
    import keras

    from keras_imgen import data
    from keras_imgen.data.image_io import make_grid, save_image
    from keras_imgen.metrics import evaluate, extractors

    lenet = extractors.get("fashion-lenet")
    real, held = (
        data.load("fashion_mnist", split, batch=256, shuffle=False, drop_remainder=False, columns=("image",))
        for split in ("train", "test")
    )
    rows, floor = {}, None
    with tempfile.TemporaryDirectory() as folder:
        given, out = (os.path.join(folder, f"{name}.npz") for name in ("given", "out"))
        np.savez(given, train=pictures("train"), test=pictures("test"))
        for name in RUNS:
            how = [sys.executable, "-m", "benchmarks.variational", "run", "--name", name, "--out", out]
            how += ["--pictures", given, "--cpu-minutes", str(args.cpu_minutes), "--n", str(args.n)]
            done = subprocess.run(how, capture_output=True, text=True)
            if done.returncode:
                print(f"{name} is left out: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
                continue
            found = dict(np.load(out))
            elbo = float(found.pop("elbo"))
            elbo = None if np.isnan(elbo) else elbo
            for sampler, made in found.items():
                result = evaluate(made, real, lenet, ["frechet"], held_out=held, seed=0).results[0]
                rows[f"{name}, {sampler}"] = {"negative_elbo": elbo, "frechet": result.value}
                floor = result.floor
                shown = "" if elbo is None else f"{elbo:.1f}"
                print(f"{name + ', ' + sampler:<44}{shown:>10}{result.value:>10.2f}", flush=True)
                if args.grids:
                    os.makedirs(args.grids, exist_ok=True)
                    path = os.path.join(args.grids, f"{name}_{sampler}.png".replace(" ", "_"))
                    save_image(path, make_grid(made[:64], columns=16), {"model": name})
    print(f"{'real pictures':<44}{'':>10}{floor:>10.2f}")
    about = {"cpu_minutes": args.cpu_minutes, "n": args.n, "floor": floor, "keras": keras.__version__}
    return {"machine": machine(), **about, "results": rows}


def run(args):
    given = np.load(args.pictures)
    found, elbo = RUNS[args.name](args.cpu_minutes, args.n, given["train"], given["test"])
    np.savez(args.out, elbo=np.nan if elbo is None else elbo, **found)


# === Disentanglement ===


def disentanglement(args):
    import keras

    from keras_imgen import data
    from keras_imgen.metrics.disentanglement import mutual_information_gap
    from keras_imgen.models import TCVAE, VAE
    from keras_imgen.models.variational.likelihoods import Gaussian
    from keras_imgen.networks import conv_decoder, conv_encoder

    shape = (16, 16, 3)
    train = data.load("shapes:one", size=16, batch=200, columns=("image",))
    images = np.concatenate([np.asarray(b["image"]) for b in train])
    held = list(data.load("shapes:one", "test", size=16, batch=200, shuffle=False, columns=("image", "factors")))
    test, factors = (np.concatenate([np.asarray(b[k]) for b in held]) for k in ("image", "factors"))
    kinds = {
        "VAE": lambda seed, *nets: VAE(*nets, likelihood=Gaussian(0.25), seed=seed),
        "beta-VAE, beta 4": lambda seed, *nets: VAE(*nets, likelihood=Gaussian(0.25), beta=4.0, seed=seed),
        "beta-TCVAE, beta 10": lambda seed, *nets: TCVAE(
            *nets, likelihood=Gaussian(0.25), dataset_size=len(images), beta=10.0, seed=seed
        ),
    }
    gaps = {}
    for name, make in kinds.items():
        if args.only and not name.startswith(args.only):
            continue
        for seed in args.seeds:
            keras.utils.set_random_seed(seed)
            nets = conv_encoder(shape, 20, normalization=None), conv_decoder(shape, 10, normalization=None)
            model = make(seed, *nets)
            model.compile(keras.optimizers.Adam(1e-3), steps_per_execution=20)
            model.fit(images, batch_size=64, epochs=args.epochs, verbose=0)
            gap, each = mutual_information_gap(model.encode(test), factors)
            gaps.setdefault(name, []).append(gap)
            each = dict(zip(("shape", "colour", "size", "x", "y"), np.round(each, 3).tolist()))
            print(f"{name:<22} seed {seed}: MIG {gap:.3f}  {each}", flush=True)
        print(f"{name:<22} mean MIG {np.mean(gaps[name]):.3f}")
    return {"machine": machine(), "epochs": args.epochs, "seeds": args.seeds, "mig": gaps}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=("speed", "quality", "disentanglement", "run"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cpu-minutes", type=float, default=4.0)
    parser.add_argument("--n", type=int, default=10_000)
    parser.add_argument("--grids", help="folder for the pictures of each")
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--only", help="of disentanglement: models whose name begins so")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--name", help=argparse.SUPPRESS)
    parser.add_argument("--out", help=argparse.SUPPRESS)
    parser.add_argument("--pictures", help=argparse.SUPPRESS)
    args = parser.parse_args()
    parts = {"speed": speed, "quality": quality, "disentanglement": disentanglement, "run": run}
    found = parts[args.part](args)
    if found is not None:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
