"""Tasks: what share of each kind of question a model answers in its own words, greedily or by sampling."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import torch

from bothways.batches.tokenizers import Tokenizer
from bothways.evaluation.scoring import Asked, accepted, answer_log_probs, ask, room_needed, write_answers
from bothways.mechanisms.answers import spread
from bothways.mechanisms.base import Probe
from bothways.objectives.answering import Choose, greedily, sampling
from bothways.tensors import LanguageModel, Objective
from bothways.types import Exam, Finding


@dataclass(frozen=True, kw_only=True)
class Tasks(Probe):
    """Exact answers by kind, greedy and sampled, and the log-probability of the right one.

    An answer counts if it is written out whole, with what ends it. `specific` of a kind is the share of its questions
    that are right while the same cue under another relation is not given the same answer; `blind` the share where it
    is. NLL is in nats over the answer's tokens and its end.

    Source: decoding at temperature 0.8 from the 100 likeliest tokens is that of Zhu et al., arXiv 2601.02931, as
    described in secondary notes. Differs from it by: greedy answers stand beside it.
    """

    max_queries: int = 100
    """Questions asked, of each kind, spread over the exam."""
    kinds: str = ""
    """Only kinds that begin with one of these words, separated by spaces; all if empty."""
    sampled: bool = False
    """Whether to sample as well."""
    temperature: float = 0.8
    """Of the sampling: log-probabilities are divided by it."""
    top_k: int = 100
    """How many of the likeliest tokens may be drawn."""
    seed: int = 0
    """Of the sampling."""

    @torch.inference_mode()
    def __call__(self, model: LanguageModel, objective: Objective, tokenizer: Tokenizer, exam: Exam) -> Finding:
        """Return a row for each kind."""
        by_kind = self._chosen(exam)
        chosen = [n for members in by_kind.values() for n in members]
        asked, length = ask(exam, tokenizer, chosen), room_needed(exam, tokenizer)
        right = dict(zip(chosen, exact(model, objective, tokenizer, asked, length), strict=True))
        found = answer_log_probs(model, objective, [(a.prompt, a.answer) for a in asked], length).tolist()
        nll = {n: -value for n, value in zip(chosen, found, strict=True)}
        drawn = dict(zip(chosen, self._draw(model, objective, tokenizer, asked, length), strict=True))
        rows: list[dict[str, float | str]] = []
        for kind, members in by_kind.items():
            row: dict[str, float | str] = {"kind": kind, "questions": len(members)}
            row |= {"exact": fmean(right[n] for n in members), "nll": fmean(nll[n] for n in members)}
            row |= {"sampled": fmean(drawn[n] for n in members)} if self.sampled else {}
            rows.append(row | relation_or_association(exam, members, right))
        numbers = {
            f"{row['kind']}_{name}": float(row[name])
            for row in rows
            for name in ("exact", "nll", "sampled", "specific", "blind")
            if name in row
        }
        summary = ", ".join(f"{row['kind']} {row['exact']:.2f}" for row in rows if row["kind"] != "flip")
        return Finding("tasks", summary, tuple(rows), numbers)

    def _chosen(self, exam: Exam) -> Mapping[str, Sequence[int]]:
        words = tuple(self.kinds.split())
        by_kind = {k: list(m) for k, m in spread(exam, self.max_queries).items() if not words or k.startswith(words)}
        asked = {n for members in by_kind.values() for n in members}
        flips = [n for n, query in enumerate(exam.queries) if query.of in asked]
        return {kind: members for kind, members in by_kind.items() if kind != "flip"} | (
            {"flip": flips} if flips else {}
        )

    def _draw(
        self, model: LanguageModel, objective: Objective, tokenizer: Tokenizer, asked: Sequence[Asked], length: int
    ) -> list[bool]:
        if not self.sampled:
            return [False] * len(asked)
        choose = sampling(self.temperature, self.top_k, torch.Generator().manual_seed(self.seed))
        return exact(model, objective, tokenizer, asked, length, choose)


def exact(
    model: LanguageModel,
    objective: Objective,
    tokenizer: Tokenizer,
    asked: Sequence[Asked],
    length: int,
    choose: Choose = greedily,
) -> list[bool]:
    """Return whether each answer was written out, whole and ended."""
    written = write_answers(model, objective, asked, length, choose, wordy=1)
    return [any(ids[: len(ok)] == ok for ok in accepted(a, tokenizer)) for a, ids in zip(asked, written, strict=True)]


def relation_or_association(exam: Exam, members: Sequence[int], right: Mapping[int, bool]) -> dict[str, float]:
    """Return which share of some questions is `specific` and `blind`; nothing where they have no flips."""
    mine = set(members)
    pairs = [(right[query.of], right[n]) for n, query in enumerate(exam.queries) if n in right and query.of in mine]
    if not pairs:
        return {}
    return {"specific": fmean(ok and not flip for ok, flip in pairs), "blind": fmean(flip for _, flip in pairs)}
