"""Restored clips beside single-frame and classical ways, on the clips that none learned from (clips:test).

    python -m benchmarks.video_restoration denoise MODEL [--single saved_models/photos-denoise/model.keras] [--sigma 20 40] [--file webm]
    python -m benchmarks.video_restoration repair MODEL
    python -m benchmarks.video_restoration sr MODEL [--single saved_models/photos-sr-x2/model.keras]
    python -m benchmarks.video_restoration look MODEL --out FILE.png    (a repairer on chaplin as it is: frames, masks, answers)
    python -m benchmarks.video_restoration speed [--rounds 5]           (the denoiser beside PyTorch; pip install torch)

MODEL is a .keras file or a SavedModel. --frames takes the first ones alone of each clip, --alone leaves out the classical ways that take
long. Noise of seed 0 is clipped and rounded to 8 bits, and with --file written as a film of that ending and read again; non-local means
over five frames is told the noise level, and its strength is chosen on clips:validation. Damage is `data.degrade.Scratches(**DAMAGE)`, of
clip k with seed k. PSNR (all channels; of super-resolution the luma, two pixels of border left out) is the mean over frames, then over
clips; flicker is `metrics.flicker` along the flow of the clean clip. The last line is one JSON object.
"""

import argparse
import json
from functools import partial

import numpy as np

from benchmarks.restoration import opened, table
from benchmarks.systems import interleaved, machine, start

STRENGTHS = (0.5, 0.75, 1.0)  # of non-local means, as shares of sigma
SIZE = (360, 640)
DAMAGE = {"lines": 2, "blotches": 5, "hairs": 0.5}  # in a frame, in the mean


def test_clips(args):
    from keras_imgen.data import clips

    return {name: clip[: args.frames] for name, clip in clips("clips:test").items()}


def frame_by_frame(function, clip, *others):
    return np.stack([function(*one) for one in zip(clip, *others)])


def judged(jobs, cases, make_metrics, steady=True):
    """{job: {clip: (PSNR, SSIM[, flicker])}} of jobs of cases (clean clip, what the job is given) by name."""
    from keras_imgen.metrics.flicker import flicker

    found = {}
    for job, make in jobs.items():
        for name, (clean, *given) in cases.items():
            answer = make(*given)
            metrics = make_metrics()
            for metric in metrics:
                metric.update_state(clean, answer)
            scores = (round(float(metric.result()), 4) for metric in metrics)
            found.setdefault(job, {})[name] = (*scores, *([round(flicker(answer, clean), 4)] if steady else []))
            print(job, name, found[job][name], flush=True)
    return found


def rows_of(found):
    """A row for each job: its means over clips, then PSNR of each clip."""
    rows = []
    for job, clips in found.items():
        means = np.mean(list(clips.values()), 0)
        rows.append([job, means[0], *(f"{v:.3f}" for v in means[1:]), *(v[0] for v in clips.values())])
    return rows


# === Noise ===


def noisy(clip, sigma):
    noise = np.random.default_rng(0).normal(0, sigma, clip.shape)
    return np.clip(np.round(clip + noise), 0, 255).astype("uint8")


def filed(clip, kind):
    """As a film of this ending keeps it, by the package's own writer."""
    import tempfile

    from keras_imgen.data import Film, save_video

    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/film.{kind}"
        save_video(path, clip, fps=25)
        return np.stack([image for image, *_ in Film(path)])[:, : clip.shape[1], : clip.shape[2]]


def non_local_means(clip, strength):
    import cv2

    from keras_imgen.inference.clips import reflected

    frames = list(reflected([np.ascontiguousarray(frame[..., ::-1]) for frame in clip], 2))
    how = {"temporalWindowSize": 5, "h": strength, "hColor": strength}
    found = [cv2.fastNlMeansDenoisingColoredMulti(frames, k + 2, **how) for k in range(len(clip))]
    return np.stack(found)[..., ::-1]


