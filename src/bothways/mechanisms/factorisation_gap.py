"""Factorisation gap: do the two ways to write one joint probability agree?"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from bothways.batches.tokenizers import Tokenizer
from bothways.cross_entropy import parts
from bothways.mechanisms.base import Probe
from bothways.mechanisms.contexts import Asker, tested_pairs
from bothways.tensors import LanguageModel, Objective
from bothways.types import Exam, Finding

ROWS = 16
"""Texts asked at once: the logits of all their entities' tokens exist together."""


@dataclass(frozen=True, kw_only=True)
class FactorisationGap(Probe):
    """|log p(A) p(B|A) - log p(B) p(A|B)| in nats, from the objective's own conditionals.

    `between_texts` asks left to right, as every objective answers: p(A) and p(B|A) in "A R B", p(B) and p(A|B) in "B
    R' A". p(A) there is the probability of A at its place, given what the text says before it (nothing, where it
    begins with A) and, for masked objectives, with everything after it masked; the words of the relation are given,
    not scored.
    `within_a_text` stays in "A R B" and restores its two entities in both orders, everything else being seen:
    p(A) is asked with both masked. Only a bidirectional reader of masks can do that. An entity of several tokens is
    restored from left to right. Both would be 0 for a reader whose conditionals belong to one joint distribution in
    which the two texts are equally likely; a bijection learned one way only has log p(B|A) near 0 and log p(A|B) near
    -log n.

    Source: the factorization curse, Kitouni et al., arXiv 2406.05183, as a gap between the two factorisations; the
    conditionals of Jeon et al., arXiv 2602.02133. Differs from them by: both orders are asked of one model.
    """

    max_pairs: int = 200
    """Facts looked at, from the first."""

    def __call__(self, model: LanguageModel, objective: Objective, tokenizer: Tokenizer, exam: Exam) -> Finding:
        """Return the mean log-probabilities and gaps; the gap is a mean of absolute values, `signed` of differences."""
        asker, pairs = Asker.of(model, objective, tokenizer, exam), tested_pairs(exam, self.max_pairs)
        stated = asker.rows([(pair.stated, pair.fact) for pair in pairs])
        opposite = asker.rows([(pair.opposite, pair.fact) for pair in pairs])
        with torch.inference_mode():
            found = {
                "between_texts": (
                    *left_to_right(model, objective, *stated),
                    *left_to_right(model, objective, *opposite),
                )
            }
            if asker.fills_in and not asker.causal:
                found["within_a_text"] = (*in_order(model, *stated, (0, 1)), *in_order(model, *stated, (1, 0)))
        rows, numbers = [], {}
        for name, (first_N, last_of_first_N, last_N, first_of_last_N) in found.items():
            gap_N = first_N + last_of_first_N - last_N - first_of_last_N
            columns = {
                "first": first_N, "last_given_first": last_of_first_N,
                "last": last_N, "first_given_last": first_of_last_N,
                "signed": gap_N, "gap": gap_N.abs(),
            }  # fmt: skip
            rows.append({"asked": name, **{key: column_N.mean().item() for key, column_N in columns.items()}})
            numbers |= {f"{name}_{key}": rows[-1][key] for key in ("gap", "signed")}
        summary = ", ".join(f"{row['asked'].replace('_', ' ')} {row['gap']:.2f} nats" for row in rows)
        return Finding("factorisation_gap", summary, tuple(rows), numbers)


def left_to_right(
    model: LanguageModel, objective: Objective, tokens_NL: Int[Tensor, "N L"], entity_NL: Int[Tensor, "N L"]
) -> tuple[Float[Tensor, " N"], Float[Tensor, " N"]]:
    """Return log p of a text's first entity, and of its second after everything before it."""
    some = parts(len(tokens_NL), ROWS)
    log_prob_NL = torch.cat([objective.log_prob(model, tokens_NL[i], entity_NL[i] >= 0) for i in some]).double()
    return (log_prob_NL * (entity_NL == 0)).sum(1), (log_prob_NL * (entity_NL == 1)).sum(1)


def in_order(
    model: LanguageModel, tokens_NL: Int[Tensor, "N L"], entity_NL: Int[Tensor, "N L"], order: tuple[int, int]
) -> tuple[Float[Tensor, " N"], Float[Tensor, " N"]]:
    """Return log p of one entity with both masked, then of the other with the one restored."""
    masked_NL, found = entity_NL >= 0, list[Tensor]()
    for entity in order:
        own_NL, some = entity_NL == entity, parts(len(tokens_NL), ROWS)
        found.append(torch.cat([restored(model, tokens_NL[i], masked_NL[i], own_NL[i]) for i in some]))
        masked_NL = masked_NL & ~own_NL
    return found[0], found[1]


def restored(
    model: LanguageModel,
    tokens_NL: Int[Tensor, "N L"],
    masked_NL: Bool[Tensor, "N L"],
    asked_NL: Bool[Tensor, "N L"],
) -> Float[Tensor, " N"]:
    """Return log p of the asked tokens of each row, restored from left to right."""
    total_N = torch.zeros(len(tokens_NL), dtype=torch.float64)
    turn_NL = asked_NL.cumsum(1) * asked_NL
    for turn in range(1, int(turn_NL.max()) + 1):
        row_M, place_M = (turn_NL == turn).nonzero(as_tuple=True)
        open_ML = masked_NL[row_M] & ~(asked_NL & (turn_NL < turn))[row_M]
        hidden_MLD = model.hidden(tokens_NL[row_M].masked_fill(open_ML, model.special.mask), causal=False)
        log_prob_MV = model.unembed(hidden_MLD[torch.arange(len(row_M)), place_M]).float().log_softmax(-1).cpu()
        total_N[row_M] += log_prob_MV.gather(1, tokens_NL[row_M, place_M, None])[:, 0].double()
    return total_N
