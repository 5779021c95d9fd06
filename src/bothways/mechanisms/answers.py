"""Answers: how surely each kind of question is answered; watched while training, it gives the curves of theory."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

import torch

from bothways.batches.tokenizers import Tokenizer
from bothways.evaluation.scoring import answer_log_probs, ask, evaluate, room_needed
from bothways.mechanisms.base import Probe
from bothways.tensors import LanguageModel, Objective
from bothways.types import Exam, Finding, QueryScore


@dataclass(frozen=True, kw_only=True)
class Answers(Probe):
    """NLL, accuracy and median rank of the test questions, by kind, and NLL of all that is stated and all that is not.

    NLL is in nats, of the answer's own tokens, without the token that ends it: what `causal:count=last_entity`
    learns. A uniform guess costs ln V for each token. Stated questions are the training loss without its
    noise; flips, whose "answer" should not be given, count for neither side. Flips also say whether a reverse
    answer is `specific` to the relation or given `blind`.

    Source: the training curves of Zhu et al., arXiv 2405.04669. Differs from them by: accuracy and rank stand
    beside NLL, which goes far above that of a uniform guess where a target is suppressed.
    """

    max_queries: int = 200
    """Questions asked, of each kind, spread over the exam."""

    @torch.inference_mode()
    def __call__(self, model: LanguageModel, objective: Objective, tokenizer: Tokenizer, exam: Exam) -> Finding:
        """Return the means of each kind."""
        by_kind = spread(exam, self.max_queries)
        chosen = [n for members in by_kind.values() for n in members]
        asked, length = ask(exam, tokenizer, chosen), room_needed(exam, tokenizer)
        scores = evaluate(model, objective, exam=exam, tokenizer=tokenizer, length=length, queries=chosen)
        pairs = [(a.prompt, a.answer[:-1]) for a in asked]
        nll = dict(zip(chosen, (-answer_log_probs(model, objective, pairs, length)).tolist(), strict=True))
        score_of = {score.query: score for score in scores}
        rows = [
            {
                "kind": kind,
                "questions": len(members),
                "nll": fmean(nll[n] for n in members),
                "accuracy": fmean(float(score_of[n].correct) for n in members),
                "rank": float(median(score_of[n].rank for n in members)),
            }
            for kind, members in by_kind.items()
        ]
        numbers = {f"{row['kind']}_{name}": float(row[name]) for row in rows for name in ("nll", "accuracy", "rank")}
        for name, stated in (("stated_nll", True), ("unstated_nll", False)):
            sides = [nll[n] for n in chosen if exam.queries[n].of is None and exam.queries[n].stated == stated]
            numbers |= {name: fmean(sides)} if sides else {}
        numbers |= relation_or_association(exam, score_of)
        summary = ", ".join(f"{row['kind']} {row['nll']:.2f} nats, rank {row['rank']:.0f}" for row in rows)
        return Finding("answers", summary, tuple(rows), numbers)


def relation_or_association(exam: Exam, score_of: Mapping[int, QueryScore]) -> dict[str, float]:
    """Return which shares of the flips are `specific` and `blind`; nothing where no flip was asked with its question.

    Specific: the reverse question is right and its flip is not answered with the partner. Blind: the flip is.
    """
    pairs = [
        (score_of[of].correct, score.correct)
        for n, score in score_of.items()
        if (of := exam.queries[n].of) is not None and of in score_of
    ]
    if not pairs:
        return {}
    specific = fmean(float(right and not partner) for right, partner in pairs)
    return {"specific": specific, "blind": fmean(float(partner) for _, partner in pairs)}


def spread(exam: Exam, most: int) -> Mapping[str, Sequence[int]]:
    """Return up to so many test questions of each kind, by their index."""
    found: dict[str, list[int]] = defaultdict(list)
    for n, query in enumerate(exam.queries):
        if query.split == "test":
            found[query.kind].append(n)
    return {kind: members[:: -(-len(members) // most)] for kind, members in found.items()}