def tuned(sigma):
    """The strength of non-local means that is best on a few frames of the validation clip."""
    from keras_imgen.data import clips

    clean = next(iter(clips("clips:validation").values()))[:5]
    given = noisy(clean, sigma)
    errors = {s: ((non_local_means(given, s * sigma).astype(float) - clean) ** 2).mean() for s in STRENGTHS}
    return sigma * min(errors, key=errors.get)


def told(model, clip, sigma):
    return model.restore(clip, **({"sigma": sigma} if model.form.sigma else {}))


def denoise(args):
    from keras_imgen.metrics.paired_metrics import denoising

    model, single, results = opened(args.model), opened(args.single or "saved_models/photos-denoise/model.keras"), {}
    for sigma in args.sigma:
        cases = {name: (clip, noisy(clip, sigma)) for name, clip in test_clips(args).items()}
        if args.file:
            cases = {name: (clip, filed(given, args.file)) for name, (clip, given) in cases.items()}
        jobs = {"as it is": lambda x: x, "one frame": partial(frame_by_frame, single.restore)}
        if not args.alone:
            jobs["non-local means (OpenCV)"] = partial(non_local_means, strength=tuned(sigma))
        jobs["five frames"] = partial(told, model, sigma=sigma)
        results[sigma] = judged(jobs, cases, lambda: denoising(data_range=255))
        table([f"sigma {sigma}", "PSNR", "SSIM", "flicker", *cases], rows_of(results[sigma]))
    return results


# === Damage ===


def telea(frame, mask):
    import cv2

    return cv2.inpaint(np.ascontiguousarray(frame), np.ascontiguousarray(mask[..., 0]), 3, cv2.INPAINT_TELEA)


def median(clip, mask=None, radius=2):
    """Of five frames, where the mask says so."""
    from keras_imgen.inference.clips import reflected

    every = np.stack(list(reflected(clip, radius)))
    found = np.median([every[k : k + len(clip)] for k in range(2 * radius + 1)], 0).astype("uint8")
    return found if mask is None else np.where(mask, found, clip)


def repair(args):
    from keras_imgen.data import degrade
    from keras_imgen.metrics.paired_metrics import denoising

    model, cases, counts, untouched = opened(args.model), {}, {}, []
    for seed, (name, clip) in enumerate(test_clips(args).items()):
        damaged = degrade.Scratches(**DAMAGE)(clip[None], seed)
        given, mask = damaged["clip"].numpy()[0], damaged["mask"].numpy()[0]
        found = (model.find(given) > 0).astype("uint8")
        cases[name] = clip, given, mask, found
        both = int((found & mask).sum())
        counts[name] = both, int(found.sum()), int(mask.sum())
        untouched.append(bool((np.where(found, given, model.restore(given)) == given).all()))
        print(name, "damaged", round(mask.mean(), 4), "found", round(found.mean(), 4), flush=True)
    jobs = {
        "as it is": lambda given, mask, found: given,
        "Telea, true mask": lambda given, mask, found: frame_by_frame(telea, given, mask),
        "Telea, found mask": lambda given, mask, found: frame_by_frame(telea, given, found),
        "temporal median": lambda given, mask, found: median(given),
        "temporal median, true mask": lambda given, mask, found: median(given, mask),
        "temporal median, found mask": lambda given, mask, found: median(given, found),
        "ours": lambda given, mask, found: model.restore(given),
        "ours, true mask": lambda given, mask, found: model.restore(given, masks=mask),
    }
    scores = judged(jobs, cases, lambda: denoising(data_range=255))
    table(["", "PSNR", "SSIM", "flicker", *cases], rows_of(scores))
    rates = {name: tuple(round(v, 4) for v in detection(*count)) for name, count in counts.items()}
    rates["all"] = tuple(round(v, 4) for v in detection(*np.sum(list(counts.values()), 0)))
    table(["found", "precision", "recall", "F1"], [[name, *(f"{v:.3f}" for v in rate)] for name, rate in rates.items()])
    print("untouched pixels bit-exact:", all(untouched))
    return {"scores": scores, "detection": rates, "untouched": all(untouched)}


