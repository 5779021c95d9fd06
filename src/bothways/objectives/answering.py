"""How a trained model is asked: next-token distributions by the left-to-right chain rule.

Two readings serve every objective. A causal model gives all conditionals in one pass. A masked model
is asked token by token: everything from the asked position on is masked, to the end of the row, so
that nobody is told how long the answer is. In both, log p(answer) sums over its tokens and the token
that ends it, and the probabilities of all answers add up to one.

Tokens come, and numbers go, on the processor; where the model computes is its own business.
"""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from bothways.errors import BothwaysError
from bothways.tensors import SPECIAL, LanguageModel, Reading

NextLogProb = Callable[[Tensor, Tensor], Tensor]


def causal_log_prob(
    model: LanguageModel, tokens_BL: Int[Tensor, "B L"], asked_BL: Bool[Tensor, "B L"]
) -> Float[Tensor, "B L"]:
    """Return log p(token | tokens before) at the asked positions in one causal pass."""
    row_N, place_N = asked_BL.nonzero(as_tuple=True)
    out_BL = torch.zeros(tokens_BL.shape, device=tokens_BL.device)
    needed = int(place_N.max()) if len(place_N) else 1  # what stands after the last asked place is never read
    hidden_BLD = model.hidden(tokens_BL[:, :needed], causal=True)
    logits_NV = model.unembed(hidden_BLD[row_N, place_N - 1]).float()
    out_BL[row_N, place_N] = logits_NV.log_softmax(-1).cpu().gather(1, tokens_BL[row_N, place_N, None])[:, 0]
    return out_BL


def causal_reading(tokens_BL: Int[Tensor, "B L"], length_B: Int[Tensor, " B"]) -> Reading:
    """Return the rows up to the longest prefix; the last token of each prefix says what follows."""
    return Reading(tokens_BL[:, : int(length_B.max())], length_B - 1, causal=True)


def masked_log_prob(
    model: LanguageModel, tokens_BL: Int[Tensor, "B L"], asked_BL: Bool[Tensor, "B L"], *, causal: bool = False
) -> Float[Tensor, "B L"]:
    """Return log p(token | tokens before) at the asked positions, one masked pass per token of the longest answer."""
    out_BL = torch.zeros(tokens_BL.shape, device=tokens_BL.device)
    turn_BL = asked_BL.cumsum(1) * asked_BL
    for turn in range(1, int(asked_BL.sum(1).max()) + 1):
        row_N, place_N = (turn_BL == turn).nonzero(as_tuple=True)
        log_prob_NV = masked_next(model, tokens_BL[row_N], place_N, causal=causal)
        out_BL[row_N, place_N] = log_prob_NV.gather(1, tokens_BL[row_N, place_N, None])[:, 0]
    return out_BL


def masked_next(
    model: LanguageModel, tokens_BL: Int[Tensor, "B L"], length_B: Int[Tensor, " B"], *, causal: bool = False
) -> Float[Tensor, "B V"]:
    """Return the distribution at place `length` of each row, everything from there on being masked."""
    read = masked_reading(model, tokens_BL, length_B, causal=causal)
    hidden_BLD = model.hidden(read.input_BL, causal=read.causal)
    return model.unembed(hidden_BLD[torch.arange(len(length_B)), length_B]).float().log_softmax(-1).cpu()


def masked_reading(
    model: LanguageModel, tokens_BL: Int[Tensor, "B L"], length_B: Int[Tensor, " B"], *, causal: bool = False
) -> Reading:
    """Return the rows with everything after the prefix masked; the first mask says what follows.

    Args:
        model: knows which token is the mask.
        tokens_BL: rows; what follows the prefix does not matter.
        length_B: tokens in each prefix.
        causal: whether the masks, too, are read left to right.

    Raises:
        BothwaysError: the model has no mask token.
    """
    place_L = torch.arange(tokens_BL.shape[1], device=tokens_BL.device)
    if model.special.mask < 0:
        raise BothwaysError(
            "The model has no mask token and cannot fill in what is masked. Ask it with objective causal."
        )
    masked_BL = tokens_BL.masked_fill(place_L >= length_B[:, None], model.special.mask)
    return Reading(masked_BL, length_B, causal)


Choose = Callable[[Tensor], Tensor]
"""Picks a token for each row from log-probabilities (N, V)."""


def greedily(log_prob_NV: Float[Tensor, "N V"]) -> Int[Tensor, " N"]:
    """Choose the likeliest token."""
    return log_prob_NV.argmax(-1)


def sampling(temperature: float, top_k: int, generator: torch.Generator) -> Choose:
    """Return what draws a token from the k likeliest.

    Args:
        temperature: log-probabilities are divided by it; below 1 likely tokens become likelier.
        top_k: how many tokens may be drawn.
        generator: the only source of chance.
    """

    def choose(log_prob_NV: Tensor) -> Tensor:
        best_NK, token_NK = log_prob_NV.topk(min(top_k, log_prob_NV.shape[-1]), dim=-1)
        share_NK = (best_NK / temperature).softmax(-1)
        return token_NK.gather(1, torch.multinomial(share_NK, 1, generator=generator))[:, 0]

    return choose


def complete(
    next_log_prob: NextLogProb,
    tokens_BL: Int[Tensor, "B L"],
    length_B: Int[Tensor, " B"],
    *,
    end: int = SPECIAL.end,
    most: int | None = None,
    choose: Choose = greedily,
) -> Int[Tensor, "B L"]:
    """Write after the first `length` tokens of each row, until it ends or the row is full.

    Args:
        next_log_prob: log-probabilities of the token that follows each prefix.
        tokens_BL: rows; what stands after the prefixes is written over.
        length_B: tokens in each prefix.
        end: the token that ends a text.
        most: tokens to write at most, in each row; as many as fit if None.
        choose: how a token is picked.

    Returns:
        The rows, filled; what follows the last token written is end tokens.
    """
    tokens_BL, length_B = tokens_BL.clone(), length_B.clone()
    width = tokens_BL.shape[1]
    full_B = length_B + (width if most is None else most)
    row_B = torch.arange(len(length_B), device=tokens_BL.device)
    while bool((length_B < width).any()):
        open_N = row_B[length_B < width]
        chosen_N = choose(next_log_prob(tokens_BL[open_N], length_B[open_N]))
        tokens_BL[open_N, length_B[open_N]] = chosen_N
        length_B[open_N] += 1
        done_N = open_N[(chosen_N == end) | (length_B[open_N] >= full_B[open_N])]
        for row in done_N.tolist():
            tokens_BL[row, length_B[row] :] = end
        length_B[done_N] = width
    return tokens_BL
