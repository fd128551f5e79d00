"""The same U-Net trained and sampled here, in the keras.io DDIM pattern and in PyTorch, beside diffusers: interleaved, medians.

    python -m benchmarks.speed [--quick] [--rounds 7] [--seed 0] [--cores 1] [--text]

Each system does the same work in a process of its own: a 32x32x3 U-Net with widths 32-64-96-128, depth 2, attention at 8x8, batch 64,
Adam and an average of the weights; then 20 DDIM steps at batch 2 and 16. diffusers' network, where installed, has half as much again
to do, so compare its GFLOP/s. The keras.io pattern runs twice: as TensorFlow comes on this machine, and with oneDNN off, as
TensorFlow comes on many; keras_imgen also with one thread for each op (`cores.one_thread_per_op`) and in bfloat16, beside PyTorch's
autocast. With `--text` the network attends to 16 words of 128 numbers as well, of which 12 are seen, where it has attention (diffusers:
UNet2DConditionModel); without the keras.io pattern, which has no words. The last line is one JSON object.
"""

import argparse
import json
import os

import numpy as np

from benchmarks.systems import interleaved, machine, start

SIZE, CHANNELS, WIDTHS, DEPTH, STEPS = 32, 3, (32, 64, 96, 128), 2, 20
SAMPLES = (2, 16)
WORDS, SEEN, WORD_DIM = 16, 12, 128  # of a text


def jobs(train, sample) -> dict:
    return {"train": train, **{f"sample {n}": lambda n=n: sample(n) for n in SAMPLES}}


def forward_gflop(network) -> float:
    """Of one image through the U-Net: two per multiply-add of its convolutions, dense layers and attention."""
    import keras

    from keras_imgen.networks.unet import SpatialAttention

    total = 0
    for layer in network.layers:
        if isinstance(layer, (keras.layers.Conv2D, keras.layers.Dense)):
            places = np.prod([SIZE >> _level(layer.name)] * 2) if isinstance(layer, keras.layers.Conv2D) else 1
            total += 2 * places * np.prod(layer.kernel.shape)
        elif isinstance(layer, SpatialAttention):
            tokens, width = (SIZE >> _level(layer.name)) ** 2, layer.attention.query.kernel.shape[0]
            total += 2 * tokens * (4 * width**2 + 2 * tokens * width)
    return float(total) / 1e9


def _level(name: str) -> int:
    if name.startswith("middle"):
        return len(WIDTHS) - 1
    return int(name.split("_")[0].lstrip("updown")) if name[:2] in ("up", "do") else 0


def words_of(count, seed):
    """Vectors float32 (count, WORDS, WORD_DIM) and their mask, as an encoder gives them."""
    keep = np.broadcast_to(np.arange(WORDS) < SEEN, (count, WORDS)).copy()
    return np.random.default_rng(seed).normal(size=(count, WORDS, WORD_DIM)).astype("float32"), keep


def ours(images, seed, text=False, **how):
    """keras_imgen: the compiled step of `fit`, and `generate`; `how` goes to `compile`."""
    from keras_imgen.models.diffusion.diffusion import Diffusion  # isort: skip - before keras: it turns oneDNN on

    import keras

    from keras_imgen.networks import unet

    keras.utils.set_random_seed(seed)
    network = unet((SIZE, SIZE, CHANNELS), widths=WIDTHS, depth=DEPTH, sequence_dim=WORD_DIM if text else None)
    model = Diffusion(network, sampler="ddim", steps=STEPS)
    model.compile("adam", **how)
    words, keep = words_of(len(images), seed)
    batch = {"image": images, **({"sequence": words, "sequence_mask": keep} if text else {})}
    told = lambda n: {"conditions": {"sequence": words[:n, :SEEN]}} if text else {}  # noqa: E731
    about = {"gflop": forward_gflop(network), "parameters": network.count_params(), "keras": keras.__version__}
    return jobs(lambda: model.train_on_batch(batch), lambda n: model.generate(n, seed=seed, **told(n))), about


def xla(images, seed, text=False):
    return ours(images, seed, text, jit_compile=True)


def bfloat16(images, seed, text=False):
    """The network under the policy that recipes use on CPUs that compute in bfloat16; weights and average stay float32."""
    import keras_imgen  # noqa: F401  isort: skip - before keras: it turns oneDNN on

    import keras

    keras.config.set_dtype_policy("mixed_bfloat16")
    return ours(images, seed, text)


