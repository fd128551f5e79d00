"""What the network's output F stands for. Everything else in the package only sees x̂0 = c_skip·x + c_out·F.

Each is written for any alpha, sigma (VP, VE or flow), and the network always gets c_in·x, which has unit variance when
the data have standard deviation `sigma_data`.
"""

from typing import Any

from keras import ops

from keras_imgen.named_parts import Part, find, register


class Parameterization(Part):
    """Base: `coefficients` and `target` say the same thing twice, once to sample and once to train.

    Args:
        sigma_data: standard deviation of the data.

    Raises:
        ValueError: it is not above 0.
    """

    def __init__(self, sigma_data: float = 1.0) -> None:
        if not sigma_data > 0:
            raise ValueError(f"sigma_data must be positive, got {sigma_data}.")
        self.sigma_data = sigma_data

    def coefficients(self, alpha: Any, sigma: Any, xp: Any = ops) -> tuple[Any, Any]:
        """How x̂0 is made of x and F.

        Args:
            alpha: of the level, of any shape.
            sigma: of the level, of the same shape.
            xp: `keras.ops` or NumPy.

        Returns:
            (c_skip, c_out) such that x̂0 = c_skip·x + c_out·F.
        """
        raise NotImplementedError

    def target(self, x0: Any, eps: Any, alpha: Any, sigma: Any, xp: Any = ops) -> Any:
        """What F should be for x = alpha·x0 + sigma·eps.

        Args:
            x0: clean images (N, ...).
            eps: noise (N, ...).
            alpha: of the level; it broadcasts with x0.
            sigma: of the level, the same way.
            xp: `keras.ops` or NumPy.
        """
        raise NotImplementedError

    def unit_c_out2(self, alpha: Any, sigma: Any, xp: Any = ops) -> Any:
        """(c_out / sigma)²: finite at sigma = 0, so that weight·c_out² can be had without 0·inf.

        Args:
            alpha: of the level, of any shape.
            sigma: of the level, of the same shape.
            xp: `keras.ops` or NumPy.
        """
        return xp.square(self.coefficients(alpha, sigma, xp)[1] / sigma)

    def c_in(self, alpha: Any, sigma: Any, xp: Any = ops) -> Any:
        """1 / standard deviation of x.

        Args:
            alpha: of the level, of any shape.
            sigma: of the level, of the same shape.
            xp: `keras.ops` or NumPy.
        """
        return 1.0 / xp.sqrt(xp.square(alpha * self.sigma_data) + xp.square(sigma))

    def get_config(self) -> dict[str, float]:
        return {"sigma_data": self.sigma_data}


class Epsilon(Parameterization):
    """F is the noise (Ho et al. 2020). Says nothing about x0 where alpha = 0."""

    def coefficients(self, alpha: Any, sigma: Any, xp: Any = ops) -> tuple[Any, Any]:
        return 1.0 / alpha, -sigma / alpha

    def target(self, x0: Any, eps: Any, alpha: Any, sigma: Any, xp: Any = ops) -> Any:
        return eps

    def unit_c_out2(self, alpha: Any, sigma: Any, xp: Any = ops) -> Any:
        return 1.0 / xp.maximum(xp.square(alpha), 1e-20)


class X0(Parameterization):
    """F is the clean image."""

    def coefficients(self, alpha: Any, sigma: Any, xp: Any = ops) -> tuple[Any, Any]:
        return xp.zeros_like(alpha), xp.ones_like(alpha)

    def target(self, x0: Any, eps: Any, alpha: Any, sigma: Any, xp: Any = ops) -> Any:
        return x0

    def unit_c_out2(self, alpha: Any, sigma: Any, xp: Any = ops) -> Any:
        return 1.0 / xp.maximum(xp.square(sigma), 1e-20)


class V(Parameterization):
    """F is the velocity alpha·eps - sigma·x0 (Salimans & Ho 2022), over sqrt(alpha² + sigma²) so that it depends on sigma/alpha alone."""

    def coefficients(self, alpha: Any, sigma: Any, xp: Any = ops) -> tuple[Any, Any]:
        norm = xp.square(alpha) + xp.square(sigma)
        return alpha / norm, -sigma / xp.sqrt(norm)

    def target(self, x0: Any, eps: Any, alpha: Any, sigma: Any, xp: Any = ops) -> Any:
        return (alpha * eps - sigma * x0) / xp.sqrt(xp.square(alpha) + xp.square(sigma))

    def unit_c_out2(self, alpha: Any, sigma: Any, xp: Any = ops) -> Any:
        return 1.0 / (xp.square(alpha) + xp.square(sigma))


class Flow(Parameterization):
    """F is the straight path's velocity eps - x0 (Lipman et al. 2023; Liu et al. 2023)."""

    def coefficients(self, alpha: Any, sigma: Any, xp: Any = ops) -> tuple[Any, Any]:
        return 1.0 / (alpha + sigma), -sigma / (alpha + sigma)

    def target(self, x0: Any, eps: Any, alpha: Any, sigma: Any, xp: Any = ops) -> Any:
        return eps - x0

    def unit_c_out2(self, alpha: Any, sigma: Any, xp: Any = ops) -> Any:
        return 1.0 / xp.square(alpha + sigma)


class EDM(Parameterization):
    """The preconditioning of Karras et al. 2022 for any alpha, sigma: unit variance in and out."""

    def __init__(self, sigma_data: float = 0.5) -> None:
        super().__init__(sigma_data)

    def coefficients(self, alpha: Any, sigma: Any, xp: Any = ops) -> tuple[Any, Any]:
        c_in = self.c_in(alpha, sigma, xp)
        return alpha * xp.square(self.sigma_data * c_in), sigma * self.sigma_data * c_in

    def target(self, x0: Any, eps: Any, alpha: Any, sigma: Any, xp: Any = ops) -> Any:
        # (x0 - c_skip·x) / c_out with sigma divided out by hand: exact where sigma is tiny.
        return (sigma / self.sigma_data * x0 - alpha * self.sigma_data * eps) * self.c_in(alpha, sigma, xp)

    def unit_c_out2(self, alpha: Any, sigma: Any, xp: Any = ops) -> Any:
        return xp.square(self.sigma_data * self.c_in(alpha, sigma, xp))


PARAMETERIZATIONS = register("parameterizations", epsilon=Epsilon, x0=X0, v=V, flow=Flow, edm=EDM)


def get(parameterization: "str | dict | Parameterization") -> Parameterization:
    """A parameterization from its name ("epsilon", "x0", "v", "flow", "edm"), its Keras config, or itself.

    Raises:
        ValueError: anything else.
    """
    return find("parameterization", Parameterization, PARAMETERIZATIONS, parameterization)
