"""The benchmark for cards: its counts by closed forms, equal networks on both sides, and a small run on whatever is here."""

import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT))

from benchmarks import gpu_ours, peaks  # noqa: E402
from benchmarks.flops import flops  # noqa: E402
from benchmarks.gpu_sizes import LARGE, SMALL  # noqa: E402

pytestmark = pytest.mark.tensorflow  # starts other processes itself


@pytest.mark.parametrize(
    "name, bfloat16",
    [
        ("NVIDIA H200", 989.4),
        ("NVIDIA H100 80GB HBM3", 989.4),
        ("NVIDIA H100 PCIe", 756.0),
        ("NVIDIA A100-SXM4-40GB", 312.0),
        ("NVIDIA L4", 121.0),
        ("NVIDIA L40S", 362.0),
        ("NVIDIA GeForce RTX 4090", 165.2),
        ("Tesla T4", None),
    ],
)
def test_peaks_of_cards(name, bfloat16):
    assert peaks.of_card(name)["bfloat16"] == bfloat16 and peaks.of_card(name)["float32"] > 0


def test_other_cards_have_none():
    assert (
        peaks.of_card("NVIDIA L400") is None
        and peaks.of_card("NVIDIA RTX 4000") is None
        and peaks.of_card(None) is None
    )


def test_mfu_is_the_share_of_the_peak():
    assert peaks.mfu(gflop=500.0, seconds=0.01, peak=100.0) == pytest.approx(0.5)
    assert peaks.mfu(1.0, 1.0, None) is None


def test_flops_by_closed_forms():
    jax = pytest.importorskip("jax")
    x, w = np.ones((5, 7), "float32"), np.ones((7, 3), "float32")
    product = 2 * 5 * 7 * 3
    assert flops(lambda x, w: x @ w, x, w) == product
    assert flops(jax.grad(lambda w: (x @ w).sum()), w) == 2 * product  # forward, and with respect to the weights
    assert flops(jax.grad(lambda v: (v[0] @ v[1]).sum()), (x, w)) == 3 * product
    loop = lambda x: jax.lax.scan(lambda c, _: (c @ np.ones((7, 7), "float32"), None), x, length=4)  # noqa: E731
    assert flops(loop, x) == 4 * 2 * 5 * 7 * 7
    branch = lambda x: jax.lax.cond(x[0, 0] > 0, lambda x: (x @ w).sum(), lambda x: x.sum(), x)  # noqa: E731
    assert flops(jax.jit(branch), x) == product

    image, kernel = np.ones((2, 8, 8, 3), "float32"), np.ones((4, 4, 3, 6), "float32")
    conv = lambda image, kernel: jax.lax.conv_general_dilated(  # noqa: E731
        image, kernel, (2, 2), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    work = 2 * (2 * 4 * 4) * 4 * 4 * 3 * 6
    assert flops(conv, image, kernel) == work
    assert flops(jax.grad(lambda both: conv(*both).sum()), (image, kernel)) == 3 * work


def test_ways_of_a_step_are_those_that_are_said():
    bind = inspect.signature(gpu_ours.way).bind
    given = {name: bind("how", "bfloat16", *words).arguments for name, words in gpu_ours.WAYS.items()}
    assert given["8 steps in a dispatch, logs read"]["each"] == 8 and given["8 steps in a dispatch, logs read"]["read"]
    assert (
        given["attention as three operations"]["fused"] is given["batches from NumPy, one ahead"]["on_device"] is False
    )


COUNTS = """
import json, sys, torch
from benchmarks import gpu_torch, torch_networks as t
from benchmarks.gpu_sizes import LARGE, SMALL
from benchmarks.variational import torch_network
found = []
with torch.device("meta"):
    for s in (SMALL, LARGE):
        u, d, g, e = (s[k] for k in ("unet", "dit", "dcgan", "edsr"))
        nets = {
            "unet": [t.UNet(u["size"], u["widths"], u["depth"], u["attention"])],
            "dit": [t.DiT(d["size"], d["patch"], d["width"], d["depth"], d["heads"])],
            "dcgan": [t.DCGANGenerator(g["size"], g["width"], g["latent_dim"]), t.dcgan_discriminator(g["size"], g["width"])],
            "edsr": [t.EDSR(e["width"], e["blocks"])],
            "vae": torch_network(2),
        }
        found.append({name: gpu_torch.count(*parts) for name, parts in nets.items()})
print(json.dumps(found))
"""


def test_both_sides_have_as_many_weights():
    pytest.importorskip("torch")
    done = subprocess.run([sys.executable, "-c", COUNTS], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-2000:]
    from benchmarks.variational import keras_networks
    from keras_imgen import networks

    for sizes, theirs in zip((SMALL, LARGE), json.loads(done.stdout)):
        u, d, g, e = (sizes[k] for k in ("unet", "dit", "dcgan", "edsr"))
        shape = lambda s: (s["size"], s["size"], 3)  # noqa: E731
        ours = {
            "unet": [networks.unet(shape(u), u["widths"], u["depth"], u["attention"])],
            "dit": [networks.dit(shape(d), d["patch"], d["width"], d["depth"], d["heads"])],
            "dcgan": [
                networks.dcgan_generator(shape(g), g["latent_dim"], g["width"], normalization=None),
                networks.dcgan_discriminator(shape(g), g["width"]),
            ],
            "edsr": [networks.edsr(2, width=e["width"], blocks=e["blocks"])],
            "vae": keras_networks(2, False),
        }
        assert {name: sum(n.count_params() for n in parts) for name, parts in ours.items()} == theirs


@pytest.mark.slow
@pytest.mark.long
def test_a_small_run(tmp_path):
    pytest.importorskip("jax")
    quick = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
    words = ["--quick", "--only", "dcgan", "--precision", "float32", "--out", str(tmp_path / "found.json")]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.gpu", *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "XLA_FLAGS": quick},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found == json.loads((tmp_path / "found.json").read_text())
    assert {"machine", "card", "peaks", "peaks_are", "product", "jax", "keras", "torch", "diffusers", "sizes"} <= set(
        found
    )
    rows = {(row["job"], row["system"]): row for row in found["rows"]}
    systems = ["keras_imgen"] + ["PyTorch"] * (found["torch"] is not None)
    assert set(rows) == {(job, system) for job in ("train", "sample") for system in systems}
    generator = 2 * (16 * 256 + 16 * 16 * 16 * 8 + 64 * 16 * 8 * 3)  # dense, then transposed convolutions, of a picture
    first, other = 2 * 64 * 16 * 3 * 8, 2 * (16 * 16 * 8 * 16 + 256)  # of the discriminator
    judge = first + other
    step = generator + 2 * (
        2 * judge + other
    )  # pictures to judge; both kinds, forward and backward, not to the pictures
    step += (
        2 * generator + 2 * judge + generator - 2 * 16 * 256
    )  # through the discriminator to the generator, not the latents
    assert rows["train", "keras_imgen"]["gflop"] == pytest.approx(8 * step / 1e9)
    assert rows["sample", "keras_imgen"]["gflop"] == pytest.approx(4 * generator / 1e9)
    for row in rows.values():
        assert row["seconds"] > 0 and row["weights"] == rows["train", "keras_imgen"]["weights"]
        peak = found["peaks"]["float32"]
        assert row["mfu"] == pytest.approx(row["gflop"] / 1e3 / row["seconds"] / peak)
