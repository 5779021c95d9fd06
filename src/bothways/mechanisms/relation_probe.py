"""Relation probe: is it written in the stream which relation is asked for, and from which side?"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from bothways.batches.batches import query_tokens
from bothways.batches.tokenizers import Tokenizer
from bothways.errors import BothwaysError
from bothways.evaluation.scoring import room_needed
from bothways.mechanisms.asked_stream import asked_stream, by_kind
from bothways.mechanisms.base import Probe
from bothways.mechanisms.ridge import ridge_predict
from bothways.tensors import LanguageModel, Objective
from bothways.types import Exam, Finding, Query

SHUFFLES = 8
"""How often labels are shuffled; the control is the mean."""


@dataclass(frozen=True, kw_only=True)
class RelationProbe(Probe):
    """Accuracy of a linear classifier of what is asked, from the stream at the end of the prompt, by depth.

    Three labels. `direction`: which of an inverse pair the asked person is to the given one (parent or child), whatever
    the wording: "A's parent is" and "A is the child of" are the same. `role`: whether the partner by a symmetric
    relation is asked for, or the one by an inverse pair. `word`: which word of the pair stands in the prompt, the
    easy half of `direction`, for comparison. The classifier is a ridge regression to 1 and -1, fitted to questions
    about facts that training states in full and tested on others. `shuffled` is its accuracy when fitted to shuffled
    labels, `chance` that of the commonest label. `role` and `word` hang on one word of the prompt, so an untrained
    model shows most of them already; `direction` takes that word and its place in the sentence together. Compare with
    the model before training, and let no claim rest on `role` or `word` alone.

    Source: linear classifier probes (Alain and Bengio 2016), asked for the layers of Zhu et al., arXiv 2601.02931, who
    do not say how they look at them. Differs from it by: test questions are of other entities, and of other tasks.
    """

    fit: str = "memory_people"
    """Kinds to fit on: words that they begin with, separated by spaces."""
    tested: str = "logic context"
    """Kinds to test on: for each of these words, those that begin with it, together; left out where there are none."""
    max_queries: int = 400
    """Questions looked at, of each kind, spread over the exam."""
    ridge: float = 0.01
    """Penalty on the map, as a share of the stream's mean square."""
    seed: int = 0
    """Of the shuffling."""

    def __call__(self, model: LanguageModel, objective: Objective, tokenizer: Tokenizer, exam: Exam) -> Finding:
        """Return a row for each tested word, label and number of blocks; as numbers, `word_blocks_label`.

        Raises:
            BothwaysError: there is no kind to fit on, the model shows no stream, or no label has two questions of each
                sort to be fitted to.
        """
        known = self._look(model, objective, tokenizer, exam, self.fit)
        rows: list[Mapping[str, float | str]] = []
        kinds = {query.kind for query in exam.queries}
        for word in (word for word in self.tested.split() if any(kind.startswith(word) for kind in kinds)):
            asked = self._look(model, objective, tokenizer, exam, word)
            for name in LABELS:
                rows += [{"tested": word, "label": name, **row} for row in self._by_depth(known, asked, name)]
        if not rows:
            raise BothwaysError(
                f"A relation probe needs 2 questions of each sort, found none of kinds {self.fit!r} about a symmetric "
                "relation or an inverse pair. Ask more of the exam."
            )
        at = {f"{row['tested']}_{row['blocks']}_{row['label']}": row for row in rows}
        numbers = {name: float(row["accuracy"]) for name, row in at.items()}
        numbers |= {f"{name}_shuffled": float(row["shuffled"]) for name, row in at.items()}
        numbers |= {f"{row['tested']}_{row['label']}_chance": float(row["chance"]) for row in rows}
        best = {f"{row['tested']} {row['label']}": row for row in sorted(rows, key=lambda row: row["accuracy"])}
        summary = ", ".join(f"{k} {row['accuracy']:.2f} after {row['blocks']} blocks" for k, row in best.items())
        return Finding("relation_probe", summary, tuple(rows), numbers)

    def _look(
        self, model: LanguageModel, objective: Objective, tokenizer: Tokenizer, exam: Exam, kinds: str
    ) -> "Looked":
        chosen = by_kind(exam, kinds, self.max_queries).values()
        queries = [exam.queries[n] for members in chosen for n in members]
        prompts = [query_tokens(query, query.answer, tokenizer)[0] for query in queries]
        stream_AND = asked_stream(model, objective, prompts, room_needed(exam, tokenizer))
        labels = {name: [label(exam, query) for query in queries] for name, label in LABELS.items()}
        return Looked([stream_ND.float().cpu() for stream_ND in stream_AND], labels)

    def _by_depth(self, known: "Looked", asked: "Looked", name: str) -> list[Mapping[str, float | int]]:
        """Return a row for each number of blocks; none where there is too little to fit or nothing to test."""
        seen_AMD, label_M = known.of(name)
        asked_AND, truth_N = asked.of(name)
        if min(label_M.sum().item(), (~label_M).sum().item()) < 2 or len(truth_N) == 0:
            return []
        random = torch.Generator().manual_seed(self.seed)
        shuffled_MS = torch.stack([label_M[torch.randperm(len(label_M), generator=random)] for _ in range(SHUFFLES)], 1)
        target_MS = torch.where(torch.cat([label_M[:, None], shuffled_MS], 1), 1.0, -1.0)
        share = truth_N.double().mean().item()
        rows: list[Mapping[str, float | int]] = []
        for depth, (seen_MD, asked_ND) in enumerate(zip(seen_AMD, asked_AND, strict=True)):
            said_NS = ridge_predict(seen_MD, target_MS, asked_ND, self.ridge) > 0
            right_S = (said_NS == truth_N[:, None]).double().mean(0)
            rows.append({
                "blocks": depth, "fitted": len(label_M), "questions": len(truth_N), "accuracy": right_S[0].item(),
                "shuffled": right_S[1:].mean().item(), "chance": max(share, 1 - share),
            })  # fmt: skip
        return rows


