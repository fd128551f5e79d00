"""What a card can do at most: dense products, in TFLOP/s, as its maker says; of others as a large product measures it."""

import re

# float32 is TF32 where the card has it. None: the card does not compute in it.
PEAKS = {
    r"H200|H100 80GB|H100 SXM": {"float32": 494.7, "bfloat16": 989.4},
    r"H100 PCIe": {"float32": 378.0, "bfloat16": 756.0},
    r"A100": {"float32": 156.0, "bfloat16": 312.0},
    r"L40S": {"float32": 183.0, "bfloat16": 362.0},
    r"L4": {"float32": 60.5, "bfloat16": 121.0},
    r"RTX 4090": {"float32": 82.6, "bfloat16": 165.2},
    r"V100": {"float32": 15.7, "bfloat16": None},
    r"T4": {"float32": 8.1, "bfloat16": None},
}


def of_card(name: str | None) -> dict[str, float | None] | None:
    """TFLOP/s by precision, None of a card that is not in the table."""
    for pattern, peaks in PEAKS.items():
        if name and re.search(rf"\b({pattern})\b", name):
            return peaks
    return None


def mfu(gflop: float, seconds: float, peak: float | None) -> float | None:
    """The share of the peak, in TFLOP/s, that so much work in so much time is."""
    return None if peak is None else gflop / 1e3 / seconds / peak


def measured(size: int, rounds: int = 10) -> dict[str, float]:
    """TFLOP/s of JAX's product of square matrices, by precision."""
    import jax
    import jax.numpy as jnp

    from benchmarks.systems import timed

    found = {}
    for precision in ("float32", "bfloat16"):
        a = jnp.ones((size, size), precision)
        product = jax.jit(jnp.matmul)
        product(a, a).block_until_ready()
        best = min(timed(lambda: product(a, a).block_until_ready()) for _ in range(rounds))
        found[precision] = 2 * size**3 / 1e12 / best
    return found


def probe() -> tuple[dict, dict]:
    """A system without jobs: the card's name, None on a CPU, the peak of each precision and where it is from."""
    import jax

    from keras_imgen.training import backend

    card = backend.accelerator()
    product = measured(8192 if card else 1024)
    peaks = of_card(card[0]) if card else None
    source = f"its maker's, for {card[0]}" if peaks else "measured by a matrix product"
    return {}, {
        "card": card and card[0],
        "peaks": peaks or product,
        "peaks_are": source,
        "product": product,
        "jax": jax.__version__,
    }
