"""Partner lens: after which block is the asked partner ahead of the other one, and of all tokens?"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from bothways.batches.batches import query_tokens
from bothways.batches.tokenizers import Tokenizer
from bothways.cross_entropy import parts
from bothways.evaluation.scoring import room_needed
from bothways.mechanisms.asked_stream import asked_stream, by_kind
from bothways.mechanisms.base import Probe
from bothways.mechanisms.contexts import ROWS
from bothways.tensors import LanguageModel, Objective
from bothways.types import Exam, Finding, Query


@dataclass(frozen=True, kw_only=True)
class PartnerLens(Probe):
    """Probability, rank and lead of an answer's first token, read off the stream after every block, by kind.

    `rank` is the median over questions among the whole vocabulary, `reciprocal_rank` the mean of 1 / rank, both with
    first tokens of other true answers set aside. `margin` is how much likelier the answer is than its rival, in nats,
    and `ahead` the share of questions in which it is likelier; who answers by association alone is ahead in half of
    them. Rivals are the other partners of the given entity that the question's pool holds, the likeliest of them
    counting. A question whose answer begins with the same token as a rival is left out; where none has a rival there
    is no margin.

    Source: the layer-wise signal of Zhu et al., arXiv 2601.02931, whose method is not public, read as a logit lens
    (nostalgebraist 2020). Differs from it by: the rival, which tells the relation from association.
    """

    max_queries: int = 100
    """Questions looked at, of each kind, spread over the exam."""
    kinds: str = ""
    """Only kinds that begin with one of these words, separated by spaces; all but the flips if empty."""

    def __call__(self, model: LanguageModel, objective: Objective, tokenizer: Tokenizer, exam: Exam) -> Finding:
        """Return a row for each kind and number of blocks; as numbers, `kind_blocks_name`.

        Raises:
            BothwaysError: no kind of question begins with the words given, or the model shows no stream.
        """
        partners_of, length = partners(exam), room_needed(exam, tokenizer)
        rows: list[Mapping[str, float | str]] = []
        for kind, members in by_kind(exam, self.kinds, self.max_queries).items():
            asked = [first_tokens(exam, exam.queries[n], partners_of, tokenizer) for n in members]
            asked = [one for one in asked if one.answer not in one.rivals]
            if asked:
                stream_AND = asked_stream(model, objective, [one.prompt for one in asked], length)
                rows += [{"kind": kind, "blocks": depth, "questions": len(asked), **read_off(model, stream_ND, asked)}
                         for depth, stream_ND in enumerate(stream_AND)]  # fmt: skip
        names = ("probability", "rank", "reciprocal_rank", "margin", "ahead")
        numbers = {f"{row['kind']}_{row['blocks']}_{n}": float(row[n]) for row in rows for n in names if n in row}
        best = {str(row["kind"]): row for row in sorted(rows, key=lambda row: row["reciprocal_rank"])}
        summary = ", ".join(f"{k} at rank {row['rank']:.0f} after {row['blocks']} blocks" for k, row in best.items())
        return Finding("partner_lens", summary, tuple(rows), numbers)


@dataclass(frozen=True, slots=True)
class FirstTokens:
    """A question by what its possible answers begin with."""

    prompt: list[int]
    answer: int
    rivals: frozenset[int]
    """Of the given entity's other partners, false here."""
    aside: frozenset[int]
    """Of other true answers, where they begin otherwise."""


def partners(exam: Exam) -> Mapping[str, frozenset[str]]:
    """Return with whom each entity shares a fact."""
    found: dict[str, set[str]] = defaultdict(set)
    for fact in exam.facts.facts:
        found[fact.head].add(fact.tail)
        found[fact.tail].add(fact.head)
    return {name: frozenset(others) for name, others in found.items()}


