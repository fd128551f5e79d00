"""Runs that are killed and resumed, against runs that are not: `python tests/reliability/drill.py --kills 100 --seed 0`.

A run is a fresh process of the command. It dies by SIGKILL at one of its own operations on files (to open one for writing, rename,
remove, make a folder: each counts, from the first config.json to the removal of the backup), or at a random time, in the middle
of training or of what TensorFlow and HDF5 write. Then `--resume` goes on, or, where nothing had begun, the same line starts it.
In the end weights, averages, optimizers, pictures and the log must equal those of the run that nobody killed, bit by bit, and
nothing may be left over.
"""

import argparse
import io
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import zipfile

CHILD = """
import os, signal, sys
folder, at, count = os.path.abspath(sys.argv[1]), int(sys.argv[2]), 0
CHANGES = {"os.rename": 0, "os.remove": 0, "os.rmdir": 0, "os.mkdir": 0, "shutil.rmtree": 0}
def look(event, args):
    global count
    if event == "open" and not (isinstance(args[1], str) and set(args[1]) & set("wax+") or args[2] & (os.O_WRONLY | os.O_RDWR)):
        return
    if event != "open" and event not in CHANGES:
        return
    inside = isinstance(args[0], str) and os.path.abspath(args[0]).startswith(folder)
    if inside or event in ("os.remove", "os.rmdir") and count:  # rmtree names what it removes by descriptors
        count += 1
        if count == at:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(look)
sys.argv = ["keras-imgen", "train", *sys.argv[3:], "--out", folder]
from keras_imgen.cli import main
try:
    main()
finally:
    if at == 0:
        print("OPERATIONS", count)
"""
TINY = ["--epochs", "2", "--batch", "8", "--steps-per-epoch", "2"]
DIGITS = ["--data", "digits", "--size", "16", "--set", "limit=64"]
RECIPES = {  # one of each family
    "restoration": ["denoise", "--data", "shapes", "--size", "32", "--set", "limit=64", "--set", "width=8", *TINY],
    "classifier": ["digits-classifier", *TINY],
    "translation": ["edges2shapes-pix2pix", *TINY],
    "variational, with a fitted sampler": ["digits-vae", *TINY],
    "diffusion": ["diffusion", *DIGITS, "--set", "widths=8,16", *TINY],
    "adversarial": ["digits-dcgan", *TINY],
    "adversarial, StyleGAN2": ["stylegan2", *DIGITS, *TINY],
    "variational, two stages": [
        "vqvae",
        *DIGITS,
        "--set",
        "width=8",
        "--set",
        "prior_width=8",
        "--set",
        "prior_depth=2",
        *TINY,
    ],
}


def run(arguments: list[str], folder: str, at: int = -1, seconds: float | None = None, how: int = signal.SIGKILL):
    """(exit code, output) of a run that dies at its operation `at`, or by the signal `how` after so many seconds; 0 counts operations."""
    command = [sys.executable, "-c", CHILD, folder, str(at), *arguments]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        said, _ = child.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        child.send_signal(how)
        said, _ = child.communicate()
    return child.returncode, said


def resume(arguments: list[str], folder: str) -> tuple[int, str]:
    """As a person would: go on with --resume; where no run had begun, start it."""
    code, said = run([*arguments, "--resume"], folder)
    if code and "no run to resume" in said:
        return run(arguments, folder)
    return (0, said) if "is finished" in said else (code, said)


def contents(folder: str) -> dict[str, bytes]:
    """What a run leaves, by file, without what tells the time: weights and all other numbers of models, pictures, logs, settings."""
    import h5py

    found = {}
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            key = os.path.relpath(path, folder)
            if name == "model.keras":
                with h5py.File(io.BytesIO(zipfile.ZipFile(path).read("model.weights.h5"))) as file:
                    see = lambda n, o: hasattr(o, "shape") and found.__setitem__(f"{key}/{n}", o[()].tobytes())  # noqa: B023, E731
                    file.visititems(lambda n, o: see(n, o) and None)
            elif name == "metrics.jsonl":
                with open(path) as f:
                    lines = [{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in f]
                found[key] = json.dumps(lines).encode()
            elif name == "report.md":
                with open(path) as f:
                    found[key] = re.sub(r"in [0-9.]+ minutes", "", f.read().replace(folder, "")).encode()
            elif name == "keras_imgen.json":
                with open(
                    path
                ) as f:  # the hash is that of a graph, in which layers are counted from the start of the process
                    found[key] = json.dumps({k: v for k, v in json.load(f).items() if k != "sha256"}).encode()
            elif name.startswith("variables.data") or name.endswith((".png", ".json")) and name != "curves.png":
                with open(path, "rb") as f:
                    found[key] = f.read()
            else:
                found[key] = b""
    return found


def difference(ours: dict[str, bytes], theirs: dict[str, bytes]) -> list[str]:
    """The names of what is not the same in both, or in one only."""
    return sorted(k for k in ours.keys() | theirs.keys() if ours.get(k) != theirs.get(k))


def drill(kills: int, seed: int, families: list[str], report=print) -> list[dict]:
    """The results of so many kills, spread over the families: half at operations on files, half at random times."""
    rng, results = random.Random(seed), []
    for number, family in enumerate(families):
        arguments = RECIPES[family]
        with tempfile.TemporaryDirectory() as place:
            whole = os.path.join(place, "whole")
            start = time.perf_counter()
            code, said = run(arguments, whole, 0)
            seconds = time.perf_counter() - start
            if code:
                raise RuntimeError(f"{family} does not run: {said[-2000:]}")
            count = int(re.findall(r"OPERATIONS (\d+)", said)[-1])
            expected = contents(whole)
            mine = kills * (number + 1) // len(families) - kills * number // len(families)
            # The last operations are the report and the removal of the backup: they come first.
            points = [count - k for k in (0, 1, 2, 4)] + rng.sample(range(1, count - 4), count - 5)
            for k in range(mine):
                folder = os.path.join(place, f"killed{k}")
                by_file = k % 2 == 0
                at, when = (points[k // 2], None) if by_file else (-1, rng.uniform(0.2, 1.0) * seconds)
                code, said = run(arguments, folder, at, when)
                again, told = resume(arguments, folder)
                differs = difference(expected, contents(folder))
                right = again == 0 and not differs
                where = f"operation {at} of {count}" if by_file else f"after {when:.1f} of {seconds:.1f} s"
                results.append({"family": family, "where": where, "killed": code != 0, "equal": right})
                report(
                    f"{family}: {where}, exit {code}, then {again}: {'equal' if right else differs[:3] or told[-300:]}"
                )
    return results


def table(results: list[dict]) -> str:
    lines = ["| family | kills | died | equal to the bit |", "|---|---|---|---|"]
    for family in dict.fromkeys(r["family"] for r in results):
        own = [r for r in results if r["family"] == family]
        lines.append(f"| {family} | {len(own)} | {sum(r['killed'] for r in own)} | {sum(r['equal'] for r in own)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--families", default=None, help="with semicolons; all by default")
    given = parser.parse_args()
    chosen = list(RECIPES) if given.families is None else [f.strip() for f in given.families.split(";")]
    found = drill(given.kills, given.seed, chosen, lambda line: print(line, flush=True))
    print(table(found))
    sys.exit(0 if all(r["equal"] for r in found) else 1)