def direction(exam: Exam, query: Query) -> bool | None:
    """Whether the asked entity is to the given one what the first word of an inverse pair says; None without a pair."""
    relation = exam.facts.relations[query.relation]
    asked = query.relation if query.asks == "tail" else relation.inverse
    return None if relation.inverse is None or asked is None else is_first(exam, asked)


def word(exam: Exam, query: Query) -> bool | None:
    """Whether the question says the first word of an inverse pair; None without a pair."""
    return is_first(exam, query.relation) if exam.facts.relations[query.relation].inverse is not None else None


def role(exam: Exam, query: Query) -> bool | None:
    """Whether a question is about a symmetric relation; None where it is about none and about no inverse pair."""
    relation = exam.facts.relations[query.relation]
    return relation.symmetric if relation.symmetric or relation.inverse is not None else None


LABELS: Mapping[str, Callable[[Exam, Query], bool | None]] = {"direction": direction, "role": role, "word": word}
"""What a question is sorted by; None where a label says nothing of it."""


def is_first(exam: Exam, name: str) -> bool:
    """Whether the exam lists a relation before its inverse."""
    names = list(exam.facts.relations)
    inverse = exam.facts.relations[name].inverse
    return inverse not in names or names.index(name) < names.index(inverse)


@dataclass(frozen=True)
class Looked:
    """Some questions: their stream, and what each is by every label."""

    stream: Sequence[Float[Tensor, "N D"]]
    """After each number of blocks."""
    labels: Mapping[str, Sequence[bool | None]]

    def of(self, name: str) -> tuple[Sequence[Float[Tensor, "M D"]], Bool[Tensor, " M"]]:
        """Return the stream of the questions that a label sorts, and how it sorts them."""
        kept = [n for n, label in enumerate(self.labels[name]) if label is not None]
        return [one[kept] for one in self.stream], torch.tensor([bool(self.labels[name][n]) for n in kept]).bool()
