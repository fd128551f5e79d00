"""Clips: prediction of moving digits, sprites told in words, and the speed of the U-Net of clips.

    python -m benchmarks.video_generation digits SIMVP CONVLSTM [--limit 2000]
    python -m benchmarks.video_generation sprites MODEL CLASSIFIER [--limit 400] [--seed 0]
    python -m benchmarks.video_generation speed [--quick] [--rounds 7] [--seed 0]

`digits`: two model files of the recipe digits-moving, on the split `test`, whose scans training never had: ten frames are given, ten
predicted. Beside them stands the last given frame, repeated. MSE is summed over a frame, of pixels in [0, 1], as papers have it.
`sprites`: a model file of sprites-video, told captions of the split `test`, whose looks training never had, and the judge of
sprites-video-classifier, whose own accuracy on the real clips of these captions stands beside; guidance is the model's. The Fréchet
distance is of features of a classifier that is shipped, with its floor.
`speed`: a training step and 20 DDIM steps of the factorised U-Net, 8 frames of 32x32x3, widths 32-64-96, depth 1, attention at 8x8, here
and in PyTorch, each in a process of its own, interleaved, medians. The last line is one JSON object.
"""

import argparse
import json
import os

import numpy as np

from benchmarks.systems import interleaved, machine, start

FRAMES, SIZE, WIDTHS, STEPS, SAMPLES = 8, 32, (32, 64, 96), 20, 2


# === Digits ===


def digits(args):
    from keras_imgen import load_model
    from keras_imgen.data import load
    from keras_imgen.metrics import frame_scores
    from keras_imgen.recipes.digits_moving import GIVEN, TOLD

    systems = {name: load_model(path) for name, path in (("simvp", args.simvp), ("convlstm", args.convlstm))}
    scores: dict = {}
    for batch in load("moving_digits", "test", frames=GIVEN + TOLD, batch=50, limit=args.limit, columns=("clip",)):
        clips = np.asarray(batch["clip"])
        made = {name: model.predict_frames(clips[:, :GIVEN], TOLD) for name, model in systems.items()}
        made["last frame"] = np.repeat(clips[:, GIVEN - 1 : GIVEN], TOLD, 1)
        for name, frames in made.items():
            scores.setdefault(name, []).append(frame_scores(clips[:, GIVEN:], frames))
    results = []
    print(
        f"{'system':<12}{'weights':>10}{'minutes':>9}{'MSE':>8}{'of a pixel':>12}{'SSIM':>8}{'PSNR':>8}  MSE of frames 1, 5, 10"
    )
    for name, parts in scores.items():
        every = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
        mean = {key: float(values.mean()) for key, values in every.items()}
        model = systems.get(name)
        row = {"system": name, "weights": model.network.count_params() if model else 0, **mean}
        row["minutes"] = minutes({"simvp": args.simvp, "convlstm": args.convlstm}.get(name, ""))
        row["mse of a pixel"] = mean["mse"] / (64 * 64)
        row["mse by frame"] = every["mse"].mean(0).round(2).tolist()
        results.append(row)
        print(
            f"{name:<12}{row['weights']:>10,}{row['minutes']:>9.1f}{mean['mse']:>8.1f}{row['mse of a pixel']:>12.5f}"
            f"{mean['ssim']:>8.3f}{mean['psnr']:>8.2f}  {[row['mse by frame'][k] for k in (0, 4, 9)]}",
            flush=True,
        )
    return results, {"clips": len(every["mse"])}


def minutes(path):
    """Of training, by the log beside a model's file; 0 where there is none."""
    log = os.path.join(os.path.dirname(path), "metrics.jsonl")
    if not path or not os.path.isfile(log):
        return 0.0
    with open(log, encoding="utf-8") as f:
        return sum(json.loads(line)["seconds"] for line in f) / 60


# === Sprites ===


def sprites(args):
    from keras_imgen import load_model
    from keras_imgen.data import load
    from keras_imgen.data.sources.sprites import ATTRIBUTES
    from keras_imgen.metrics import attributes_read, clip_distance, extractors, motion
    from keras_imgen.recipes.sprites_video import HOW

    model, judge = load_model(args.model), load_model(args.classifier)
    (batch,) = load("sprites", "test", batch=args.limit, limit=args.limit, **HOW).take(1)
    told = [caption.decode() for caption in np.asarray(batch["caption"]).tolist()]
    asked, real = {name: np.asarray(batch[name]) for name in ATTRIBUTES}, np.asarray(batch["clip"])
    made = model.generate(conditions={"caption": told}, seed=args.seed)
    read = {"made": attributes_read(judge, made, asked), "real": attributes_read(judge, real, asked)}
    moving = {name: motion(clips) for name, clips in (("made", made), ("real", real))}
    results = []
    print(f"{'':<14}{'made':>8}{'real':>8}")
    for name in read["made"]:
        results.append({"attribute": name, **{of: shares[name] for of, shares in read.items()}})
        print(f"{name:<14}{read['made'][name]:>8.3f}{read['real'][name]:>8.3f}", flush=True)
    for name in moving["made"]:
        means = {of: float(values[name].mean()) for of, values in moving.items()}
        results.append({"motion": name, **means})
        print(f"{name:<14}{means['made']:>8.3f}{means['real']:>8.3f}  pixels a frame", flush=True)
    distances = clip_distance(real, made, extractors.get("efficientnet-lite0"), args.seed)
    for name, value in distances.items():
        results.append({"distance": name, "value": value})
        print(f"{name}: {value:.3f}", flush=True)
    return results, {"clips": len(made), "parameters": model.network.count_params()}


# === Speed ===


