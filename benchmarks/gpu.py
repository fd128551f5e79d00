"""Training steps and sampling on a card: keras_imgen on JAX beside PyTorch and diffusers, in float32 and bfloat16; and what pays.

    python -m benchmarks.gpu [--quick] [--only unet,dit,pays] [--rounds 5] [--precision bfloat16] [--out FILE.json]

Each system is a process of its own, with JAX as Keras' backend; those of one network are timed in turn. float32 is TF32 on both sides
where the card has it, bfloat16 mixed precision. PyTorch has the same networks, steps and numbers of weights, torch.compile, channels_last
and fused Adam; its StyleGAN2 is left out, which would be as long as all the rest. Work is counted in the jaxpr of the step: every product
of its matrices and convolutions, forward and backward; diffusers' other networks by PyTorch's counter, a step three times the forward
pass. MFU is the share of the card's dense peak. `pays` takes the U-Net's step in bfloat16 and does one thing in another way.

On a CPU, or with --quick, the networks are small: does it run? On a card no network is begun after six minutes. The last line is one
JSON object.
"""

import argparse
import contextlib
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version

from benchmarks import gpu_ours, gpu_torch, peaks
from benchmarks.gpu_sizes import LARGE, MODELS, SMALL
from benchmarks.systems import System, interleaved, machine

ENVIRONMENT = {
    "KERAS_BACKEND": "jax",
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
}  # of all processes, which share the card
PRECISIONS = ("float32", "bfloat16")
LIMIT = 360  # seconds after which no network is begun on a card


def systems_of(name: str, how: dict, precisions: list[str]) -> dict[tuple[str, str], tuple]:
    """What is to be started for a network, by (system, precision)."""
    found = {}
    for precision in precisions:
        if name == "pays":
            found.update(
                {(way, precision): (gpu_ours.way, how, precision, *given) for way, given in gpu_ours.WAYS.items()}
            )
            continue
        found["keras_imgen", precision] = (gpu_ours.ours, name, how, precision)
        if name in gpu_torch.MAKE:
            found["PyTorch", precision] = (gpu_torch.pytorch, name, how, precision)
        if name in ("unet", "dit"):
            found["diffusers", precision] = (gpu_torch.diffusers, name, how, precision)
    return found


def started(described: dict, jobs: tuple[str, ...], at_once: int) -> dict:
    """The systems, with everything compiled; those that fail are left out, aloud.

    Args:
        described: (make, *args) by key.
        jobs: that each will be asked for.
        at_once: how many start and compile side by side.
    """

    def one(key):
        system = None
        try:
            system = System(*described[key])
            for job in jobs:
                for _ in range(2):
                    system.seconds(job)
            return key, system
        except Exception as error:  # a package that is not here, a card that is too small
            print(f"{' '.join(key)} is left out: {' '.join(str(error).split())[:200]}", flush=True)
            with contextlib.suppress(OSError):  # its process is dead
                system and system.close()
            return key, None

    with ThreadPoolExecutor(at_once) as pool:
        return {key: system for key, system in pool.map(one, described) if system is not None}


def measure(name: str, sizes: dict, card: dict, precisions: list[str], rounds: int) -> list[dict]:
    """The rows of a network, printed as they come."""
    precisions = precisions[-1:] if name == "pays" else precisions
    how, jobs = sizes["unet" if name == "pays" else name], ("train",) if name == "pays" else ("train", "sample")
    systems = started(systems_of(name, how, precisions), jobs, 6 if card["card"] else 1)
    rows = []
    for job in jobs:
        seconds = interleaved(systems, job, rounds, warm=0)
        for (system, precision), s in seconds.items():
            s = s / how["repeat"] if job == "train" else s
            about, ours = systems[system, precision].about, systems.get(("keras_imgen", precision))
            work = about.get(f"{job}_gflop") or (ours.about[f"{job}_gflop"] if ours else None)
            base = seconds.get(("as above" if name == "pays" else "PyTorch", precision))
            base = base and (base / how["repeat"] if job == "train" else base)
            rows.append(
                {
                    "network": name,
                    "job": job,
                    "system": system,
                    "precision": precision,
                    "seconds": s,
                    "gflop": work,
                    "gflops": work and work / s,
                    "mfu": work and peaks.mfu(work, s, card["peaks"][precision]),
                    "speed": base and base / s,
                    "weights": about.get("weights"),
                }
            )
            show(rows[-1])
    for system in systems.values():
        system.close()
    return rows


HEAD = f"{'network':<10}{'job':<8}{'system':<34}{'precision':<10}{'ms':>10}{'GFLOP':>10}{'GFLOP/s':>10}{'MFU':>8}{'speed':>8}"


def show(row: dict) -> None:
    def number(value, form, width):
        return f"{'' if value is None else format(value, form):>{width}}"

    line = f"{row['network']:<10}{row['job']:<8}{row['system']:<34}{row['precision']:<10}{1e3 * row['seconds']:>10.2f}"
    line += number(row["gflop"], ".2f", 10) + number(row["gflops"], ".0f", 10)
    print(line + number(row["mfu"], ".1%", 8) + number(row["speed"], ".2f", 8), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small networks, one round: does it run?")
    parser.add_argument("--only", help=f"with commas, of {', '.join(MODELS)} and pays; all by default")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--precision", choices=PRECISIONS, help="this one alone")
    parser.add_argument("--out", help="a file for the JSON object, too")
    args = parser.parse_args()
    known = (*MODELS[:2], "pays", *MODELS[2:])  # what counts most comes first
    names = args.only.split(",") if args.only else known
    if unknown := sorted(set(names) - set(known)):
        parser.error(f"expected --only of {', '.join(known)}, got {', '.join(unknown)}")
    os.environ.update(ENVIRONMENT)
    began = time.monotonic()
    probe = System(peaks.probe)
    card = probe.about
    probe.close()
    sizes = LARGE if card["card"] and not args.quick else SMALL
    precisions = [args.precision] if args.precision else list(PRECISIONS)
    print(f"{card['card'] or 'CPU'}, peaks {card['peaks']} TFLOP/s ({card['peaks_are']}); speed: PyTorch = 1")
    print(HEAD, flush=True)
    found = {"machine": machine(), **card, "keras": _version("keras"), "torch": _version("torch")}
    found |= {"diffusers": _version("diffusers"), "sizes": "large" if sizes is LARGE else "small", "rows": []}
    for name in names:
        if card["card"] and time.monotonic() - began > LIMIT:
            print(f"{name} is left out: {LIMIT / 60:.0f} minutes are over.", flush=True)
            continue
        found["rows"] += measure(name, sizes, card, precisions, 1 if args.quick else args.rounds)
        if args.out:
            with open(args.out, "w") as f:
                json.dump(found, f)
    print(json.dumps(found))


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


if __name__ == "__main__":
    main()
