"""A gated recurrent network: no attention at all, so what has been read must fit into one vector.

Source: Cho et al., arXiv 1406.1078; Chung et al., arXiv 1412.3555. Differs from them by: the reset gate works on the
product of the hidden vector, as in torch; each layer is normed before and added to the stream, as in our transformer.
A pack of such models has a leading axis on every parameter (`training/learner.py`).
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from bothways.models.bilinear import refuse_both_ways
from bothways.models.pack_layers import embed, layer_norm, linear
from bothways.options import at_least
from bothways.tensors import LanguageModel, ModelConfig


@dataclass(frozen=True, kw_only=True)
class GruConfig(ModelConfig):
    """The shape of a recurrent model; `build` makes one with fresh weights."""

    n_layers: int = 1
    """Number of recurrent layers."""
    d_model: int = 128
    """Width of the embeddings and of what is remembered."""
    tied: bool = False
    """Whether the output matrix is the embedding matrix."""

    def __post_init__(self) -> None:
        at_least(1, "Raise it.", n_layers=self.n_layers, d_model=self.d_model)

    @property
    def tiny(self) -> bool:
        """Whether such models gain from training in packs."""
        return self.d_model <= 32

    def build(self, n_tokens: int, seed: int) -> "Gru":
        """Make a recurrent model over a vocabulary of `n_tokens` ids."""
        return Gru(self, n_tokens, torch.Generator().manual_seed(seed))


class Gru(LanguageModel):
    """Token ids in, logits out, one token after the other."""

    def __init__(self, config: GruConfig, n_tokens: int, generator: torch.Generator) -> None:
        super().__init__()
        self.n_tokens, self.tiny = n_tokens, config.tiny
        self.embed = nn.Parameter(torch.empty(n_tokens, config.d_model))
        self.layers = nn.ModuleList(Layer(config.d_model) for _ in range(config.n_layers))
        self.norm = nn.LayerNorm(config.d_model)
        self.unembedding = None if config.tied else nn.Parameter(torch.empty(n_tokens, config.d_model))
        for name, parameter in self.named_parameters():
            if parameter.ndim == 1:
                nn.init.constant_(parameter, 1.0 if name.endswith("norm.weight") else 0.0)
            else:
                std = {"embed": 0.1, "unembedding": 0.3}.get(name, 1 / math.sqrt(config.d_model))
                nn.init.normal_(parameter, std=std, generator=generator)

    def hidden(self, tokens_BL: Int[Tensor, "B L"], *, causal: bool) -> Float[Tensor, "B L D"]:
        """Return what the last layer adds up to, normed.

        Raises:
            BothwaysError: it is asked to read what stands after a token.
        """
        refuse_both_ways(causal)
        x_BLD = embed(tokens_BL.to(self.embed.device), self.embed)
        for layer in cast(Iterable[Layer], self.layers):
            x_BLD = x_BLD + layer(x_BLD)
        return layer_norm(x_BLD, self.norm)

    @property
    def output_VD(self) -> Float[Tensor, "*P V D"]:
        """The embedding where it is tied, a matrix of its own otherwise."""
        return self.embed if self.unembedding is None else self.unembedding

    @property
    def embedding_VD(self) -> Float[Tensor, "V D"]:
        """The input embeddings."""
        return self.embed


class Layer(nn.Module):
    """One recurrent layer over rows of vectors."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.read = nn.Linear(width, 3 * width)
        self.recall = nn.Linear(width, 3 * width)

    def forward(self, x_BLD: Float[Tensor, "B L D"]) -> Float[Tensor, "B L D"]:
        """Return what is remembered after each token."""
        read_BLD = linear(layer_norm(x_BLD, self.norm), self.read)
        kept_B1D = torch.zeros_like(x_BLD[:, :1])
        kept = list[Tensor]()
        for now_B1D in read_BLD.split(1, dim=1):
            reset, update, new = now_B1D.chunk(3, dim=-1)
            old_reset, old_update, old_new = linear(kept_B1D, self.recall).chunk(3, dim=-1)
            share = (update + old_update).sigmoid()
            candidate = (new + (reset + old_reset).sigmoid() * old_new).tanh()
            kept_B1D = share * kept_B1D + (1 - share) * candidate
            kept.append(kept_B1D)
        return torch.cat(kept, dim=1)
