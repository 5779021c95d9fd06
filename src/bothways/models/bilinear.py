"""The bilinear model of the reversal curse: one matrix between fixed embeddings.

The logit of token y after token x is xᵀ Θ y. Only Θ learns; embeddings are drawn once, independent and nearly
orthogonal, and stay. The gradient of log p(y|x) in Θ is x (y - E y)ᵀ: it raises xᵀ Θ y, and changes the reverse
yᵀ Θ x only through x·y, of size 1/√d.

Source: the theory of Zhu et al., arXiv 2405.04669, section 3. Differs from it by: rows begin with a begin token, which
nothing counted is predicted from, and the softmax runs over the special tokens too.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from bothways.errors import BothwaysError
from bothways.models.pack_layers import embed
from bothways.options import at_least
from bothways.tensors import LanguageModel, ModelConfig, TokenMap
from bothways.trees import TreeRows


@dataclass(frozen=True, kw_only=True)
class BilinearConfig(ModelConfig):
    """The width of a bilinear model; `build` draws its embeddings.

    Single tokens are paired by the world `pairs` under the objective `causal:count=last_entity`; plain gradient descent
    (`training.optimizer=sgd`) on whole batches, without decay or clipping, follows the gradient flow of the theory.
    """

    d_model: int = 128
    """Length of an embedding; each of its numbers is drawn from N(0, 1/d_model)."""
    std: float = 0.0
    """Spread of the initial Θ; 0 starts from a uniform guess."""

    def __post_init__(self) -> None:
        at_least(1, "Raise it.", d_model=self.d_model)
        if not self.std >= 0:
            raise BothwaysError(f"std must be at least 0, got std={self.std}. Choose for example 0.01.")

    def build(self, n_tokens: int, seed: int) -> "Bilinear":
        """Make a bilinear model over a vocabulary of `n_tokens` ids."""
        return Bilinear(self, n_tokens, torch.Generator().manual_seed(seed))


class Bilinear(LanguageModel):
    """The next token from the one before it, and from nothing else."""

    embed: Tensor

    def __init__(self, config: BilinearConfig, n_tokens: int, generator: torch.Generator) -> None:
        super().__init__()
        self.n_tokens = n_tokens
        drawn_VD = torch.randn(n_tokens, config.d_model, generator=generator) / config.d_model**0.5
        self.register_buffer("embed", drawn_VD)
        self.theta = nn.Parameter(config.std * torch.randn(config.d_model, config.d_model, generator=generator))

    def hidden(self, tokens_BL: Int[Tensor, "B L"], *, causal: bool) -> Float[Tensor, "B L D"]:
        """Return xᵀ Θ of each token.

        Raises:
            BothwaysError: it is asked for more than the next token.
        """
        refuse_both_ways(causal)
        x_BLD = embed(tokens_BL.to(self.theta.device), self.embed)
        if self.theta.ndim == 2:
            return x_BLD @ self.theta
        return torch.bmm(x_BLD.reshape(len(self.theta), -1, x_BLD.shape[-1]), self.theta).view_as(x_BLD)

    def reads_trees(self, width: int) -> bool:
        """Whether `hidden_of_trees` serves rows of this many tokens."""
        return True

    def hidden_of_trees(self, rows: TreeRows) -> Float[Tensor, "B L D"]:
        """Return what each token says of the next, whatever stands before it."""
        return self.hidden(rows.tokens_BL, causal=True)

    @property
    def output_VD(self) -> Float[Tensor, "*P V D"]:
        """The fixed embeddings."""
        return self.embed

    @property
    def embedding_VD(self) -> Float[Tensor, "V D"]:
        """The fixed embeddings."""
        return self.embed

    def token_maps(self, tokens_N: Int[Tensor, " N"] | None = None) -> dict[str, TokenMap]:
        """Return Θ itself, in the space of embeddings, whatever the tokens."""
        return {"theta": TokenMap("storage", self.theta, torch.eye(len(self.theta), device=self.theta.device))}


def refuse_both_ways(causal: bool) -> None:
    """Refuse to read what stands after a token.

    Raises:
        BothwaysError: the call is not causal.
    """
    if not causal:
        raise BothwaysError("This model of the theory only reads left to right. Train it with objective causal.")
