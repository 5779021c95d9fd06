"""The guard: what a model must keep while it learns something new, measured on text that has nothing to do with it.

Four readings: how likely general text is, how far the model has moved from the original, whether it falls into
repeating itself, and whether answers that should not change have changed.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from bothways.batches.tokenizers import Tokenizer
from bothways.errors import BothwaysError
from bothways.evaluation.general import Places, expectations, find_places
from bothways.evaluation.scoring import make_rows
from bothways.objectives.answering import complete
from bothways.tensors import LanguageModel, Objective
from bothways.types import QueryScore

TOP = 1024
"""Log-probabilities kept of the original at each place; those of the other tokens are kept as one sum."""
N_CONTINUED = 32
"""Texts that are continued."""
BEGINNING = 8
"""Tokens of a text that a model is given to go on from."""
CONTINUATION = 48
"""Tokens that it may write."""
NGRAM = 4
"""Tokens in a row that count as a repetition if they come again."""

Ask = Callable[[LanguageModel, Objective], Sequence[QueryScore]]
"""Asks a model questions whose answers must not change."""


@dataclass(frozen=True, kw_only=True)
class Guard:
    """How far each reading may move from the model before training; `inf` lifts a limit."""

    perplexity: float = 1.5
    """Largest factor by which the perplexity of general text may rise."""
    kl: float = 0.5
    """Largest mean KL divergence from the original, in nats per token of general text."""
    repetition: float = 0.3
    """Largest rise of the share of repeated 4-grams. A rise, because models before instruction tuning repeat
    themselves in greedy text anyway."""
    locality: float = 0.1
    """Largest loss of accuracy on questions whose answers must not change."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value, least = getattr(self, field.name), 1.0 if field.name == "perplexity" else 0.0
            if not value >= least:
                raise BothwaysError(
                    f"The guard's {field.name} must be at least {least:g}, got {field.name}={value}. "
                    f"Raise it; inf lifts the limit."
                )


@dataclass(frozen=True, kw_only=True)
class GuardReading:
    """What was measured; None is what could not be, or was not asked for."""

    nll: float
    """Mean of -log p(token | tokens before it in its row), in nats per token of general text."""
    kl: float | None
    """KL(original || model), in nats per token, the mean over the same places."""
    repetition: float | None
    """Share of 4-grams in greedy continuations that stood there before, the mean over continuations."""
    locality: float | None
    """Accuracy on questions whose answers must not change."""
    places: int
    """At how many places of general text `nll` and `kl` were measured."""

    @property
    def perplexity(self) -> float:
        """The exponential of the NLL, of all places together."""
        return math.inf if self.nll >= 700 else math.exp(self.nll)

    def to_json(self) -> dict[str, Any]:
        """Return plain data; what is no finite number becomes None."""
        found: Mapping[str, Any] = {**asdict(self), "perplexity": self.perplexity}
        return {name: value if value is not None and math.isfinite(value) else None for name, value in found.items()}


@dataclass(frozen=True)
class Reference:
    """What the original expected at each place of the general text.

    The K likeliest tokens with their log-probabilities, and what is left for all others together. At most 4,096 places
    of 1,024 tokens: 50 MB.
    """

    places: Places
    token_NK: Int[Tensor, "N K"]
    log_prob_NK: Float[Tensor, "N K"]
    rest_N: Float[Tensor, " N"]
    """Log of the probability of all other tokens together; -inf where there are none."""


@torch.inference_mode()
def remember(
    model: LanguageModel, objective: Objective, tokenizer: Tokenizer, general: Sequence[str], *, length: int
) -> Reference:
    """Return what a model expects of general text, to be asked before it is trained.

    Args:
        model: the original.
        objective: how it is asked, now and later.
        tokenizer: its tokenizer.
        general: texts that it will not be trained on.
        length: tokens in a row, as in training: a masked model fills the row after what it is given.

    Raises:
        BothwaysError: rows are too short, or the tokenizer knows no word of the text.
    """
    was_training = model.training
    model.eval()
    places = find_places(general, model, objective, tokenizer, length)
    n, k = len(places.row_N), min(TOP, model.n_tokens)
    reference = Reference(places, torch.empty(n, k, dtype=torch.int64), torch.empty(n, k), torch.empty(n))
    for some, log_prob_NV in expectations(model, objective, places):
        token_NK = log_prob_NV.topk(k).indices
        reference.token_NK[some] = token_NK
        reference.log_prob_NK[some], reference.rest_N[some] = split(log_prob_NV, token_NK)
    model.train(was_training)
    return reference


def split(
    log_prob_NV: Float[Tensor, "N V"], token_NK: Int[Tensor, "N K"]
) -> tuple[Float[Tensor, "N K"], Float[Tensor, " N"]]:
    """Return the log-probabilities of some tokens, and that of all others together.

    >>> some_11, rest_1 = split(torch.tensor([[0.5, 0.25, 0.25]]).log(), torch.tensor([[0]]))
    >>> some_11.exp().tolist(), rest_1.exp().tolist()
    ([[0.5]], [0.5])
    """
    return log_prob_NV.gather(1, token_NK), log_prob_NV.scatter(1, token_NK, -torch.inf).logsumexp(1)


