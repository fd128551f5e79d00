"""Loss weightings, all defined as a weight w on the squared x0 error, whatever the network predicts.

So one weighting means one loss under every parameterization; `loss_weight` turns it into the factor on the network's
own squared error, (x0 error)² = c_out²·(F error)². The weighting None is the network's own mean squared error.
Internally each class gives sigma²·w, which stays finite where w and the SNR = (alpha/sigma)² do not.
"""

from typing import Any

from keras import ops

from keras_imgen.models.diffusion.parameterizations import Parameterization
from keras_imgen.named_parts import Part, find, register


class Weighting(Part):
    """Base of the weightings."""

    def sigma2_weight(self, alpha: Any, sigma: Any, xp: Any = ops) -> Any:
        """sigma²·w(alpha, sigma).

        Args:
            alpha: of the level, of any shape.
            sigma: of the level, of the same shape.
            xp: `keras.ops` or NumPy.
        """
        raise NotImplementedError

    def __call__(self, alpha: Any, sigma: Any, xp: Any = ops) -> Any:
        """w(alpha, sigma), the weight on the squared x0 error.

        Args:
            alpha: of the level, of any shape.
            sigma: of the level, of the same shape.
            xp: `keras.ops` or NumPy.
        """
        return self.sigma2_weight(alpha, sigma, xp) / xp.square(sigma)

    def get_config(self) -> dict[str, float]:
        return dict(vars(self))


class Uniform(Weighting):
    """w = 1: the plain x0 error."""

    def sigma2_weight(self, alpha: Any, sigma: Any, xp: Any = ops) -> Any:
        return xp.square(sigma)


class SNR(Weighting):
    """w = SNR: the plain epsilon error of DDPM (Ho et al. 2020)."""

    def sigma2_weight(self, alpha: Any, sigma: Any, xp: Any = ops) -> Any:
        return xp.square(alpha)


class MinSNR(Weighting):
    """w = min(SNR, gamma) (Hang et al. 2023)."""

    def __init__(self, gamma: float = 5.0) -> None:
        self.gamma = gamma

    def sigma2_weight(self, alpha: Any, sigma: Any, xp: Any = ops) -> Any:
        return xp.minimum(xp.square(alpha), self.gamma * xp.square(sigma))


class P2(Weighting):
    """w = SNR / (k + SNR)^gamma (Choi et al. 2022)."""

    def __init__(self, k: float = 1.0, gamma: float = 1.0) -> None:
        self.k, self.gamma = k, gamma

    def sigma2_weight(self, alpha: Any, sigma: Any, xp: Any = ops) -> Any:
        alpha2, sigma2 = xp.square(alpha), xp.square(sigma)
        return alpha2 * (sigma2 / (self.k * sigma2 + alpha2)) ** self.gamma


class EDM(Weighting):
    """w = (σ² + sigma_data²) / (σ·sigma_data)² with σ = sigma/alpha (Karras et al. 2022)."""

    def __init__(self, sigma_data: float = 0.5) -> None:
        self.sigma_data = sigma_data

    def sigma2_weight(self, alpha: Any, sigma: Any, xp: Any = ops) -> Any:
        return xp.square(sigma / self.sigma_data) + xp.square(alpha)


WEIGHTINGS = register("weightings", uniform=Uniform, snr=SNR, min_snr=MinSNR, p2=P2, edm=EDM)


def get(weighting: "str | dict | Weighting | None") -> Weighting | None:
    """A weighting from its name ("uniform", "snr", "min_snr", "p2", "edm"), its Keras config, itself, or None.

    Raises:
        ValueError: anything else.
    """
    return None if weighting is None else find("loss weighting", Weighting, WEIGHTINGS, weighting)


def loss_weight(
    weighting: Weighting | None, parameterization: Parameterization, alpha: Any, sigma: Any, xp: Any = ops
) -> Any:
    """The factor w·c_out² on (F - target)², of alpha's shape; finite at SNR = 0 for v, flow and EDM.

    Args:
        weighting: None is the plain error of F, 1.
        parameterization: what F stands for.
        alpha: of the level, of any shape.
        sigma: of the level, of the same shape.
        xp: `keras.ops` or NumPy.
    """
    if weighting is None:
        return xp.ones_like(alpha)
    return weighting.sigma2_weight(alpha, sigma, xp) * parameterization.unit_c_out2(alpha, sigma, xp)
