"""The systems of `gpu.py` that are PyTorch: the same networks by hand, and diffusers'; each for a process of its own, `(jobs, about)`.

On a card with torch.compile, channels_last, fused Adam, TF32 in float32, autocast in bfloat16.
"""

import math

from benchmarks.gpu_ours import pictures


class Place:
    """Where and how PyTorch computes."""

    def __init__(self, precision):
        import torch

        self.torch, self.card = torch, torch.cuda.is_available()
        torch.manual_seed(0)
        if self.card:
            torch.set_float32_matmul_precision("high")  # TF32, which JAX uses by itself
            torch.backends.cudnn.benchmark = True
        self.device = torch.device("cuda" if self.card else "cpu")
        self.precision = lambda: torch.autocast(self.device.type, torch.bfloat16, enabled=precision == "bfloat16")

    def network(self, made):
        """(the module with the weights, the same compiled where there is a card)."""
        made = made.to(self.device, memory_format=self.torch.channels_last)
        return made, self.torch.compile(made, dynamic=False) if self.card else made

    def images(self, count, size, channels=3):
        """float32 in [-1, 1]."""
        images = self.torch.from_numpy(pictures(count, size)[..., :channels].transpose(0, 3, 1, 2).copy())
        return self.channels_last(images.to(self.device).float() / 127.5 - 1)

    def channels_last(self, x):
        return x.contiguous(memory_format=self.torch.channels_last)

    def normal(self, *shape):
        return self.torch.randn(*shape, device=self.device)

    def adam(self, *networks, **how):
        return self.torch.optim.Adam([p for n in networks for p in n.parameters()], fused=True, **how)

    def step(self, optimizer, loss):
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def averaging(self, average, net):
        pairs = list(average.parameters()), list(net.parameters())

        def into():
            with self.torch.no_grad():
                self.torch._foreach_lerp_(*pairs, 0.001)

        return into

    def jobs(self, step, sample, repeat):
        def train():
            for _ in range(repeat):
                step()
            if self.card:
                self.torch.cuda.synchronize()

        def made():
            with self.torch.no_grad(), self.precision():
                return (sample().float() * 127.5 + 127.5).clamp(0, 255).byte().cpu().numpy()

        return {"train": train, "sample": made}


def count(*networks):
    return sum(p.numel() for n in networks for p in n.parameters())


def rates(torch, t):
    angles = 0.02 + t * (math.pi / 2 - 0.04)
    return torch.cos(angles), torch.sin(angles)


def diffusion(place, how, make):
    torch, size = place.torch, how["size"]
    (net, run), (average, run_average) = place.network(make()), place.network(make().eval())
    optimizer, into, data = place.adam(net), place.averaging(average, net), place.images(how["batch"], size)

    def step():
        noise = torch.randn_like(data)
        signal, rate = rates(torch, torch.rand(len(data), 1, 1, 1, device=place.device))
        with place.precision():
            predicted = run(signal * data + rate * noise, 2 * torch.log(signal / rate).flatten())
        place.step(optimizer, (predicted.float() - noise).square().mean())
        into()

    def sample():
        n, steps = how["sample"], how["steps"]
        x = place.channels_last(place.normal(n, 3, size, size))
        for k in range(steps):
            signal, rate = rates(torch, torch.full((n, 1, 1, 1), 1 - k / steps, device=place.device))
            noise = run_average(x, 2 * torch.log(signal / rate).flatten()).float()
            image = (x - rate * noise) / signal
            signal, rate = rates(torch, torch.full((n, 1, 1, 1), 1 - (k + 1) / steps, device=place.device))
            x = signal * image + rate * noise
        return image

    return step, sample, count(net)


def unet(place, how):
    from benchmarks.torch_networks import UNet

    return diffusion(place, how, lambda: UNet(how["size"], how["widths"], how["depth"], how["attention"]))


def dit(place, how):
    from benchmarks.torch_networks import DiT

    return diffusion(place, how, lambda: DiT(how["size"], how["patch"], how["width"], how["depth"], how["heads"]))


def dcgan(place, how):
    from benchmarks.torch_networks import DCGANGenerator, dcgan_discriminator

    torch, softplus = place.torch, place.torch.nn.functional.softplus
    generator, generate = place.network(DCGANGenerator(how["size"], how["width"], how["latent_dim"]))
    discriminator, judge = place.network(dcgan_discriminator(how["size"], how["width"]))
    d_optimizer, g_optimizer = (place.adam(n, lr=2e-4, betas=(0.5, 0.999)) for n in (discriminator, generator))
    real, n = place.images(how["batch"], how["size"]), how["batch"]

    def step():
        with place.precision():
            with torch.no_grad():
                fake = generate(place.normal(n, how["latent_dim"]))
            logits = judge(torch.cat([fake.float(), real])).float()
        place.step(d_optimizer, softplus(logits[:n]).mean() + softplus(-logits[n:]).mean())
        discriminator.requires_grad_(False)
        with place.precision():
            logits = judge(generate(place.normal(n, how["latent_dim"]))).float()
        place.step(g_optimizer, softplus(-logits).mean())
        discriminator.requires_grad_(True)

    sample = lambda: generate(place.normal(how["sample"], how["latent_dim"]))  # noqa: E731
    return step, sample, count(generator, discriminator)


