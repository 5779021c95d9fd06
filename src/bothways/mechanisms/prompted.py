"""Prompted: the same questions with something before them: two solved questions, or the fact itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import torch

from bothways.batches.tokenizers import Tokenizer
from bothways.evaluation.scoring import Asked, ask
from bothways.facts.prompts import with_context
from bothways.mechanisms.answers import spread
from bothways.mechanisms.base import Probe
from bothways.mechanisms.tasks import exact
from bothways.tensors import LanguageModel, Objective
from bothways.types import Exam, Finding, Query

SIDES = ("forward", "reverse_tested")
"""Kinds that are asked."""
SEED = 0
"""Draws the other fact that is stated."""


@dataclass(frozen=True, kw_only=True)
class Prompted(Probe):
    """Right answers by kind: alone (`nothing`), after solved questions (`two_shot`), and after the fact (`fact`).

    Solved questions are other ones of the same kind, each a turn of its own where a chat is asked. Beside the fact
    another one of its relation is stated, in the order of the text, in the question's own turn: whoever answers then
    has read it off. An answer counts if it is written out, greedily, with what ends it.

    Source: two examples, Pan et al., arXiv 2510.09885, table 9; the fact in context, Lin et al., arXiv 2410.18808.
    Differs from them by: our examples are of the same relation and direction; no choice of answers is offered.
    """

    shots: int = 2
    """Solved questions."""
    max_queries: int = 50
    """Questions asked, of each kind, spread over the exam."""

    @torch.inference_mode()
    def __call__(self, model: LanguageModel, objective: Objective, tokenizer: Tokenizer, exam: Exam) -> Finding:
        """Return the shares, and a row for each kind."""
        told = with_context(exam, SEED)
        chosen, beside = (spread(one, self.max_queries) for one in (exam, told))
        rows: list[dict[str, float | str]] = []
        for kind in SIDES:
            if kind not in chosen:
                continue
            alone = ask(exam, tokenizer, chosen[kind])
            asked = {
                "nothing": alone,
                "two_shot": [self.after_examples(a, exam, tokenizer) for a in alone],
                "fact": ask(told, tokenizer, beside[kind]),
            }
            found = {name: right(model, objective, tokenizer, those) for name, those in asked.items()}
            rows.append({"kind": kind, "questions": len(alone), **found})
        numbers = {
            f"{row['kind']}_{name}": float(row[name]) for row in rows for name in ("nothing", "two_shot", "fact")
        }
        summary = ", ".join(f"{name} {value:.2f}" for name, value in numbers.items())
        return Finding("prompted", summary, tuple(rows), numbers)

    def after_examples(self, asked: Asked, exam: Exam, tokenizer: Tokenizer) -> Asked:
        """Return a question with solved ones before it, of its relation where there are enough."""
        here, n = asked.query, len(exam.facts.facts)
        same = [q for q in exam.queries if q.kind == here.kind and q.fact != here.fact]
        same.sort(key=lambda q: (q.relation != here.relation, (q.fact - here.fact) % n))
        turns = [token for query in same[: self.shots] for token in solved(query, tokenizer)]
        at = int(asked.prompt[0] == tokenizer.special.begin)
        return Asked(asked.index, here, [*asked.prompt[:at], *turns, *asked.prompt[at:]], asked.answer)


def solved(query: Query, tokenizer: Tokenizer) -> list[int]:
    """Return a question with its answer and its end as token ids, without what begins a row."""
    prompt = tokenizer.asked(query.prompt, query.cue)
    at = int(prompt[0] == tokenizer.special.begin)
    answer = [token for token, _ in tokenizer.answer_pieces(query.answer)]
    return [*prompt[at:], *answer, tokenizer.special.end]


def right(model: LanguageModel, objective: Objective, tokenizer: Tokenizer, asked: Sequence[Asked]) -> float:
    """Return the share of answers that are written out."""
    length = max(len(a.prompt) + len(a.answer) for a in asked)
    return fmean(exact(model, objective, tokenizer, asked, length))
