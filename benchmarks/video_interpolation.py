"""Frames that were left out of real clips made again: by a FrameInterpolator, the mean of their neighbours and OpenCV's DIS flow; and its
speed beside PyTorch.

    python -m benchmarks.video_interpolation quality MODEL... [--split clips:test] [--step 2] [--limit N]
    python -m benchmarks.video_interpolation speed [--rounds 7] [--height 144] [--width 256]    (pip install torch)

Quality: of every clip of the split, which nothing learned from, every step-th frame is kept and the step - 1 between two of them are made
again. PSNR on all channels of 8-bit answers, SSIM on the luma of BT.601; means over the frames of a clip, then over clips. `2 by 2` halves
the time again and again, where step is 4 or 8. DIS flow is found both ways; both are carried to the time in question, where they are
blended by how well they explain the other frame, holes are filled from around them, and of the two frames, moved along it, that one counts
whose flow arrives there. MODEL is a .keras file or a SavedModel.

Published, not comparable, as other clips and more weights: Vimeo-90K RIFE 35.61 dB (9.8 million weights), IFRNet 35.80 (5.0 million),
UPR-Net 36.03 (1.7 million), FILM 36.06.

Speed: `between` of a pair, uint8 to uint8, one frame half way; here and the same network with the same weights in PyTorch channels_last;
interleaved, medians. The last line is one JSON object.
"""

import argparse
import json
import os
import tempfile

import numpy as np

from benchmarks.systems import interleaved, machine, start

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
DOUBT = 10.0  # gray levels by which a flow may miss before it counts a third
SEEN = 0.05  # of a pixel that has to arrive at a place

# === Quality ===


def mean(first, second, times):
    a, b = first.astype("float32"), second.astype("float32")
    return np.stack([np.round((1 - t) * a + t * b) for t in map(float, times)]).astype("uint8")


def dis(first, second, times):
    from keras_imgen.data.flow import optical_flow, warped

    there, back = optical_flow(first, second), optical_flow(second, first)
    miss = [np.abs(warped(b, f) - a).mean(-1) for a, b, f in ((first, second, there), (second, first, back))]
    weights = [np.exp(-m / DOUBT) for m in miss]
    made = []
    for t in map(float, times):
        one, seen = carried(there, t * there, weights[0])
        two, also = carried(-back, (1 - t) * back, weights[1])
        flow = around((one + two) / np.maximum(seen + also, 1e-6), seen + also > SEEN)
        share = np.where((seen > SEEN) == (also > SEEN), 1 - t, (seen > SEEN).astype("float32"))
        made.append(share * warped(first, -t * flow) + (1 - share) * warped(second, (1 - t) * flow))
    return np.round(made).clip(0, 255).astype("uint8")


def carried(values, flow, weight):
    """(values (H, W, C) times what arrives, what arrives (H, W, 1)): every pixel goes along its flow to the four around its end."""
    height, width = flow.shape[:2]
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    x, y = x + flow[..., 0], y + flow[..., 1]
    both = np.concatenate([values, np.ones_like(values[..., :1])], -1)
    total = np.zeros((height * width, both.shape[-1]))
    for left in (np.floor(x), np.floor(x) + 1):
        for top in (np.floor(y), np.floor(y) + 1):
            inside = (left >= 0) & (left < width) & (top >= 0) & (top < height)
            share = ((1 - np.abs(x - left)) * (1 - np.abs(y - top)) * weight)[inside]
            np.add.at(total, (top * width + left)[inside].astype(int), share[:, None] * both[inside])
    total = total.reshape(height, width, -1).astype("float32")
    return total[..., :-1], total[..., -1:]


def around(values, known):
    """Values where they are known, elsewhere means of those around."""
    import cv2

    values, known = values * known, known[..., 0].astype("float32")
    while 0 < known.sum() < known.size:
        blurred, near = cv2.GaussianBlur(values, (0, 0), 2), cv2.GaussianBlur(known, (0, 0), 2)
        fill = (known == 0) & (near > 1e-3)
        values[fill], known[fill] = blurred[fill] / near[fill][:, None], 1
    return values


def opened(path):
    from keras_imgen import load_model, serving

    return serving.load(path) if os.path.isdir(path) else load_model(path)


def halved(between):
    """The same, halving the time again and again."""

    def made(first, second, times):
        if len(times) == 1:
            return between(first, second, [0.5])
        middle, half = between(first, second, [0.5]), len(times) // 2
        return np.concatenate([made(first, middle[0], times[:half]), middle, made(middle[0], second, times[:half])])

    return made


