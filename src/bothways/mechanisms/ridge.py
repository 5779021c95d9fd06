"""Ridge regression in closed form: what the linear probes fit."""

import torch
from jaxtyping import Float
from torch import Tensor


def ridge_predict(
    seen_MD: Float[Tensor, "M D"], known_ME: Float[Tensor, "M E"], asked_ND: Float[Tensor, "N D"], ridge: float
) -> Float[Tensor, "N E"]:
    """Fit a linear map with an offset to rows whose image is known, and return its image of others; in fp64.

    The smaller of the two systems is solved, that of the rows, so D may be far larger than M.

    Args:
        seen_MD: what is read of the rows to fit.
        known_ME: their image.
        asked_ND: what is read of the others.
        ridge: penalty, as a share of the mean square of what is read.
    """
    x_MD, y_ME = seen_MD.double(), known_ME.double()
    x_mean_D, y_mean_E = x_MD.mean(0), y_ME.mean(0)
    x_MD, y_ME = x_MD - x_mean_D, y_ME - y_mean_E
    penalty = ridge * x_MD.square().sum() / len(x_MD) + 1e-12
    inner_MM = x_MD @ x_MD.T + penalty * torch.eye(len(x_MD), dtype=torch.float64)
    return (asked_ND.double() - x_mean_D) @ x_MD.T @ torch.linalg.solve(inner_MM, y_ME) + y_mean_E