def detection(both, found, true):
    precision, recall = both / max(found, 1), both / max(true, 1)
    return precision, recall, 2 * both / max(found + true, 1)


def look(args):
    from keras_imgen.data import clips
    from keras_imgen.data.image_io import make_grid, save_image

    model, clip = opened(args.model), clips("chaplin")["chaplin"]
    found, answer = model.find(clip), model.restore(clip)
    shown = [k for k in np.argsort(-found.mean((1, 2, 3)))[:4]] + list(range(10, len(clip), 30))
    rows = [np.stack([clip[k], np.repeat(found[k], 3, -1), answer[k]]) for k in shown]
    save_image(args.out, make_grid(np.concatenate(rows), columns=3))
    print(f"found in {args.out}: {(found > 0).mean():.4%} of the pixels of chaplin")
    return {"out": args.out, "found": float((found > 0).mean())}


# === Super-resolution ===


def sr(args):
    from keras_imgen.data.imresize import imresize, mod_crop
    from keras_imgen.metrics.paired_metrics import super_resolution

    model, single = opened(args.model), opened(args.single or "saved_models/photos-sr-x2/model.keras")
    cases = {}
    for name, clip in test_clips(args).items():
        clip = frame_by_frame(lambda frame: mod_crop(frame, 2), clip)
        cases[name] = clip, frame_by_frame(lambda frame: imresize(frame, scale=1 / 2), clip)
    jobs = {
        "bicubic": partial(frame_by_frame, lambda frame: imresize(frame, scale=2)),
        "one frame": partial(frame_by_frame, single.restore),
        "five frames": model.restore,
    }
    found = judged(jobs, cases, lambda: super_resolution(2, data_range=255))
    table(["x2", "PSNR", "SSIM", "flicker", *cases], rows_of(found))
    return found


# === Speed ===


def ours_speed(policy, frames):
    import keras

    from keras_imgen.models import VideoRestorer
    from keras_imgen.networks import video_denoiser

    keras.config.set_dtype_policy(policy)
    model = VideoRestorer(video_denoiser(), (0, 55), ema=None)
    clip = np.random.default_rng(0).integers(0, 256, (frames, *SIZE, 3), dtype="uint8")
    return {"restore": lambda: model.restore(clip, tile=1024)}, {"parameters": model.network.count_params()}


