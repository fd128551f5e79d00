"""Restoring models on the standard test sets, beside classical methods and published numbers.

    python -m benchmarks.restoration bicubic
    python -m benchmarks.restoration sr MODEL...            (their scales tell which)
    python -m benchmarks.restoration denoise MODEL...       (gray: Set12, BSD68; colour: CBSD68)
    python -m benchmarks.restoration deblur MODEL...
    python -m benchmarks.restoration inpaint MODEL...
    python -m benchmarks.restoration lowlight MODEL...
    python -m benchmarks.restoration colorize MODEL...
    python -m benchmarks.restoration sharpness MODEL...     (PSNR beside the distance in SqueezeNet's features)
    python -m benchmarks.restoration picture MODEL --on PICTURE --out FILE.png    (a crop: degraded, classical, restored, original)
    python -m benchmarks.restoration speed [--rounds 5]     (training and use beside PyTorch; pip install torch)
    python -m benchmarks.restoration memory MODEL           (a picture of 100 megapixels)
    python -m benchmarks.restoration optimizers [--steps 1000]    (the gray denoiser trained by Adam and by ConvMuon)

MODEL is a .keras file or a SavedModel. --ensemble adds the mean over eight flips and turns, --limit takes the first pictures alone,
--alone leaves out the classical denoisers and inpainters, which take long.
The test sets lie under KERAS_IMGEN_DATA. Super-resolution: pictures cropped to a multiple of the scale, MATLAB's bicubic imresize in
colour, 8 bits, PSNR and SSIM on the luma of BT.601, `scale` pixels of border left out. Denoising: Gaussian noise of seed 0, neither
clipped nor rounded, PSNR on all channels of 8-bit answers. Always the mean over pictures. The last line is one JSON object.
"""

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from functools import partial

import numpy as np

from benchmarks.systems import interleaved, machine, start

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
SETS = ("set5", "set14", "bsd100")
PUBLISHED = {  # dB on Set5, Set14, BSD100
    ("bicubic", 2): (33.66, 30.24, 29.56),
    ("bicubic", 3): (30.39, 27.55, 27.21),
    ("bicubic", 4): (28.42, 26.00, 25.96),
    ("FSRCNN", 2): (37.05, 32.66, 31.53),
    ("FSRCNN", 3): (33.18, 29.37, 28.53),
    ("FSRCNN", 4): (30.72, 27.61, 26.98),
    ("VDSR", 2): (37.53, 33.05, 31.90),
    ("VDSR", 3): (33.67, 29.78, 28.83),
    ("VDSR", 4): (31.35, 28.02, 27.29),
}
NOISE = {  # dB at sigma 15, 25, 50
    ("BM3D", "set12"): (32.37, 29.97, 26.72),
    ("BM3D", "bsd68"): (31.08, 28.57, 25.60),
    ("BM3D", "cbsd68"): (33.52, 30.71, 27.38),
    ("DnCNN", "set12"): (32.86, 30.44, 27.18),
    ("DnCNN", "bsd68"): (31.73, 29.23, 26.23),
    ("DnCNN", "cbsd68"): (33.90, 31.24, 27.95),
}


def opened(path):
    from keras_imgen import load_model, serving

    return serving.load(path) if os.path.isdir(path) else load_model(path)


def mean_scores(pairs, make_metrics):
    """Means over (target, answer) pictures of different sizes, uint8 (H, W, C)."""
    metrics = make_metrics()
    for target, answer in pairs:
        for metric in metrics:
            metric.update_state(target[None], answer[None])
    return tuple(round(float(metric.result()), 4) for metric in metrics)


def table(head, rows):
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(f"{v:.2f}" if isinstance(v, float) else str(v) for v in row) + " |", flush=True)


# === Super-resolution ===


def enlarge(make, scale, limit):
    """{set: (PSNR, SSIM)} of a function from small to large pictures."""
    from keras_imgen import data
    from keras_imgen.data.imresize import imresize, mod_crop
    from keras_imgen.metrics.paired_metrics import super_resolution

    found = {}
    for name in SETS:
        targets = [mod_crop(p, scale) for p in data.photos(name, limit=limit)]
        pairs = [(t, make(imresize(t, scale=1 / scale))) for t in targets]
        found[name] = mean_scores(pairs, lambda: super_resolution(scale, data_range=255))
    return found