def keras_io(images, seed):
    """The pattern of https://keras.io/examples/generative/ddim/: its own train_step, EMA and sampling loop in Python."""
    import keras
    import tensorflow as tf
    from keras import layers, ops

    keras.utils.set_random_seed(seed)

    @keras.saving.register_keras_serializable("benchmark")
    def embed(log_snr):
        angles = log_snr[:, None] * ops.exp(ops.linspace(-4.158883, 1.386294, 2 * WIDTHS[0], dtype="float32"))[None]
        return ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=-1)

    def norm(x):
        return layers.GroupNormalization(groups=32)(x)

    def block(x, width, embedding):
        skip = x if x.shape[-1] == width else layers.Conv2D(width, 1)(x)
        x = layers.Activation("silu")(norm(x))
        x = layers.Conv2D(width, 3, padding="same")(x)
        modulation = layers.Reshape((1, 1, 2 * width))(layers.Dense(2 * width)(embedding))
        scale, shift = modulation[..., :width], modulation[..., width:]
        x = layers.Activation("silu")(norm(x) * (1 + scale) + shift)
        x = layers.Add()([skip, layers.Conv2D(width, 3, padding="same", kernel_initializer="zeros")(x)])
        if x.shape[1] == 8:
            heads = width // 32
            y = layers.Reshape((64, width))(norm(x))
            y = layers.MultiHeadAttention(heads, width // heads)(y, y)
            x = layers.Add()([x, layers.Reshape((8, 8, width))(y)])
        return x

    def get_network():
        image, log_snr = keras.Input((SIZE, SIZE, CHANNELS)), keras.Input(())
        e = layers.Dense(4 * WIDTHS[0], activation="silu")(layers.Lambda(embed, output_shape=(4 * WIDTHS[0],))(log_snr))
        e = layers.Activation("silu")(layers.Dense(4 * WIDTHS[0])(e))
        x, skips = layers.Conv2D(WIDTHS[0], 3, padding="same")(image), []
        for level, width in enumerate(WIDTHS):
            for _ in range(DEPTH):
                x = block(x, width, e)
                skips.append(x)
            if level < len(WIDTHS) - 1:
                x = layers.AveragePooling2D(2)(x)
        x = block(x, WIDTHS[-1], e)
        for level, width in reversed(list(enumerate(WIDTHS))):
            for _ in range(DEPTH):
                x = block(layers.Concatenate()([x, skips.pop()]), width, e)
            if level:
                x = layers.UpSampling2D(2)(x)
        x = layers.Activation("silu")(norm(x))
        return keras.Model([image, log_snr], layers.Conv2D(CHANNELS, 3, padding="same", kernel_initializer="zeros")(x))

    class DiffusionModel(keras.Model):
        def __init__(self):
            super().__init__()
            self.network = get_network()
            self.ema_network = keras.models.clone_model(self.network)
            self.loss_tracker = keras.metrics.Mean(name="n_loss")

        def rates(self, times):
            angles = 0.02 + times * (np.pi / 2 - 0.04)
            return ops.cos(angles), ops.sin(angles)

        def denoise(self, noisy, signal, noise_rate, training):
            network = self.network if training else self.ema_network
            log_snr = ops.reshape(2 * ops.log(signal / noise_rate), (-1,))
            noise = network([noisy, log_snr], training=training)
            return noise, (noisy - noise_rate * noise) / signal

        def train_step(self, data):
            images = data[0]
            noises = keras.random.normal(ops.shape(images))
            signal, noise_rate = self.rates(keras.random.uniform((ops.shape(images)[0], 1, 1, 1)))
            noisy = signal * images + noise_rate * noises
            with tf.GradientTape() as tape:
                predicted, _ = self.denoise(noisy, signal, noise_rate, True)
                loss = ops.mean(ops.square(noises - predicted))
            gradients = tape.gradient(loss, self.network.trainable_weights)
            self.optimizer.apply_gradients(zip(gradients, self.network.trainable_weights))
            self.loss_tracker.update_state(loss)
            for weight, ema_weight in zip(self.network.weights, self.ema_network.weights):
                ema_weight.assign(0.999 * ema_weight + 0.001 * weight)
            return {"n_loss": self.loss_tracker.result()}

        def generate(self, n):
            x = keras.random.normal((n, SIZE, SIZE, CHANNELS))
            for step in range(STEPS):
                times = ops.ones((n, 1, 1, 1)) - step / STEPS
                noise, image = self.denoise(x, *self.rates(times), False)
                signal, noise_rate = self.rates(times - 1 / STEPS)
                x = signal * image + noise_rate * noise
            return ops.convert_to_numpy(ops.cast(ops.clip(image * 127.5 + 127.5, 0, 255), "uint8"))

    model = DiffusionModel()
    model.compile(optimizer="adam", jit_compile=False)
    tensor = tf.convert_to_tensor(images.astype("float32") / 127.5 - 1)
    about = {"parameters": model.network.count_params(), "tensorflow": tf.__version__}
    return jobs(lambda: model.train_on_batch(tensor), model.generate), about


def pytorch(images, seed, text=False):
    """The same network in PyTorch, channels_last, with fused Adam and foreach EMA; sampling in inference mode."""
    import torch

    from benchmarks.torch_networks import UNet

    torch.manual_seed(seed)
    words, keep = map(torch.from_numpy, words_of(len(images), seed))
    told = lambda n: (words[:n], keep[:n]) if text else ()  # noqa: E731
    made = (UNet(SIZE, WIDTHS, DEPTH, (8,), CHANNELS, WORD_DIM if text else None) for _ in range(2))
    net, average = (network.to(memory_format=torch.channels_last) for network in made)
    optimizer = torch.optim.Adam(net.parameters(), fused=True)
    pairs = list(average.parameters()), list(net.parameters())
    data = torch.from_numpy(images.transpose(0, 3, 1, 2).astype("float32") / 127.5 - 1)
    data = data.contiguous(memory_format=torch.channels_last)

    def rates(t):
        angles = 0.02 + t * (np.pi / 2 - 0.04)
        return torch.cos(angles), torch.sin(angles)

    def train():
        noise = torch.randn_like(data)
        signal, rate = rates(torch.rand(len(data), 1, 1, 1))
        predicted = net(signal * data + rate * noise, 2 * torch.log(signal / rate).flatten(), *told(len(data)))
        loss = (predicted - noise).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            torch._foreach_lerp_(pairs[0], pairs[1], 0.001)
        return loss.item()

    @torch.inference_mode()
    def sample(n):
        x = torch.randn(n, CHANNELS, SIZE, SIZE).contiguous(memory_format=torch.channels_last)
        for step in range(STEPS):
            signal, rate = rates(torch.full((n, 1, 1, 1), 1 - step / STEPS))
            noise = average(x, 2 * torch.log(signal / rate).flatten(), *told(n))
            image = (x - rate * noise) / signal
            signal, rate = rates(torch.full((n, 1, 1, 1), 1 - (step + 1) / STEPS))
            x = signal * image + rate * noise
        return (image * 127.5 + 127.5).clamp(0, 255).byte().numpy()

    return jobs(train, sample), {"parameters": sum(p.numel() for p in net.parameters()), "torch": torch.__version__}


def pytorch_autocast(images, seed, text=False):
    """The same under `torch.autocast` in bfloat16."""
    import torch

    found, about = pytorch(images, seed, text)

    def cast(job):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return job()

    return {name: lambda job=job: cast(job) for name, job in found.items()}, about


def diffusers(images, seed, text=False):
    """diffusers' UNet2DModel of the same widths, depth and attention (it has more convolutions), with its DDIM scheduler."""
    import diffusers as package
    import torch
    from diffusers import DDIMScheduler, UNet2DConditionModel, UNet2DModel

    torch.manual_seed(seed)
    words, keep = map(torch.from_numpy, words_of(len(images), seed))

    def told(n):
        return {"encoder_hidden_states": words[:n], "encoder_attention_mask": keep[:n]} if text else {}

    def network():
        kind, make, own = "Attn", UNet2DModel, {"add_attention": False}
        if text:
            kind, make = "CrossAttn", UNet2DConditionModel
            own = {"mid_block_type": None, "cross_attention_dim": WORD_DIM}
        kinds = [kind if SIZE >> level == 8 else "" for level in range(len(WIDTHS))]
        made = make(
            sample_size=SIZE,
            in_channels=CHANNELS,
            out_channels=CHANNELS,
            layers_per_block=DEPTH,
            block_out_channels=WIDTHS,
            down_block_types=[f"{kind}DownBlock2D" for kind in kinds],
            up_block_types=[f"{kind}UpBlock2D" for kind in reversed(kinds)],
            attention_head_dim=32,
            norm_num_groups=32,
            **own,
        )
        return made.to(memory_format=torch.channels_last)

    net, average = network(), network().eval()
    optimizer = torch.optim.Adam(net.parameters(), fused=True)
    pairs = list(average.parameters()), list(net.parameters())
    data = torch.from_numpy(images.transpose(0, 3, 1, 2).astype("float32") / 127.5 - 1)
    data = data.contiguous(memory_format=torch.channels_last)
    scheduler = DDIMScheduler(1000, beta_schedule="squaredcos_cap_v2")

    def train():
        noise = torch.randn_like(data)
        times = torch.randint(0, 1000, (len(data),))
        loss = (net(scheduler.add_noise(data, noise, times), times, **told(len(data))).sample - noise).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            torch._foreach_lerp_(pairs[0], pairs[1], 0.001)
        return loss.item()

    @torch.inference_mode()
    def sample(n):
        x = torch.randn(n, CHANNELS, SIZE, SIZE).contiguous(memory_format=torch.channels_last)
        scheduler.set_timesteps(STEPS)
        for t in scheduler.timesteps:
            x = scheduler.step(average(x, t, **told(n)).sample, t, x).prev_sample
        return (x * 127.5 + 127.5).clamp(0, 255).byte().numpy()

    about = {} if text else {"gflop": torch_gflop(net)}
    about |= {"parameters": sum(p.numel() for p in net.parameters())}
    return jobs(train, sample), {**about, "diffusers": package.__version__}


def torch_gflop(net) -> float:
    """Of one image forward, counted by PyTorch."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net(torch.zeros(1, CHANNELS, SIZE, SIZE), torch.zeros(1))
    return counter.get_total_flops() / 1e9


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="batch 8, one round: does it run?")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cores", type=int, help="of the machine's that each system may use; default: all")
    parser.add_argument("--text", action="store_true", help="the network attends to words, too")
    args = parser.parse_args()
    batch, rounds = (8, 1) if args.quick else (64, args.rounds)
    images = np.random.default_rng(args.seed).integers(0, 256, (batch, SIZE, SIZE, CHANNELS), dtype="uint8")
    if args.cores:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: args.cores])
    where, given = machine(), (images, args.seed, args.text)
    as_it_comes = {"TF_ENABLE_ONEDNN_OPTS": None}
    keras_io_patterns = {
        "keras.io pattern": (keras_io, given[:2], as_it_comes),
        "keras.io, oneDNN off": (keras_io, given[:2], {"TF_ENABLE_ONEDNN_OPTS": "0"}),
    }
    one_thread = {**as_it_comes, "TF_NUM_INTRAOP_THREADS": "1"}  # as `keras-imgen train` sets it on two cores
    systems = start(
        {
            "keras_imgen": (ours, given, as_it_comes),
            "keras_imgen, one thread": (ours, given, one_thread),
            "keras_imgen, XLA": (xla, given, as_it_comes),
            "keras_imgen, bfloat16": (bfloat16, given, as_it_comes),
            "bfloat16, one thread": (bfloat16, given, one_thread),
            **({} if args.text else keras_io_patterns),
            "PyTorch channels_last": (pytorch, given, {}),
            "PyTorch, autocast": (pytorch_autocast, given, {}),
            "diffusers": (diffusers, given, {}),
        }
    )
    base = "PyTorch channels_last" if args.text else "keras.io pattern"
    gflop = systems["keras_imgen"].about["gflop"]
    results = []
    print(f"U-Net {SIZE}x{SIZE}x{CHANNELS}, widths {WIDTHS}, depth {DEPTH}; sgemm {where['sgemm_gflops']:.0f} GFLOP/s")
    print(f"{'job':<12}{'system':<26}{'seconds':>9}{'GFLOP':>9}{'GFLOP/s':>9}{'speed':>8}")
    for job, times in {"train": 3 * batch, **{f"sample {n}": n * STEPS for n in SAMPLES}}.items():
        seconds = interleaved(systems, job, rounds)
        for name, s in seconds.items():
            work = systems[name].about.get("gflop", gflop) * times
            speed = seconds[base] / s
            results.append({"job": job, "system": name, "seconds": s, "gflop": work, "speed": speed})
            print(f"{job:<12}{name:<26}{s:>9.3f}{work:>9.1f}{work / s:>9.0f}{speed:>7.2f}x", flush=True)
    about = {name: system.about for name, system in systems.items()}
    settings = {"seed": args.seed, "batch": batch, "rounds": rounds, "text": args.text}
    print(json.dumps({"machine": where, **settings, "systems": about, "results": results}))


if __name__ == "__main__":
    main()