def quality(args):
    from keras_imgen.data.clips import clips
    from keras_imgen.metrics import psnr, ssim

    ways = {"mean": mean, "DIS flow": dis}
    for path in args.models:
        between = opened(path).between
        ways[path] = between
        if args.step > 2:
            ways[f"{path}, 2 by 2"] = halved(between)
    times, results = np.arange(1, args.step) / args.step, {}
    for name, clip in clips(args.split).items():
        starts = range(0, len(clip) - args.step, args.step)[: args.limit]
        targets = np.concatenate([clip[k + 1 : k + args.step] for k in starts])
        results[name] = {}
        for way, between in ways.items():
            made = np.concatenate([between(clip[k], clip[k + args.step], times) for k in starts])
            scores = [np.array(psnr(targets, made)), np.array(ssim(targets, made, channels="y"))]
            results[name][way] = [round(float(s.mean()), 4) for s in scores]
            print(
                f"{name:<16}{len(made):>5} frames  {way:<40}{scores[0].mean():>7.2f} dB {scores[1].mean():.4f}",
                flush=True,
            )
    every = {way: np.mean([found[way] for found in results.values()], 0).round(4).tolist() for way in ways}
    print("\n| clip | " + " | ".join(ways) + " |\n|" + "---|" * (len(ways) + 1))
    for name, found in {**results, "mean": every}.items():
        print(f"| {name} | " + " | ".join(f"{found[way][0]:.2f} / {found[way][1]:.4f}" for way in ways) + " |")
    return {"clips": results, "mean": every}


# === Speed ===


def ours(first, second, seed, weights):
    import keras

    from keras_imgen import models, networks

    keras.utils.set_random_seed(seed)
    model = models.FrameInterpolator(networks.flow_interpolator(), ema=None)
    given = np.load(weights)
    for k, v in enumerate(model.network.trainable_variables):
        v.assign(given[str(k)])
    answer = model.between(first, second, 0.5)
    about = {"keras": keras.__version__, "parameters": model.network.count_params(), "answer": float(answer.mean())}
    return {"between": lambda: model.between(first, second, 0.5)}, about


def pytorch(first, second, seed, weights):
    import torch

    network = twin()
    network.take([v for _, v in sorted(np.load(weights).items(), key=lambda pair: int(pair[0]))])
    network = network.eval().to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def between():
        ends = torch.from_numpy(np.stack([first, second])).permute(0, 3, 1, 2).float() / 127.5 - 1
        made = network(ends.contiguous(memory_format=torch.channels_last), torch.full((1,), 0.5))
        return (made.clamp(-1, 1) * 127.5 + 127.5).round().byte()[0].permute(1, 2, 0).numpy()

    count = sum(p.numel() for p in network.parameters())
    return {"between": between}, {"torch": torch.__version__, "parameters": count, "answer": float(between().mean())}