def sr(args, models=()):
    import cv2

    from keras_imgen.data.imresize import imresize

    rows, results = [], {}
    opened_models = {path: opened(path) for path in models}
    scales = sorted({model.form.scale for model in opened_models.values()}) or [2, 3, 4]
    lanczos = lambda x, s: cv2.resize(x, None, fx=s, fy=s, interpolation=cv2.INTER_LANCZOS4)  # noqa: E731
    jobs = [("bicubic", s, lambda x, s=s: imresize(x, scale=s)) for s in scales]
    jobs += [("Lanczos (OpenCV)", s, partial(lanczos, s=s)) for s in scales]
    for path, model in opened_models.items():
        scale = model.form.scale
        jobs.append((path, scale, model.restore))
        if args.ensemble:
            jobs.append((f"{path}, ensemble", scale, lambda x, m=model: m.restore(x, ensemble=True)))
    for name, scale, make in jobs:
        began = time.time()
        found = enlarge(make, scale, args.limit)
        results[f"{name} x{scale}"] = found
        rows.append(
            [name, f"x{scale}", *(f"{p:.2f} / {s:.4f}" for p, s in found.values()), f"{time.time() - began:.0f} s"]
        )
        print(rows[-1], flush=True)
    for (name, scale), numbers in PUBLISHED.items():
        if scale in scales:
            rows.append([f"{name}, published", f"x{scale}", *(f"{v:.2f}" for v in numbers), ""])
    table(["", "scale", *SETS, "time"], rows)
    return results


# === Denoising ===


def noisy(pictures, sigma):
    """float32 in [-1, 1] and beyond."""
    rng = np.random.default_rng(0)
    return [(p / 127.5 - 1 + rng.normal(0, sigma / 127.5, p.shape)).astype("float32") for p in pictures]


def denoisers(channels):
    """Classical ones: float pictures of known sigma -> float pictures."""
    from skimage.restoration import denoise_nl_means

    axis = -1 if channels == 3 else None
    flat = (lambda x: x) if channels == 3 else (lambda x: x[..., 0])
    shaped = lambda x: x.reshape(*x.shape[:2], channels).astype("float32")  # noqa: E731
    nlm = lambda x, s: shaped(  # noqa: E731
        denoise_nl_means(flat(x), 5, 7, h=0.8 * s / 127.5, sigma=s / 127.5, fast_mode=True, channel_axis=axis)
    )
    found = {"non-local means (scikit-image)": nlm}
    try:
        import bm3d

        found["BM3D (bm3d)"] = lambda x, s: shaped((bm3d.bm3d_rgb if channels == 3 else bm3d.bm3d)(flat(x), s / 127.5))
    except ImportError:
        pass
    return found


def told(model, image, sigma, **how):
    return model.restore(image, **({"sigma": sigma} if model.form.sigma else {}), **how)


def denoised_scores(pictures, sigma, make):
    """PSNR and SSIM of 8-bit answers of `make(noisy, sigma)`."""
    from keras_imgen.data.image_io import to_uint8
    from keras_imgen.metrics.paired_metrics import denoising

    pairs = zip(pictures, (to_uint8(make(x, sigma)) for x in noisy(pictures, sigma)))
    return mean_scores(pairs, lambda: denoising(data_range=255))


