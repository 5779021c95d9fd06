"""What stands between the last hidden states of a library model and its logits."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class OutputHead:
    """Some steps, then an output matrix, then perhaps a bias for each token.

    Losses and probes know of a matrix only. So the bias becomes one more column of it, and hidden vectors get one
    more channel, which is always one.
    """

    layer: Any
    """The library's output layer: it has a weight and perhaps a bias."""
    transform: tuple[Callable[[Tensor], Tensor], ...] = ()
    """The steps, in order; none in most decoders."""

    @property
    def bias_V(self) -> Tensor | None:
        """What is added to the logits."""
        return getattr(self.layer, "bias", None)

    @property
    def output_VD(self) -> Tensor:
        """The matrix, its column for the bias included; where there is a bias, a copy."""
        weight, bias = self.layer.weight, self.bias_V
        return weight if bias is None else torch.cat([weight, bias[:, None]], 1)

    def hidden(self, last_BLD: Tensor) -> Tensor:
        """Turn the last hidden states into what is multiplied with the matrix."""
        for step in self.transform:
            last_BLD = step(last_BLD)
        if self.bias_V is None:
            return last_BLD
        return torch.cat([last_BLD, last_BLD.new_ones(*last_BLD.shape[:-1], 1)], -1)

    def unembed(self, hidden: Tensor) -> Tensor:
        """Multiply with the matrix without copying it."""
        bias = self.bias_V
        if bias is None:
            return hidden @ self.layer.weight.T
        return hidden[..., :-1] @ self.layer.weight.T + hidden[..., -1:] * bias
