"""What passes between the rooms as tensors: batches, prepared batches, losses, models, objectives.

Kept apart from `types.py` so that reading facts and `--help` need no torch. Axis letters as there.
"""

import abc
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, cast

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from bothways.types import SpecialTokens

SPECIAL = SpecialTokens()


@dataclass(frozen=True, slots=True)
class Batch:
    """Clean, addressable rows: nothing is shifted, masked or corrupted yet.

    Every row starts with the begin token and its text ends with one end token; the rest of the row
    is filled with further end tokens, which are read but never counted (`target_BL` is False there).
    """

    tokens_BL: Int[Tensor, "B L"]
    target_BL: Bool[Tensor, "B L"]
    """Tokens a loss may count: the text and its first end token."""
    entity_BL: Int[Tensor, "B L"]
    """Number of the entity occurrence in its row that the token belongs to, -1 for none."""
    document_B: Int[Tensor, " B"]
    """Index of each row's document in the corpus."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A batch as one objective wants to see it: read `input`, predict `target`, count by `weight`."""

    input_BL: Int[Tensor, "B L"]
    target_BL: Int[Tensor, "B L"]
    weight_BL: Float[Tensor, "B L"]
    """0 where nothing is predicted."""
    causal: bool
    normaliser: float | None = None
    """What the weighted sum is divided by; None means the sum of the weights."""


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss and what it is made of."""

    mean: Float[Tensor, ""]
    """Nats per counted token, weighted: what is minimised."""
    counted: int
    """How many tokens were predicted."""
    unweighted_ce: Float[Tensor, ""]
    """Nats per predicted token, every one counting the same: comparable between objectives' weightings."""


class LanguageModel(nn.Module, abc.ABC):
    """Token ids in, logits out; `causal` is an argument of the call, not a kind of model."""

    n_tokens: int

    @abc.abstractmethod
    def hidden(self, tokens_BL: Int[Tensor, "B L"], *, causal: bool) -> Float[Tensor, "B L D"]:
        """Return what `unembed` turns into logits."""

    @property
    @abc.abstractmethod
    def output_VD(self) -> Float[Tensor, "V D"]:
        """The matrix whose rows are compared with hidden vectors to give logits."""

    def unembed(self, hidden: Float[Tensor, "*N D"]) -> Float[Tensor, "*N V"]:
        """Turn hidden vectors into logits."""
        return hidden @ self.output_VD.T

    def forward(self, tokens_BL: Int[Tensor, "B L"], *, causal: bool) -> Float[Tensor, "B L V"]:
        """Return the logits at every position."""
        return self.unembed(self.hidden(tokens_BL, causal=causal))


class Objective(abc.ABC):
    """A way to factorise text: what is predicted from what, and how the trained model answers.

    `log_prob` and `complete` belong together: the probabilities of all answers that `complete` could
    ever write within the row sum to one under `log_prob`.
    """

    log_prob_is: ClassVar[Literal["exact", "bound", "estimate"]]
    """Which quantity `log_prob` is, of the model's own left-to-right chain rule."""

    @abc.abstractmethod
    def prepare(self, batch: Batch, generator: torch.Generator) -> Prepared:
        """Shift or mask a clean batch; `generator` is the only source of chance."""

    @abc.abstractmethod
    def log_prob(
        self, model: LanguageModel, tokens_BL: Int[Tensor, "B L"], asked_BL: Bool[Tensor, "B L"]
    ) -> Float[Tensor, "B L"]:
        """Return log p(token | all tokens before it), in nats, where `asked`; 0 elsewhere.

        Rows are as in a `Batch`; what stands after an asked token is never seen.
        """

    @abc.abstractmethod
    def next_log_prob(
        self, model: LanguageModel, tokens_BL: Int[Tensor, "B L"], length_B: Int[Tensor, " B"]
    ) -> Float[Tensor, "B V"]:
        """Return the log-probability of every token to follow the first `length` tokens of each row."""


ROUND = 64
"""Predicted tokens are made up to a multiple of this: matrix libraries prepare themselves anew for every new shape."""
CHUNK = 128
"""Rows of logits that exist at once: few enough to stay in a processor's cache."""


def weighted_cross_entropy(model: LanguageModel, prepared: Prepared) -> Loss:
    """Return the one loss that serves every objective; logits are made only where they are counted."""
    weight_N = prepared.weight_BL.flatten()
    place_N = weight_N.nonzero()[:, 0]
    counted = len(place_N)
    if not counted:
        nothing = model.hidden(prepared.input_BL, causal=prepared.causal).sum() * 0
        return Loss(mean=nothing, counted=0, unweighted_ce=nothing.detach())
    place_N = F.pad(place_N, (0, -counted % ROUND))  # repeats place 0, where it is not counted
    real_N = torch.arange(len(place_N)) < counted
    total = weight_N.sum() if prepared.normaliser is None else prepared.normaliser
    hidden_BLD = model.hidden(prepared.input_BL, causal=prepared.causal)
    apply = cast(Any, LinearCrossEntropy).apply  # torch leaves it untyped
    mean, nats_N = apply(
        hidden_BLD.flatten(0, 1)[place_N],
        model.output_VD,
        prepared.target_BL.flatten()[place_N],
        weight_N[place_N] * real_N / total,
    )
    return Loss(mean=mean, counted=counted, unweighted_ce=nats_N[:counted].mean())


class LinearCrossEntropy(torch.autograd.Function):
    """Weighted cross-entropy of hidden vectors against an output matrix, without keeping the logits.

    Loss and gradients are made chunk by chunk while the logits are in the cache; with large vocabularies that
    halves the cost of a small model's step (LOG.md). Equal to `F.cross_entropy(hidden @ output.T)` up to rounding.
    """

    @staticmethod
    def forward(ctx: Any, hidden_ND: Tensor, output_VD: Tensor, target_N: Tensor, weight_N: Tensor) -> Any:
        """Return the weighted sum of nats, and every token's nats (without gradient)."""
        low = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else hidden_ND.dtype
        with torch.autocast("cpu", enabled=False):
            matrix_VD, vectors_ND = output_VD.to(low), hidden_ND.to(low)
            nats_N = torch.empty(len(target_N))
            grad_ND, grad_VD = torch.empty_like(vectors_ND), torch.zeros_like(output_VD)
            for start in range(0, len(target_N), CHUNK):
                rows = slice(start, start + CHUNK)
                share_CV = (vectors_ND[rows] @ matrix_VD.T).float().softmax(-1)
                own_C1 = target_N[rows, None]
                nats_N[rows] = -share_CV.gather(1, own_C1)[:, 0].clamp(min=1e-45).log()
                share_CV.scatter_add_(1, own_C1, -torch.ones(own_C1.shape))
                grad_CV = share_CV.mul_(weight_N[rows, None]).to(low)
                grad_ND[rows] = grad_CV @ matrix_VD
                grad_VD += grad_CV.T @ vectors_ND[rows]
        ctx.save_for_backward(grad_ND.to(hidden_ND.dtype), grad_VD)
        ctx.mark_non_differentiable(nats_N)
        return (weight_N * nats_N).sum(), nats_N

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """Scale the gradients made on the way."""
        grad_ND, grad_VD = ctx.saved_tensors
        return grad_outputs[0] * grad_ND, grad_outputs[0] * grad_VD, None, None