def denoise(args, models):
    from keras_imgen import data

    results = {}
    for path in models:
        model = opened(path)
        channels = model.form.channels
        jobs = {path: partial(told, model)}
        if args.ensemble:
            jobs[f"{path}, ensemble"] = partial(told, model, ensemble=True)
        jobs = jobs if args.alone else {**denoisers(channels), **jobs}
        sets = ("cbsd68",) if channels == 3 else ("set12", "bsd68")
        rows = []
        for name, make in jobs.items():
            row = [name]
            for kind in sets:
                pictures = data.photos(kind, channels, args.limit)
                for sigma in args.sigma:
                    found = denoised_scores(pictures, sigma, make)
                    results[f"{name} {kind} {sigma}"] = found
                    row.append(f"{found[0]:.2f} / {found[1]:.3f}")
            rows.append(row)
            print(row, flush=True)
        for name in ("BM3D", "DnCNN"):
            at = {kind: dict(zip((15, 25, 50), NOISE[name, kind])) for kind in sets}
            numbers = [f"{at[kind][s]:.2f}" if s in at[kind] else "" for kind in sets for s in args.sigma]
            rows.append([f"{name}, published", *numbers])
        table(["", *(f"{kind}, sigma {s}" for kind in sets for s in args.sigma)], rows)
    return results


# === Inpainting, low light, colours ===


def unsharp(x):
    import cv2

    return np.clip(2.0 * x - cv2.GaussianBlur(x.astype("float32"), (0, 0), 1.75), 0, 255).round().astype("uint8")


def gamma(x):
    """The power that brings the mean to 0.45."""
    level = np.clip(x.mean() / 255, 1e-3, 0.999)
    return np.round(255 * (x / 255.0) ** (np.log(0.45) / np.log(level))).astype("uint8")


def painted(model, image, mask, **how):
    return model.restore(image, masks=mask, **how)


def inpaint(args, models):
    """A quarter of BSD100's pixels missing, seed 0: PSNR of the whole pictures, and of the holes alone."""
    import cv2
    from skimage.restoration import inpaint_biharmonic

    from keras_imgen import data
    from keras_imgen.data.degrade import draw_holes
    from keras_imgen.metrics.paired_metrics import denoising

    pictures = data.photos("bsd100", limit=args.limit)

    def telea(radius, x, m):
        return cv2.inpaint(x, m, radius, cv2.INPAINT_TELEA)

    jobs = {
        **{f"Telea, radius {r} (OpenCV)": partial(telea, r) for r in (3, 5, 15)},  # 3 is that of OpenCV's examples
        "Navier-Stokes (OpenCV)": lambda x, m: cv2.inpaint(x, m, 5, cv2.INPAINT_NS),
        "biharmonic (scikit-image)": lambda x, m: np.round(
            255 * np.clip(inpaint_biharmonic(x, m, channel_axis=-1), 0, 1)
        ).astype("uint8"),
    }
    jobs = {} if args.alone else jobs
    for path in models:
        jobs[path] = partial(painted, opened(path))
        if args.ensemble:
            jobs[f"{path}, ensemble"] = partial(jobs[path], ensemble=True)
    results, rows = {}, []
    for kind in args.holes:
        rng = np.random.default_rng(0)
        masks = [draw_holes(*p.shape[:2], kind, 0.25, rng) for p in pictures]
        holed = [np.where(m[..., None], 128, p).astype("uint8") for p, m in zip(pictures, masks)]
        for name, make in jobs.items():
            began = time.time()
            answers = [make(x, m) for x, m in zip(holed, masks)]
            whole = mean_scores(zip(pictures, answers), lambda: denoising(data_range=255))
            errors = [((a[m > 0] / 255.0 - p[m > 0] / 255.0) ** 2).mean() for a, p, m in zip(answers, pictures, masks)]
            inside = float(np.mean(-10 * np.log10(errors)))
            results[f"{name} {kind}"] = (*whole, round(inside, 4))
            rows.append([name, kind, f"{whole[0]:.2f} / {whole[1]:.3f}", inside, f"{time.time() - began:.0f} s"])
            print(rows[-1], flush=True)
    table(["", "holes, 25 %", "PSNR / SSIM", "PSNR in the holes", "time"], rows)
    return results