def rivals(exam: Exam, query: Query, partners_of: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """Return the other partners of the entity that a question gives, among its candidates; they are false answers.

    In the world of graphs there is one: the answer of the question's flip.
    """
    given = query.cue.entity or query.prompt[query.cue.start : query.cue.end]
    others = partners_of.get(given, frozenset()) & frozenset(exam.candidates[query.candidates])
    return others - {query.answer, *query.aliases, *query.other_truths}


def first_tokens(
    exam: Exam, query: Query, partners_of: Mapping[str, frozenset[str]], tokenizer: Tokenizer
) -> FirstTokens:
    """Return a question's prompt and the first tokens of its answer, rivals and other truths."""
    prompt, answer = query_tokens(query, query.answer, tokenizer)

    def begin(names: frozenset[str]) -> frozenset[int]:
        return frozenset(tokenizer.entity_pieces(name)[0][0] for name in names)

    true = begin(frozenset((*query.aliases, *query.other_truths))) - {answer[0]}
    return FirstTokens(prompt, answer[0], begin(rivals(exam, query, partners_of)), true)


@torch.inference_mode()
def read_off(
    model: LanguageModel, stream_ND: Float[Tensor, "N D"], asked: Sequence[FirstTokens]
) -> Mapping[str, float]:
    """Return what one depth's stream says of the answers, over the questions; a margin only where there are rivals."""
    probability, rank, margin = list[Tensor](), list[Tensor](), list[Tensor]()
    for rows in parts(len(asked), ROWS):
        logit_BV = model.unembed(model.lens(stream_ND[rows][:, None])[:, 0])
        log_prob_BV, some = logit_BV.float().log_softmax(-1).cpu(), asked[rows]
        answer_B = torch.tensor([one.answer for one in some])
        own_B = log_prob_BV.gather(1, answer_B[:, None])[:, 0]
        probability.append(own_B.exp())
        rank.append(ranks(log_prob_BV, answer_B, marked([one.aside for one in some], log_prob_BV.shape[1])))
        rival_BV = marked([one.rivals for one in some], log_prob_BV.shape[1])
        lead_B = own_B - log_prob_BV.masked_fill(~rival_BV, -torch.inf).amax(1)
        margin.append(lead_B[rival_BV.any(1)])
    rank_N, margin_N = torch.cat(rank).double(), torch.cat(margin).double()
    found = {
        "probability": torch.cat(probability).double().mean().item(),
        "rank": rank_N.quantile(0.5).item(),
        "reciprocal_rank": (1 / rank_N).mean().item(),
    }
    if len(margin_N):
        ahead_N = (margin_N > 0).double() + 0.5 * (margin_N == 0).double()
        spread = margin_N.std(correction=0).item()
        found |= {"margin": margin_N.mean().item(), "margin_sd": spread, "ahead": ahead_N.mean().item()}
    return found


def ranks(
    score_NV: Float[Tensor, "N V"], answer_N: Int[Tensor, " N"], aside_NV: Bool[Tensor, "N V"]
) -> Float[Tensor, " N"]:
    """Return each answer's rank from 1 among all tokens but those set aside, ties averaged.

    Where a score is no number the rank is the last one.

    >>> ranks(torch.tensor([[3.0, 2.0, 2.0, 1.0]]), torch.tensor([1]), torch.tensor([[True, False, False, False]]))
    tensor([1.5000])
    """
    own_N1 = score_NV.gather(1, answer_N[:, None])
    above_N = ((score_NV > own_N1) & ~aside_NV).sum(1)
    level_N = ((score_NV == own_N1) & ~aside_NV).sum(1) - 1
    rank_N = 1 + above_N + 0.5 * level_N
    return torch.where(score_NV.isnan().any(1), float(score_NV.shape[1]), rank_N)


def marked(ids: Sequence[frozenset[int]], n_tokens: int) -> Bool[Tensor, "N V"]:
    """Return which tokens are among each row's."""
    out_NV = torch.zeros(len(ids), n_tokens, dtype=torch.bool)
    for row, chosen in enumerate(ids):
        out_NV[row, list(chosen)] = True
    return out_NV
