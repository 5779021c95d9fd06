"""The one-layer transformer of theory: pairwise logits for what is stored and for where to look.

In place of embeddings and weight matrices there are two tables over pairs of tokens: Z says how much a query token
looks at each token before it, Y what a token, once read, calls for. The logits are Yᵀ LN(Xᵀ b), with X the one-hot
tokens, b the softmax of the query's row of Z over them, and LN(v) = v / ‖v‖. Y learns much faster than Z.

Source: Zhu et al., arXiv 2405.04669, section 4, after Tian et al., Scan and Snap, arXiv 2305.16380. Differs from them
by: the begin token of a row is never looked at, every token of a row is a query, and whether the query looks at
itself is an option (of the first paper we know this part by hearsay; in the second it does not).
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from bothways.errors import BothwaysError
from bothways.models.bilinear import refuse_both_ways
from bothways.models.pack_layers import embed
from bothways.tensors import SPECIAL, LanguageModel, ModelConfig, TokenMap
from bothways.trees import TreeRows


@dataclass(frozen=True, kw_only=True)
class PairwiseConfig(ModelConfig):
    """How a pairwise model reads and learns; it starts from zero, so no seed matters."""

    attention_rate: float = 0.01
    """Learning rate of Z as a share of Y's, in [0, 1]; under gradient descent only, AdamW takes no notice."""
    reads_query: bool = True
    """Whether a token looks at itself too, and not only at those before it."""

    def __post_init__(self) -> None:
        if not 0 <= self.attention_rate <= 1:
            raise BothwaysError(
                f"attention_rate must be in [0, 1], got attention_rate={self.attention_rate}. Choose a share."
            )

    def build(self, n_tokens: int, seed: int) -> "Pairwise":
        """Make a pairwise model over a vocabulary of `n_tokens` ids."""
        return Pairwise(self, n_tokens)


class Pairwise(LanguageModel):
    """Token ids in, logits out, by two tables of pairs."""

    def __init__(self, config: PairwiseConfig, n_tokens: int) -> None:
        super().__init__()
        self.config, self.n_tokens = config, n_tokens
        self.looks = nn.Parameter(torch.zeros(n_tokens, n_tokens))
        """Z: row the query, column the token looked at."""
        self.calls = nn.Parameter(torch.zeros(n_tokens, n_tokens))
        """Yᵀ: row the token called for, column the token read."""

    def hidden(self, tokens_BL: Int[Tensor, "B L"], *, causal: bool) -> Float[Tensor, "B L V"]:
        """Return LN(Xᵀ b) at every token.

        Raises:
            BothwaysError: it is asked to read what stands after a token.
        """
        refuse_both_ways(causal)
        length = tokens_BL.shape[1]
        return self._read(tokens_BL, torch.ones(1, length, length, dtype=torch.bool, device=tokens_BL.device).tril())

    def reads_trees(self, width: int) -> bool:
        """Whether `hidden_of_trees` serves rows of this many tokens."""
        return True

    def hidden_of_trees(self, rows: TreeRows) -> Float[Tensor, "B L V"]:
        """Return for each token what `hidden` returns for it in a row of its own branch."""
        return self._read(rows.tokens_BL, rows.sees_BLL)

    def _read(self, tokens_BL: Tensor, sees_BLL: Bool[Tensor, "B _ L"]) -> Tensor:
        tokens_BL = tokens_BL.to(self.looks.device)
        B, L = tokens_BL.shape
        sees_BLL = sees_BLL.to(tokens_BL.device).expand(B, L, L) & (tokens_BL != SPECIAL.begin)[:, None]
        if not self.config.reads_query:
            sees_BLL = sees_BLL & ~torch.eye(L, dtype=torch.bool, device=tokens_BL.device)
        rate = self.config.attention_rate
        looks = rate * self.looks + (1 - rate) * self.looks.detach()  # the same numbers, a smaller gradient
        score_BLL = embed(tokens_BL, looks).gather(2, tokens_BL[:, None].expand(B, L, L))
        nothing_BL1 = ~sees_BLL.any(-1, keepdim=True)
        share_BLL = score_BLL.masked_fill(~sees_BLL & ~nothing_BL1, -torch.inf).softmax(-1) * ~nothing_BL1
        seen_BLV = torch.zeros(B, L, self.n_tokens, dtype=share_BLL.dtype, device=tokens_BL.device)
        seen_BLV = seen_BLV.scatter_add(2, tokens_BL[:, None].expand(B, L, L), share_BLL)
        return F.normalize(seen_BLV, dim=-1)

    @property
    def output_VD(self) -> Float[Tensor, "*P V V"]:
        """Yᵀ: what is called for by what was read."""
        return self.calls

    def token_maps(self, tokens_N: Int[Tensor, " N"] | None = None) -> dict[str, TokenMap]:
        """Return Y and Z, among some tokens or all."""
        tokens_N = torch.arange(self.n_tokens) if tokens_N is None else tokens_N
        same_NN = torch.eye(len(tokens_N), device=self.looks.device)
        return {
            "Y": TokenMap("storage", self.calls[tokens_N][:, tokens_N].T, same_NN),
            "Z": TokenMap("routing", self.looks[tokens_N][:, tokens_N], same_NN),
        }