def deblur(args, models):
    """BSD100 out of focus (Gaussian, sigma 0.5 to 3) with noise of up to 5 gray levels; picture k has the seed k."""
    import cv2
    from skimage.restoration import richardson_lucy

    from keras_imgen import data
    from keras_imgen.data.degrade import Chain, GaussianBlur, GaussianNoise
    from keras_imgen.metrics.paired_metrics import denoising

    harm = Chain(GaussianBlur((0.5, 3.0)), GaussianNoise((0, 5)))
    pictures = data.photos("bsd100", limit=args.limit)
    blurred = [harm(p[None], k)["image"].numpy()[0] for k, p in enumerate(pictures)]
    row = cv2.getGaussianKernel(13, 1.75)
    middle = (row @ row.T)[..., None]  # the mean of the blurs: which one it is, is not known

    def lucy(x):
        return (255 * np.clip(richardson_lucy(x / 255.0, middle, 5), 0, 1)).round().astype("uint8")

    jobs = {"as it is": lambda x: x, "unsharp mask (OpenCV)": unsharp, "Richardson-Lucy (scikit-image)": lucy}
    jobs.update({path: opened(path).restore for path in models})
    results = {
        n: mean_scores(((p, f(x)) for p, x in zip(pictures, blurred)), lambda: denoising(255)) for n, f in jobs.items()
    }
    table(["BSD100, blurred", "PSNR", "SSIM"], [[n, p, f"{s:.3f}"] for n, (p, s) in results.items()])
    return results


def lowlight(args, models):
    """BSD100 darkened by data.degrade.LowLight(); picture k has the seed k."""
    import cv2

    from keras_imgen import data
    from keras_imgen.data.degrade import LowLight
    from keras_imgen.metrics.paired_metrics import denoising

    def lab_l(function):
        def make(x):
            lab = cv2.cvtColor(x, cv2.COLOR_RGB2LAB)
            lab[..., 0] = function(lab[..., 0])
            return cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)

        return make

    pictures = data.photos("bsd100", limit=args.limit)
    dark = [LowLight()(p[None], k)["image"].numpy()[0] for k, p in enumerate(pictures)]
    jobs = {
        "as it is": lambda x: x,
        "gamma": gamma,
        "histogram equalization (OpenCV)": lab_l(cv2.equalizeHist),
        "CLAHE (OpenCV)": lab_l(cv2.createCLAHE(3.0, (8, 8)).apply),
        "gamma, then non-local means (OpenCV)": lambda x: cv2.fastNlMeansDenoisingColored(gamma(x), None, 6, 6),
        **{path: opened(path).restore for path in models},
    }
    results = {
        name: mean_scores(((p, make(x)) for p, x in zip(pictures, dark)), lambda: denoising(255))
        for name, make in jobs.items()
    }
    table(["BSD100 in low light", "PSNR", "SSIM"], [[n, p, f"{s:.3f}"] for n, (p, s) in results.items()])
    return results


def colorize(args, models):
    """BSD100: the error of a* and b*, and PSNR of RGB."""
    from skimage import color

    from keras_imgen import data
    from keras_imgen.data.image_io import with_channels
    from keras_imgen.metrics.paired_metrics import denoising

    pictures = data.photos("bsd100", limit=args.limit)
    gray = [with_channels(with_channels(p, 1), 3) for p in pictures]
    mean = np.mean([color.rgb2lab(p)[..., 1:].mean((0, 1)) for p in data.photos("bsds500:train", limit=args.limit)], 0)

    def tinted(x):
        lab = color.rgb2lab(x)
        lab[..., 1:] = mean
        return np.round(255 * np.clip(color.lab2rgb(lab), 0, 1)).astype("uint8")

    jobs = {"gray": lambda x: x, "the training pictures' mean colour": tinted, **{p: opened(p).restore for p in models}}
    results, rows = {}, []
    for name, make in jobs.items():
        answers = [make(x) for x in gray]
        psnr, _ = mean_scores(zip(pictures, answers), lambda: denoising(255))
        pairs = [(color.rgb2lab(a)[..., 1:], color.rgb2lab(p)[..., 1:]) for a, p in zip(answers, pictures)]
        error = float(np.mean([np.sqrt(((a - p) ** 2).sum(-1)).mean() for a, p in pairs]))
        colour = float(np.mean([np.sqrt((a**2).sum(-1)).mean() for a, _ in pairs]))
        results[name] = (psnr, round(error, 3), round(colour, 3))
        rows.append([name, psnr, error, colour])
    truth = float(np.mean([np.sqrt((color.rgb2lab(p)[..., 1:] ** 2).sum(-1)).mean() for p in pictures]))
    rows.append(["the pictures themselves", "", 0.0, truth])
    table(["BSD100", "PSNR", "mean error of (a*, b*)", "mean chroma"], rows)
    return results