def pytorch_speed(policy, frames):
    """The same two U-Nets, and the same blocks of frames."""
    import os

    import torch
    from torch import nn
    from torch.nn import functional as F

    from keras_imgen.inference.clips import AT_ONCE, reflected_places

    conv = lambda a, b: nn.Conv2d(a, b, 3, padding=1)  # noqa: E731

    class Blocks(nn.Module):
        def __init__(self, width, count):
            super().__init__()
            self.pairs = nn.ModuleList(nn.ModuleList([conv(width, width), conv(width, width)]) for _ in range(count))

        def forward(self, h):
            for a, b in self.pairs:
                h = h + b(F.relu(a(h)))
            return h

    class UNet(nn.Module):
        def __init__(self, channels, out, widths=(32, 42, 64), blocks=(2, 2, 2)):
            super().__init__()
            steps = list(zip(widths, widths[1:]))
            self.first, self.last = conv(channels, widths[0]), conv(widths[0], out)
            self.down = nn.ModuleList(Blocks(w, n) for w, n in zip(widths[:-1], blocks))
            self.smaller = nn.ModuleList(nn.Conv2d(a, b, 2, 2) for a, b in steps)
            self.lowest = Blocks(widths[-1], blocks[-1])
            self.larger = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, 2) for a, b in steps)
            self.up = nn.ModuleList(Blocks(w, n) for w, n in zip(widths[:-1], blocks))

        def forward(self, x):
            h = start = self.first(x)
            ends = []
            for blocks, smaller in zip(self.down, self.smaller):
                ends.append(blocks(h))
                h = smaller(ends[-1])
            h = self.lowest(h)
            for k in reversed(range(len(ends))):
                h = self.up[k](self.larger[k](h) + ends[k])
            return self.last(h + start)

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    one, two = (UNet(n, 12).eval().to(memory_format=torch.channels_last) for n in (36, 48))
    clip = np.random.default_rng(0).integers(0, 256, (frames, *SIZE, 3), dtype="uint8")
    threes = lambda h: torch.cat([h[:-2], h[1:-1], h[2:]], 1)  # noqa: E731

    @torch.inference_mode()
    def restore():
        found, places = [], reflected_places(frames, 2)
        for k in range(0, frames, AT_ONCE):
            x = torch.from_numpy(clip[places[k : k + AT_ONCE + 4]]).permute(0, 3, 1, 2).float() / 127.5 - 1
            h = F.pixel_unshuffle(x, 2).contiguous(memory_format=torch.channels_last)
            with torch.autocast("cpu", torch.bfloat16, enabled=policy == "mixed_bfloat16"):
                first = h[1:-1] + one(threes(h)).float()
                second = first[1:-1] + two(torch.cat([threes(first), h[2:-2]], 1)).float()
            y = F.pixel_shuffle(second, 2).clamp(-1, 1)
            found.append((y * 127.5 + 127.5).round().byte().permute(0, 2, 3, 1).numpy())
        return np.concatenate(found)

    count = sum(p.numel() for net in (one, two) for p in net.parameters())
    return {"restore": restore}, {"parameters": count, "torch": torch.__version__}


def speed(args):
    """The denoiser in two stages on 16 frames of 640x360, from uint8 to uint8."""
    makers, frames = {"keras_imgen": ours_speed, "PyTorch, channels_last": pytorch_speed}, 16
    as_it_comes = {"TF_ENABLE_ONEDNN_OPTS": "1"}
    jobs = {name: (make, ("float32", frames), as_it_comes) for name, make in makers.items()}
    jobs |= {f"{name}, bfloat16": (make, ("mixed_bfloat16", frames), as_it_comes) for name, make in makers.items()}
    systems = start(jobs)
    seconds = interleaved(systems, "restore", args.rounds, warm=1)
    rows, results = [], {}
    for name, value in seconds.items():
        peer = seconds.get(f"PyTorch, channels_last{', bfloat16' if 'bfloat16' in name else ''}", value)
        results[name] = {"fps": round(frames / value, 3), **systems[name].about}
        rows.append([name, f"{systems[name].about['parameters']:,}", frames / value, peer / value])
        systems[name].close()
    table(["640x360", "weights", "frames a second", "speed, PyTorch = 1"], rows)
    return results


def main():
    parts = {f.__name__: f for f in (denoise, repair, sr, look, speed)}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=tuple(parts))
    parser.add_argument("model", nargs="?", metavar="MODEL")
    parser.add_argument("--single", help="the model that restores frame by frame")
    parser.add_argument("--sigma", type=float, nargs="*", default=[20, 40])
    parser.add_argument("--file", choices=("mp4", "webm"), help="of denoise: the noisy clips go through H.264 or VP9")
    parser.add_argument("--frames", type=int, help="of each clip")
    parser.add_argument("--alone", action="store_true", help="of denoise: without non-local means")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", default="chaplin.png")
    args = parser.parse_args()
    if not args.model and args.part != "speed":
        parser.error(f"{args.part} needs a MODEL")
    results = parts[args.part](args)
    print(json.dumps({"part": args.part, "results": results, "machine": machine()}))


if __name__ == "__main__":
    main()