def divergence(reference: Reference, some: slice, log_prob_NV: Float[Tensor, "N V"]) -> Float[Tensor, " N"]:
    """Return KL(original || model) at some places, in nats, all tokens that were not kept counting as one.

    That makes it a lower bound, by the log-sum inequality; it is exact where all tokens were kept.
    """
    old_NK, old_rest_N = reference.log_prob_NK[some].double(), reference.rest_N[some].double()
    new_NK, new_rest_N = split(log_prob_NV.double(), reference.token_NK[some])
    kept_N = (old_NK.exp() * (old_NK - new_NK)).sum(1)
    rest_N = torch.where(old_rest_N.isinf(), 0.0, old_rest_N.exp() * (old_rest_N - new_rest_N))
    return kept_N + rest_N


@torch.inference_mode()
def measure_guard(
    model: LanguageModel,
    objective: Objective,
    tokenizer: Tokenizer,
    general: Sequence[str],
    reference: Reference,
    *,
    locality: Ask | None = None,
) -> GuardReading:
    """Measure what a model has kept.

    Args:
        model: the original, or what training has made of it.
        objective: how it is asked; NLL and KL are of its own left-to-right reading.
        tokenizer: its tokenizer.
        general: the texts of `reference`; the model goes on from their first words.
        reference: what the original expected there.
        locality: asks the questions whose answers must not change; None for none.
    """
    was_training = model.training
    model.eval()
    places, nats, apart = reference.places, 0.0, 0.0
    for some, log_prob_NV in expectations(model, objective, places):
        nats -= float(log_prob_NV.gather(1, places.token_N[some][:, None]).double().sum())
        apart += float(divergence(reference, some, log_prob_NV).sum())
    asked = locality(model, objective) if locality else ()
    found = GuardReading(
        nll=nats / len(places.row_N),
        kl=apart / len(places.row_N),
        repetition=repetition(model, objective, tokenizer, general, places.tokens_BL.shape[1]),
        locality=sum(score.correct for score in asked) / len(asked) if asked else None,
        places=len(places.row_N),
    )
    model.train(was_training)
    return found


def repetition(
    model: LanguageModel, objective: Objective, tokenizer: Tokenizer, general: Sequence[str], length: int
) -> float | None:
    """Return the mean share of repeated 4-grams in greedy continuations of texts' first words.

    None where rows have no room for a continuation of two 4-grams, or no text has as many words.

    Source: seq-rep-4 of Welleck et al., arXiv 1908.04319. Differs from it by: a continuation that ends before its
    first 4-gram repeats nothing.
    """
    start = list(tokenizer.start)
    most = min(CONTINUATION, length - len(start) - BEGINNING)
    begun = [ids[:BEGINNING] for ids in (tokenizer.encode(text).ids for text in general) if len(ids) >= BEGINNING]
    if most <= NGRAM or not begun:
        return None
    tokens_BL, _, length_B = make_rows([([*start, *ids], []) for ids in begun[:N_CONTINUED]], length)
    end = model.special.end
    filled_BL = complete(lambda t, n: objective.next_log_prob(model, t, n), tokens_BL, length_B, end=end, most=most)
    written = [row[int(length_B[0]) :][:most] for row in filled_BL.tolist()]
    return sum(repeated(row[: row.index(end)] if end in row else row) for row in written) / len(written)


def repeated(ids: Sequence[int]) -> float:
    """Return the share of 4-grams that stood there before.

    >>> repeated([1, 2, 1, 2, 1, 2, 1]), repeated([1, 2, 3]), repeated(range(9))
    (0.5, 0.0, 0.0)
    """
    grams = [tuple(ids[at : at + NGRAM]) for at in range(len(ids) - NGRAM + 1)]
    return 1 - len(set(grams)) / len(grams) if grams else 0.0


MOVES: Mapping[str, tuple[str, str, Callable[[float, float], float]]] = {
    "perplexity": ("Perplexity of general text rose", "by a factor of", lambda old, new: new / old),
    "kl": ("KL from the original, in nats per token of general text, rose", "by", lambda old, new: new - old),
    "repetition": ("The share of repeated 4-grams rose", "by", lambda old, new: new - old),
    "locality": ("Accuracy on what must not change fell", "by", lambda old, new: old - new),
}
"""What a limit is about: in words, and how far a reading has moved."""


def breaches(before: GuardReading, after: GuardReading, limits: Guard) -> list[str]:
    """Return a sentence for each limit that a model has passed; what was not measured passes none.

    A reading that is not a number has passed its limit, whatever that is.

    >>> before = GuardReading(nll=1.0, kl=0.0, repetition=0.1, locality=None, places=9)
    >>> breaches(before, GuardReading(nll=3.0, kl=0.1, repetition=0.2, locality=None, places=9), Guard())
    ['Perplexity of general text rose from 2.72 to 20.1, by a factor of 7.39; the limit is 1.5.']
    """
    found: list[str] = []
    for name, change in moves(before, after).items():
        what, by, _ = MOVES[name]
        old, new, limit = getattr(before, name), getattr(after, name), getattr(limits, name)
        if change is not None and not change <= limit:
            found.append(f"{what} from {old:.3g} to {new:.3g}, {by} {change:.3g}; the limit is {limit:g}.")
    return found


def moves(before: GuardReading, after: GuardReading) -> dict[str, float | None]:
    """Return how far each reading has moved, as its limit counts it; None for what was not measured."""
    pairs = {name: (getattr(before, name), getattr(after, name)) for name in MOVES}
    return {
        name: None if old is None or new is None else MOVES[name][2](old, new) for name, (old, new) in pairs.items()
    }