def sharpness(args, models):
    from keras_imgen import data
    from keras_imgen.data.imresize import imresize, mod_crop
    from keras_imgen.metrics import PerceptualDistance
    from keras_imgen.metrics.paired_metrics import super_resolution

    results = {}
    jobs = {path: opened(path) for path in models}
    scale = next(iter(jobs.values())).form.scale
    makers = {"bicubic": lambda x: imresize(x, scale=scale), **{p: m.restore for p, m in jobs.items()}}
    for kind in ("set14", "bsd100"):
        targets = [mod_crop(p, scale) for p in data.photos(kind, limit=args.limit)]
        for name, make in makers.items():
            pairs = [(t, make(imresize(t, scale=1 / scale))) for t in targets]
            both = lambda: [super_resolution(scale, 255)[0], PerceptualDistance(data_range=255)]  # noqa: E731
            results[f"{name} {kind}"] = mean_scores(pairs, both)
            print(
                f"{name} {kind}: PSNR {results[f'{name} {kind}'][0]:.2f}, distance {results[f'{name} {kind}'][1]:.4f}"
            )
    table(["", "PSNR", "perceptual distance [squeezenet11]"], [[n, p, f"{d:.4f}"] for n, (p, d) in results.items()])
    return results


def picture(args, models):
    """A crop of `--size` from the middle: degraded as the model's task has it, by a classical method, restored, and the original."""
    import cv2

    from keras_imgen.data import degrade
    from keras_imgen.data.image_io import load_image, make_grid, save_image, to_uint8, with_channels
    from keras_imgen.data.imresize import imresize, mod_crop
    from keras_imgen.models import Colorizer, Deblurrer, Denoiser, Inpainter, SuperResolution

    if os.path.isdir(models[0]):
        sys.exit(f"picture needs the .keras file, which tells the task; {models[0]} is a folder.")
    model, image = opened(models[0]), load_image(args.on, 3)
    if args.size > min(image.shape[:2]):
        sys.exit(f"--size {args.size} is more than the picture has, {image.shape[1]} x {image.shape[0]}.")
    top, left = ((n - args.size) // 2 for n in image.shape[:2])
    image = image[top : top + args.size, left : left + args.size]
    harmed = lambda harm: harm(image[None], 0)["image"].numpy()[0]  # noqa: E731
    if isinstance(model, SuperResolution):
        scale = model.form.scale
        image = mod_crop(image, scale)
        small = imresize(image, scale=1 / scale)
        row = [small.repeat(scale, 0).repeat(scale, 1), imresize(small, scale=scale), model.restore(small)]
    elif isinstance(model, Denoiser):
        image = image if model.form.channels == 3 else np.repeat(with_channels(image, 1), 3, -1)
        (bad,) = noisy([image[..., : model.form.channels]], 25)
        classical = denoisers(model.form.channels)["non-local means (scikit-image)"](bad, 25)
        row = [to_uint8(np.broadcast_to(x, image.shape)) for x in (bad, classical, told(model, bad, 25))]
    elif isinstance(model, Inpainter):
        mask = degrade.draw_holes(args.size, args.size, "irregular", 0.25, np.random.default_rng(0))
        holed = np.where(mask[..., None], 128, image).astype("uint8")
        row = [holed, cv2.inpaint(holed, mask, 5, cv2.INPAINT_TELEA), model.restore(holed, masks=mask)]
    elif isinstance(model, Colorizer):
        gray = np.repeat(with_channels(image, 1), 3, -1)
        row = [gray, model.restore(gray)]
    elif isinstance(model, Deblurrer):
        bad = harmed(degrade.Chain(degrade.GaussianBlur(2.0), degrade.GaussianNoise(2.5)))
        row = [bad, unsharp(bad), model.restore(bad)]
    else:
        bad = harmed(degrade.LowLight())
        row = [bad, gamma(bad), model.restore(bad)]
    save_image(args.out, make_grid(np.stack([*row, image]), columns=len(row) + 1))
    return {"out": args.out}


# === Speed and memory ===

SIZE = (339, 510)


def ours_speed(policy):
    import keras

    from keras_imgen.models import SuperResolution
    from keras_imgen.networks import edsr

    keras.config.set_dtype_policy(policy)
    model = SuperResolution(edsr(2, 3, width=64, blocks=8), 2, ema=None)
    model.compile(keras.optimizers.Adam(1e-4))
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (16, 48, 48, 3)).astype("uint8")
    large = rng.integers(0, 256, (16, 96, 96, 3)).astype("uint8")
    batch = {"image": keras.ops.convert_to_tensor(small), "target": keras.ops.convert_to_tensor(large)}
    picture = rng.integers(0, 256, (*SIZE, 3)).astype("uint8")
    step = lambda: [model.train_on_batch(batch) for _ in range(4)]  # noqa: E731
    return {"train": step, "use": lambda: model.restore(picture)}, {}