def vae(place, how):
    from benchmarks.variational import torch_network

    torch, cross_entropy = place.torch, place.torch.nn.functional.binary_cross_entropy
    (encoder, encode), (decoder, decode) = (place.network(part) for part in torch_network(2))
    optimizer, x = place.adam(encoder, decoder, lr=1e-3), place.images(how["batch"], 28, 1) / 2 + 0.5

    def step():
        with place.precision():
            mean, log_variance = (v.float() for v in encode(x))
            output = decode(mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)).float()
        kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(-1)
        place.step(optimizer, (cross_entropy(output, x, reduction="none").flatten(1).sum(-1) + kl).mean())

    return step, lambda: decode(place.normal(how["sample"], 2)) * 2 - 1, count(encoder, decoder)


def edsr(place, how):
    from benchmarks.torch_networks import EDSR

    make = lambda: EDSR(how["width"], how["blocks"])  # noqa: E731
    (net, run), (average, run_average) = place.network(make()), place.network(make().eval())
    optimizer, into = place.adam(net), place.averaging(average, net)
    image, target = place.images(how["batch"], how["size"]), place.images(how["batch"], 2 * how["size"])
    given = place.images(how["sample"], 2 * how["size"])

    def step():
        with place.precision():
            answer = run(image)
        place.step(optimizer, (answer.float() - target).abs().mean())
        into()

    return step, lambda: run_average(given), count(net)


MAKE = {"unet": unet, "dit": dit, "dcgan": dcgan, "vae": vae, "edsr": edsr}


def pytorch(name, how, precision):
    """The same network, step and sampling in plain PyTorch."""
    place = Place(precision)
    step, sample, weights = MAKE[name](place, how)
    return place.jobs(step, sample, how["repeat"]), {"weights": weights, "torch": place.torch.__version__}


def _unet2d(how):
    """UNet2DModel of the same widths, depth and attention: it has more convolutions."""
    from diffusers import UNet2DModel

    kinds = ["Attn" if how["size"] >> level in how["attention"] else "" for level in range(len(how["widths"]))]
    return UNet2DModel(
        sample_size=how["size"],
        in_channels=3,
        out_channels=3,
        layers_per_block=how["depth"],
        block_out_channels=how["widths"],
        down_block_types=[f"{kind}DownBlock2D" for kind in kinds],
        up_block_types=[f"{kind}UpBlock2D" for kind in reversed(kinds)],
        attention_head_dim=32,
        add_attention=how["size"] >> (len(how["widths"]) - 1) in how["attention"],
    )


def _dit2d(how):
    """DiTTransformer2DModel of the same width and depth: each of its blocks embeds the time for itself, and it is told a class."""
    from diffusers import DiTTransformer2DModel

    return DiTTransformer2DModel(
        num_attention_heads=how["heads"],
        attention_head_dim=how["width"] // how["heads"],
        in_channels=3,
        num_layers=how["depth"],
        sample_size=how["size"],
        patch_size=how["patch"],
        num_embeds_ada_norm=1000,
        norm_num_groups=1,
    )


def diffusers(name, how, precision):
    """diffusers' own network of that kind, with its DDIM scheduler."""
    import diffusers as package
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    make, place = {"unet": _unet2d, "dit": _dit2d}[name], Place(precision)
    torch, size = place.torch, how["size"]
    (net, run), (average, run_average) = place.network(make(how)), place.network(make(how).eval())
    optimizer, into, data = place.adam(net), place.averaging(average, net), place.images(how["batch"], size)
    scheduler = package.DDIMScheduler(1000, beta_schedule="squaredcos_cap_v2")
    told = lambda n: {"class_labels": torch.zeros(n, dtype=torch.long, device=place.device)} if name == "dit" else {}  # noqa: E731

    def step():
        noise, times = torch.randn_like(data), torch.randint(0, 1000, (len(data),), device=place.device)
        with place.precision():
            predicted = run(scheduler.add_noise(data, noise, times), times, **told(len(data))).sample
        place.step(optimizer, (predicted.float() - noise).square().mean())
        into()

    def sample():
        x = place.channels_last(place.normal(how["sample"], 3, size, size))
        scheduler.set_timesteps(how["steps"], device=place.device)
        for t in scheduler.timesteps:
            times = t.expand(len(x)).contiguous()
            x = scheduler.step(run_average(x, times, **told(len(x))).sample.float(), t, x).prev_sample
        return x

    # Attention as products, which are counted wherever it runs.
    with FlopCounterMode(display=False) as counter, torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
        net(data[:1], torch.zeros(1, dtype=torch.long, device=place.device), **told(1))
    each = counter.get_total_flops() / 1e9
    work = {"train_gflop": 3 * how["batch"] * each, "sample_gflop": how["sample"] * how["steps"] * each}
    about = {"weights": count(net), "diffusers": package.__version__, **work}
    return place.jobs(step, sample, how["repeat"]), about