def twin(channels=3, width=32, levels=3, radius=3):
    """`networks.flow_interpolator` in PyTorch, for pictures whose sides 16 divides."""
    import torch
    from torch import nn
    from torch.nn import functional as F

    side, wide = width * 3 // 2, 2 * width

    class Convs(nn.ModuleList):
        def __init__(self, inner, plan):
            convs = []
            for outer, stride in plan:
                convs.append(nn.Conv2d(inner, outer, 3, stride, padding=1 if stride == 1 else 0))
                inner = outer
            super().__init__(convs)

        def forward(self, x, keep=None):
            kept = None
            for k, conv in enumerate(self):
                x = F.leaky_relu(conv(x if conv.stride == (1, 1) else F.pad(x, (0, 1, 0, 1))), 0.1)
                kept = x if k == keep else kept
            return x if keep is None else (kept, x)

    def other(x):
        return torch.cat(x.chunk(2)[::-1])

    def doubled(x):
        return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)

    def warp(x, flow):
        height, width = flow.shape[-2:]
        u = (flow[:, 0] + torch.arange(width)) * (2 / (width - 1)) - 1
        v = (flow[:, 1] + torch.arange(height)[:, None]) * (2 / (height - 1)) - 1
        return F.grid_sample(x, torch.stack([u, v], -1), padding_mode="border", align_corners=True)

    def standardized(x):
        return (x - x.mean(1, True)) * (x.var(1, correction=0, keepdim=True) + 1e-4).rsqrt()

    def correlation(own, others):
        height, width = own.shape[-2:]
        others, steps = F.pad(others, (radius,) * 4), range(2 * radius + 1)
        return torch.stack(
            [(own * others[..., v : v + height, u : u + width]).mean(1) for v in steps for u in steps], 1
        )

    class Twin(nn.Module):
        def __init__(self):
            super().__init__()
            self.features = Convs(channels, [(width, 2), (width, 1), (side, 2), (side, 1)])
            self.motion = Convs(2 * side + (2 * radius + 1) ** 2 + 5, [(wide, 1)] * 4)
            self.to_flow = nn.Conv2d(wide, 2, 3, padding=1)
            self.enter = Convs(8 * channels + 5, [(width, 1), (width, 1), (wide, 2)])
            self.middle = Convs(2 * wide + 2 * side, [(wide, 1), (wide, 1)])
            self.leave = Convs(wide // 4 + width, [(width, 1)])
            self.to_picture = nn.Conv2d(width, 4 * (3 + channels), 3, padding=1)

        def take(self, arrays):
            """Kernels and biases as Keras has them; PyTorch has the places of a shuffle inside its channels."""
            order = lambda n: np.arange(4 * n).reshape(4, n).T.ravel()  # noqa: E731
            for conv, kernel, bias in zip(
                (m for m in self.modules() if isinstance(m, nn.Conv2d)), arrays[::2], arrays[1::2]
            ):
                if conv is self.enter[0]:
                    kernel = kernel[:, :, [*order(2 * channels), *range(8 * channels, 8 * channels + 5)]]
                if conv is self.middle[-1] or conv is self.to_picture:
                    inside = order(len(bias) // 4)
                    kernel, bias = kernel[..., inside], bias[inside]
                conv.weight.data = torch.from_numpy(np.ascontiguousarray(kernel.transpose(3, 2, 0, 1)))
                conv.bias.data = torch.from_numpy(bias)

        def forward(self, images, time):
            away = torch.cat([time, 1 - time])[:, None, None, None]
            pyramid = [images]
            for _ in range(levels - 1):
                pyramid.append(F.avg_pool2d(pyramid[-1], 2))
            flow = None
            for level, image in reversed(list(enumerate(pyramid))):
                features = self.features(image)
                flow = features.new_zeros(len(features), 2, *features.shape[2:]) if flow is None else doubled(flow)
                pixels = 4 << level
                own = warp(features, flow / pixels)
                unit = standardized(own)
                seen = [own, other(own), correlation(unit, other(unit))]
                known = [flow / pixels, other(flow) / pixels, away.expand(-1, 1, *flow.shape[2:])]
                hidden = self.motion(torch.cat([*seen, *known], 1))
                flow = flow + 2 * pixels * away * self.to_flow(hidden)
            half = doubled(flow)
            flow = doubled(half)
            moved = warp(images, flow)
            known = [half / 16, other(half) / 16, away.expand(-1, 1, *half.shape[2:])]
            given = F.pixel_unshuffle(torch.cat([moved, other(moved)], 1), 2)
            fine, coarse = self.enter(torch.cat([given, *known], 1), keep=1)
            coarse = self.middle(torch.cat([coarse, hidden, own, other(own)], 1))
            fine = self.leave(torch.cat([F.pixel_shuffle(coarse, 2), fine], 1))
            made = F.pixel_shuffle(self.to_picture(fine), 2)
            flow = flow + 2 * away * made[:, :2]
            weight = made[:, 2:3] - away.clamp(min=1e-6).log()
            weight = (weight - other(weight)).sigmoid()
            inside = (4 * away * (1 - away)).clamp(max=1)
            return sum((weight * warp(images, flow) + 0.5 * inside * made[:, 3:]).chunk(2))

    return Twin()


def weights_of(path, seed):
    """Random weights of all layers, as an .npz file: those of the last layers begin with zeros, and would show no difference."""
    from keras_imgen import networks

    rng = np.random.default_rng(seed)
    shapes = [v.shape for v in networks.flow_interpolator().trainable_variables]
    scales = [0.05 if len(s) == 1 else (2 / np.prod(s[:-1])) ** 0.5 for s in shapes]
    np.savez(path, **{str(k): rng.normal(0, a, s).astype("float32") for k, (a, s) in enumerate(zip(scales, shapes))})
    return path


def speed(args):
    rng = np.random.default_rng(args.seed)
    pictures = [rng.integers(0, 256, (args.height, args.width, 3), dtype="uint8") for _ in range(2)]
    with tempfile.TemporaryDirectory() as folder:
        given = (*pictures, args.seed, weights_of(os.path.join(folder, "weights.npz"), args.seed))
        as_it_comes = {"TF_ENABLE_ONEDNN_OPTS": None}
        systems = start({"keras_imgen": (ours, given, as_it_comes), "PyTorch channels_last": (pytorch, given, {})})
        seconds = interleaved(systems, "between", 1 if args.quick else args.rounds)
    print(f"{args.width}x{args.height}\n{'system':<26}{'seconds':>9}{'frames/s':>10}{'speed':>8}")
    for name, s in seconds.items():
        print(f"{name:<26}{s:>9.3f}{1 / s:>10.1f}{seconds.get('PyTorch channels_last', s) / s:>7.2f}x")
    about = {name: system.about for name, system in systems.items()}
    return {"seconds": seconds, "frames_per_second": {k: 1 / s for k, s in seconds.items()}, "systems": about}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    jobs = parser.add_subparsers(dest="job", required=True)
    one = jobs.add_parser("quality")
    one.add_argument("models", nargs="*")
    one.add_argument("--split", default="clips:test")
    one.add_argument("--step", type=int, default=2, choices=(2, 4, 8))
    one.add_argument("--limit", type=int, default=None, help="pairs of a clip, at most")
    one = jobs.add_parser("speed")
    one.add_argument("--quick", action="store_true", help="one round: does it run?")
    one.add_argument("--rounds", type=int, default=7)
    one.add_argument("--height", type=int, default=144)
    one.add_argument("--width", type=int, default=256)
    one.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    where = machine()
    results = {"quality": quality, "speed": speed}[args.job](args)
    print(json.dumps({"machine": where, **vars(args), "results": results}))


if __name__ == "__main__":
    main()