def pytorch_speed(policy):
    import torch
    from torch import nn
    from torch.nn import functional as F

    class EDSR(nn.Module):
        def __init__(self, width=64, blocks=8):
            super().__init__()
            conv = lambda i, o: nn.Conv2d(i, o, 3, padding=1)  # noqa: E731
            self.first, self.body, self.last = conv(3, width), conv(width, width), conv(width, 3)
            self.blocks = nn.ModuleList([nn.ModuleList([conv(width, width) for _ in range(2)]) for _ in range(blocks)])
            self.up = conv(width, 4 * width)

        def forward(self, x):
            first = h = self.first(x)
            for a, b in self.blocks:
                h = h + b(F.relu(a(h)))
            h = F.pixel_shuffle(self.up(first + self.body(h)), 2)
            return F.interpolate(x, scale_factor=2, mode="bicubic") + self.last(h)

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    net = EDSR().to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(net.parameters(), 1e-4)
    rng = np.random.default_rng(0)
    floats = lambda *s: torch.from_numpy(rng.uniform(-1, 1, s).astype("float32")).to(  # noqa: E731
        memory_format=torch.channels_last
    )
    small, large = floats(16, 3, 48, 48), floats(16, 3, 96, 96)
    picture = rng.integers(0, 256, (*SIZE, 3)).astype("uint8")
    half = policy == "mixed_bfloat16"

    def train():
        for _ in range(4):
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                loss = (net(small).float() - large).abs().mean()
            loss.backward()
            optimizer.step()

    @torch.inference_mode()
    def use():
        x = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 127.5 - 1
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            y = net(x.to(memory_format=torch.channels_last)).float()
        return ((y.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)[0].permute(1, 2, 0).numpy()

    return {"train": train, "use": use}, {}


def speed(args, models=()):
    """EDSR x2 of width 64 with 8 blocks: four training steps of 16 patches of 48x48, and one picture of 510x339."""
    makers = {"keras_imgen": ours_speed, "PyTorch, channels_last": pytorch_speed}
    jobs = {name: (make, ("float32",), None) for name, make in makers.items()}
    jobs.update({f"{name}, bfloat16": (make, ("mixed_bfloat16",), None) for name, make in makers.items()})
    systems = start(jobs)
    results, rows = {}, []
    for job in ("train", "use"):
        seconds = interleaved(systems, job, args.rounds)
        for name, value in seconds.items():
            peer = seconds[f"PyTorch, channels_last{', bfloat16' if 'bfloat16' in name else ''}"]
            results[f"{job} {name}"] = round(value, 4)
            rows.append([job, name, f"{value:.3f}", peer / value])
    for system in systems.values():
        system.close()
    table(["job", "system", "seconds", "speed, PyTorch = 1"], rows)
    return results


def memory(args, models):
    """A picture of 10,000 x 10,000 from file to file, in this process."""
    from PIL import Image

    from keras_imgen.commands.restoring import restore

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "large.png")
        row = np.random.default_rng(0).integers(0, 256, (100, 10_000, 3)).astype("uint8")
        Image.fromarray(np.tile(row, (100, 1, 1))).save(path, compress_level=1)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        began = time.time()
        ((_, problem),) = restore(opened(models[0]), {"large.png": path}, os.path.join(folder, "out"), progress=True)
        if problem:
            sys.exit(problem)
        Image.MAX_IMAGE_PIXELS = None
        with Image.open(os.path.join(folder, "out", "large.png")) as image:
            size = image.size
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{size}: {time.time() - began:.0f} s, peak {peak:.2f} GiB, of which {before:.2f} before the picture was opened"
    )
    return {"seconds": round(time.time() - began, 1), "peak_gib": round(peak, 3), "size": size}


