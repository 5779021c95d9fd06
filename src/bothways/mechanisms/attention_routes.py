"""Attention routes: does a mask look for its partner the same way on both sides?"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from bothways.batches.tokenizers import Tokenizer
from bothways.errors import BothwaysError
from bothways.mechanisms.base import Probe
from bothways.mechanisms.contexts import Asker, Contexts, tested_pairs
from bothways.mechanisms.identities import rotary_correlation
from bothways.tensors import LanguageModel, Objective
from bothways.types import Exam, Finding


@dataclass(frozen=True, kw_only=True)
class AttentionRoutes(Probe):
    """Correlation, over pairs, of the scores by which the asked place attends to the given entity, in both contexts.

    S_fwd and S_rev are what the softmax is taken of, q.k / sqrt(K), from the query at the asked place ([M]) to the key
    of the given entity (mean over its tokens). A score is known up to a constant for each query only, so compare it
    within a model. Beside the correlation stand the mean attention weights (summed over the entity's tokens), the
    correlation between *different* pairs (the control: near 0), and for rotary positions two predictions for
    independent isotropic keys: of random queries, and in the first block of the model's own query, which is the same
    in every context. A model that reads left to right is given A in one context and B in
    the other, two keys: nothing is predicted of their scores.

    Source: S_fwd and S_rev of Jeon et al., arXiv 2602.02133. Differs from it by: the prediction of the model's own
    query, which random initialisation fulfils already, so the *change* over training is what training does.
    """

    max_pairs: int = 200
    """Facts looked at, from the first."""

    def __call__(self, model: LanguageModel, objective: Objective, tokenizer: Tokenizer, exam: Exam) -> Finding:
        """Return one row a head, and the means over all heads as numbers."""
        asker, pairs = Asker.of(model, objective, tokenizer, exam), tested_pairs(exam, self.max_pairs)
        contexts = asker.forward(pairs), asker.reverse(pairs)
        with torch.inference_mode():
            forward, reverse = (look(model, one) for one in contexts)
            predicted = Predicted(None, None) if asker.causal else predictions(model, contexts)
        rows = [
            {
                "block": block,
                "head": head,
                "correlation": pearson(forward.score_NAH[:, block, head], reverse.score_NAH[:, block, head]),
                "other_pairs": pearson(forward.score_NAH[:, block, head], reverse.score_NAH[:, block, head].roll(1)),
                "forward_weight": forward.weight_NAH[:, block, head].mean().item(),
                "reverse_weight": reverse.weight_NAH[:, block, head].mean().item(),
                "forward_score": forward.score_NAH[:, block, head].mean().item(),
                "reverse_score": reverse.score_NAH[:, block, head].mean().item(),
                "random_query": predicted.random,
                "own_query": predicted.own_H[head] if block == 0 and predicted.own_H else None,
            }
            for block in range(forward.score_NAH.shape[1])
            for head in range(forward.score_NAH.shape[2])
        ]
        names = ("correlation", "other_pairs", "forward_weight", "reverse_weight", "random_query", "own_query")
        numbers = {name: mean([row[name] for row in rows]) for name in names}
        numbers["first_block_correlation"] = mean([row["correlation"] for row in rows if row["block"] == 0])
        numbers = {name: value for name, value in numbers.items() if value is not None and math.isfinite(value)}
        summary = ", ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in numbers.items())
        return Finding("attention_routes", summary, tuple(rows), numbers)


@dataclass(frozen=True, slots=True)
class Looks:
    """How the query of N contexts looks at the given entity, in every block A and head."""

    score_NAH: Float[Tensor, "N A H"]
    weight_NAH: Float[Tensor, "N A H"]


def look(model: LanguageModel, contexts: Contexts) -> Looks:
    """Return scores and weights from the query to the given entity."""
    scores, weights = list[Tensor](), list[Tensor]()
    for trace, rows in contexts.traces(model):
        row_N, query_N, cue_NL = (
            torch.arange(len(contexts.query_N[rows])),
            contexts.query_N[rows],
            contexts.cue_NL[rows],
        )
        score_NAHL = torch.stack([score[row_N, :, query_N].float().cpu() for score in trace.score], 1)
        cue_N11L = cue_NL[:, None, None]
        scores.append(score_NAHL.where(cue_N11L, 0.0).sum(-1) / cue_N11L.sum(-1))
        weights.append((score_NAHL.softmax(-1) * cue_N11L).sum(-1))
    return Looks(torch.cat(scores), torch.cat(weights))


@dataclass(frozen=True, slots=True)
class Predicted:
    """Correlations that rotary positions alone would give, for independent isotropic keys."""

    random: float | None
    """Of random isotropic queries; None where positions are not rotary, or nobody has written down how they turn."""
    own_H: list[float] | None
    """Of the model's own query in the first block, by head; None where the query is not the same in every context."""


def predictions(model: LanguageModel, contexts: tuple[Contexts, Contexts]) -> Predicted:
    """Return the predicted correlations at the distances of these contexts, averaged over them."""
    try:
        left, right = model.head_maps(0), model.head_maps(0, "right")
    except BothwaysError:  # its traces are all that is needed otherwise
        return Predicted(None, None)
    if left.turn_I is None:
        return Predicted(None, None)
    apart_N = contexts[0].offset_N - contexts[1].offset_N
    turn_I = left.turn_I.cpu().double()
    random = rotary_correlation(turn_I, apart_N).mean().item()
    stream_ND = torch.cat([
        trace.stream[0][torch.arange(len(one.query_N[rows])), one.query_N[rows]].float()
        for one in contexts for trace, rows in one.traces(model)
    ])  # fmt: skip
    one_query = torch.allclose(stream_ND, stream_ND[:1].expand_as(stream_ND), atol=1e-6)
    if not one_query or left.query_bias_HK is None or not torch.equal(left.query_HKD, right.query_HKD):
        return Predicted(random, None)
    normed_D = F.layer_norm(stream_ND[0], stream_ND.shape[1:])
    query_HK = (left.query_HKD.float() @ normed_D + left.query_bias_HK.float()).cpu().double()
    return Predicted(random, [rotary_correlation(turn_I, apart_N, query_K).mean().item() for query_K in query_HK])


def pearson(one_N: Float[Tensor, " N"], other_N: Float[Tensor, " N"]) -> float | None:
    """Return the correlation of two columns; None where one of them does not vary, or is not finite.

    >>> pearson(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([3.0, 2.0, 1.0]))
    -1.0
    """
    x_N, y_N = (column.double() - column.double().mean() for column in (one_N, other_N))
    scale = (x_N.norm() * y_N.norm()).item()
    return (x_N @ y_N).item() / scale if math.isfinite(scale) and scale > 0 else None


def mean(values: list[float | None]) -> float | None:
    """Return the mean of the numbers that are there; None if there is none.

    >>> mean([1.0, None, 2.0])
    1.5
    """
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there else None