def ours(clips, seed, **how):
    from keras_imgen.models.diffusion.diffusion import Diffusion  # isort: skip - before keras: it turns oneDNN on

    import keras

    from keras_imgen.networks import unet

    keras.utils.set_random_seed(seed)
    network = unet((FRAMES, SIZE, SIZE, 3), WIDTHS, 1, (8,))
    model = Diffusion(network, sampler="ddim", steps=STEPS)
    model.compile("adam", **how)
    jobs = {
        "train": lambda: model.train_on_batch({"clip": clips}),
        "sample": lambda: model.generate(SAMPLES, seed=seed, batch_size=SAMPLES),
    }
    return jobs, {"parameters": network.count_params(), "keras": keras.__version__}


def bfloat16(clips, seed):
    import keras_imgen  # noqa: F401  isort: skip - before keras: it turns oneDNN on

    import keras

    keras.config.set_dtype_policy("mixed_bfloat16")
    return ours(clips, seed)


def pytorch(clips, seed):
    """The same network, channels_last, with fused Adam and foreach EMA; sampling in inference mode."""
    import torch

    from benchmarks.torch_networks import UNet

    torch.manual_seed(seed)
    made = (UNet(SIZE, WIDTHS, 1, (8,), frames=FRAMES) for _ in range(2))
    net, average = (network.to(memory_format=torch.channels_last) for network in made)
    optimizer = torch.optim.Adam(net.parameters(), fused=True)
    pairs = list(average.parameters()), list(net.parameters())
    data = torch.from_numpy(clips.transpose(0, 1, 4, 2, 3).astype("float32") / 127.5 - 1)  # (N, F, C, H, W)

    def rates(t):
        angles = 0.02 + t * (np.pi / 2 - 0.04)
        return torch.cos(angles), torch.sin(angles)

    def train():
        noise = torch.randn_like(data)
        signal, rate = rates(torch.rand(len(data), 1, 1, 1, 1))
        predicted = net(signal * data + rate * noise, 2 * torch.log(signal / rate).flatten())
        loss = (predicted - noise).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            torch._foreach_lerp_(pairs[0], pairs[1], 0.001)
        return loss.item()

    @torch.inference_mode()
    def sample():
        x = torch.randn(SAMPLES, FRAMES, 3, SIZE, SIZE)
        for step in range(STEPS):
            signal, rate = rates(torch.full((SAMPLES, 1, 1, 1, 1), 1 - step / STEPS))
            noise = average(x, 2 * torch.log(signal / rate).flatten())
            image = (x - rate * noise) / signal
            signal, rate = rates(torch.full((SAMPLES, 1, 1, 1, 1), 1 - (step + 1) / STEPS))
            x = signal * image + rate * noise
        return (image * 127.5 + 127.5).clamp(0, 255).byte().numpy()

    about = {"parameters": sum(p.numel() for p in net.parameters()), "torch": torch.__version__}
    return {"train": train, "sample": sample}, about


def autocast(clips, seed):
    """The same under `torch.autocast` in bfloat16."""
    import torch

    found, about = pytorch(clips, seed)

    def cast(job):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return job()

    return {name: lambda job=job: cast(job) for name, job in found.items()}, about


def speed(args):
    batch, rounds = (2, 1) if args.quick else (8, args.rounds)
    clips = np.random.default_rng(args.seed).integers(0, 256, (batch, FRAMES, SIZE, SIZE, 3), dtype="uint8")
    given, as_it_comes = (clips, args.seed), {"TF_ENABLE_ONEDNN_OPTS": None}
    one_thread = {**as_it_comes, "TF_NUM_INTRAOP_THREADS": "1"}  # as `keras-imgen train` sets it on two cores
    systems = start(
        {
            "keras_imgen": (ours, given, as_it_comes),
            "keras_imgen, bfloat16": (bfloat16, given, as_it_comes),
            "bfloat16, one thread": (bfloat16, given, one_thread),
            "PyTorch channels_last": (pytorch, given, {}),
            "PyTorch, autocast": (autocast, given, {}),
        }
    )
    results, base = [], "PyTorch channels_last"
    print(f"{'job':<8}{'system':<24}{'seconds':>9}{'frames/s':>10}{'speed':>8}")
    for job, frames in (("train", batch * FRAMES), ("sample", SAMPLES * FRAMES)):
        seconds = interleaved(systems, job, rounds)
        for name, s in seconds.items():
            how = seconds.get(base, s) / s
            results.append({"job": job, "system": name, "seconds": s, "frames per second": frames / s, "speed": how})
            print(f"{job:<8}{name:<24}{s:>9.3f}{frames / s:>10.1f}{how:>7.2f}x", flush=True)
    return results, {"systems": {name: system.about for name, system in systems.items()}, "batch": batch}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    kinds = parser.add_subparsers(dest="kind", required=True)
    one = kinds.add_parser("digits")
    one.add_argument("simvp")
    one.add_argument("convlstm")
    one.add_argument("--limit", type=int, default=2000)
    one = kinds.add_parser("sprites")
    one.add_argument("model")
    one.add_argument("classifier")
    one.add_argument("--limit", type=int, default=400)
    one.add_argument("--seed", type=int, default=0)
    one = kinds.add_parser("speed")
    one.add_argument("--quick", action="store_true", help="batch 2, one round: does it run?")
    one.add_argument("--rounds", type=int, default=7)
    one.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    where = machine()
    results, about = {"digits": digits, "sprites": sprites, "speed": speed}[args.kind](args)
    print(json.dumps({"machine": where, **vars(args), **about, "results": results}))


if __name__ == "__main__":
    main()