# === Optimizers ===


def optimizers(args, models=()):
    """photos-denoise-gray's network and loss after `--steps` steps of each, and after four times as many of Adam, each with a warmup and
    a cosine of its own: PSNR on BSD68, and the median time of a step."""
    import keras

    from keras_imgen import data
    from keras_imgen.models import Denoiser
    from keras_imgen.networks import compact_denoiser
    from keras_imgen.recipes.run import warmup_cosine
    from keras_imgen.training import ConvMuon
    from keras_imgen.training.precision import compute_in, fast_precision

    test, rows, results, adam = data.photos("bsd68", 1, args.limit), [], {}, keras.optimizers.Adam
    jobs = [(kind, rate, args.steps) for kind in (adam, ConvMuon) for rate in (1e-3, 3e-3)] + [
        (adam, 1e-3, 4 * args.steps)
    ]
    for kind, rate, steps in jobs:
        keras.utils.set_random_seed(0)
        train = data.patches(data.photos(["t91", "bsds500:train"], 1), 80, 16, steps, channels=1, seed=0)
        with fast_precision():
            network = compact_denoiser()
        model = Denoiser(network, sigma=(0.0, 55.0), objectives="l1", seed=0)
        model.compile(kind(warmup_cosine(rate, steps)), steps_per_execution=10)
        ends = []
        note = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: ends.append(time.time()))
        model.fit(train, verbose=0, callbacks=[note])
        compute_in(model, "float32")
        found = {sigma: denoised_scores(test, sigma, partial(told, model))[0] for sigma in args.sigma}
        name = f"{kind.__name__}, {rate:g}, {steps} steps"
        results[name] = {**found, "ms a step": round(100 * float(np.median(np.diff(ends))))}
        rows.append([name, *found.values(), results[name]["ms a step"]])
        print(rows[-1], flush=True)
    table(["", *(f"BSD68, sigma {s}" for s in args.sigma), "ms a step"], rows)
    return results


def main():
    jobs = (sr, denoise, deblur, inpaint, lowlight, colorize, sharpness, picture, speed, memory, optimizers)
    parts = {"bicubic": sr, **{f.__name__: f for f in jobs}}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=tuple(parts))
    parser.add_argument("models", nargs="*", metavar="MODEL")
    parser.add_argument("--ensemble", action="store_true")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--sigma", type=float, nargs="*", default=[15, 25, 50])
    parser.add_argument("--holes", nargs="*", default=["irregular", "boxes", "strokes", "text"])
    parser.add_argument(
        "--alone", action="store_true", help="of denoise and inpaint: without the classical methods, which take long"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--on", help="a picture file")
    parser.add_argument("--size", type=int, default=240, help="of the picture's crop")
    parser.add_argument("--out", default="picture.png")
    args = parser.parse_args()
    args.sigma = [int(s) if s == int(s) else s for s in args.sigma]
    if not args.models and args.part not in ("bicubic", "speed", "optimizers"):
        parser.error(f"{args.part} needs a MODEL")
    results = parts[args.part](args, args.models)
    print(json.dumps({"part": args.part, "results": results, "machine": machine()}))


if __name__ == "__main__":
    main()
