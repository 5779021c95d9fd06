"""An exam of questions about documents: which way each asks is read off the order of the text.

A question is `forward` if documents name what it gives before the answer, and `reverse_tested` if after. Its words
decide together, each as much as it belongs to the answer: by the square of the share of its documents that hold the
answer too. So names and numbers decide, and "the" or "known" do not. Where the words stand on both sides, or no
document holds the answer, the question is `unclear`, counted apart and told of.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from bothways.facts.readers.qa import Asked
from bothways.facts.strata import shuffled
from bothways.types import Asks, Exam, Fact, FactSet, Query, Relation, Span, Split

CLEAR = 0.75
"""Share of the cue's weight that must stand on one side of the answer."""
ANSWERS = Relation("question", head_first=("{head} {tail}",), tail_first=("{tail} {head}",))
KINDS: Mapping[Asks, str] = {"tail": "forward", "head": "reverse_tested"}
UNCLEAR = "unclear"
WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Found:
    """Where the answer to a question stands."""

    text: int
    """Index of the document that holds the answer and most of the cue."""
    before: float
    """Share of the cue's weight that stands before the answer, in all documents that hold it."""

    @property
    def asks(self) -> Asks | None:
        """Which side is asked for, or None where that is unclear."""
        return "tail" if self.before >= CLEAR else "head" if self.before <= 1 - CLEAR else None


@dataclass(frozen=True)
class Texts:
    """Documents, looked up by their words."""

    texts: Sequence[str]

    @cached_property
    def low(self) -> list[str]:
        """The documents in small letters."""
        return [text.lower() for text in self.texts]

    @cached_property
    def first(self) -> list[dict[str, int]]:
        """Where each word of a document first stands."""
        found: list[dict[str, int]] = []
        for text in self.low:
            places: dict[str, int] = {}
            for match in WORD.finditer(text):
                places.setdefault(match[0], match.start())
            found.append(places)
        return found

    @cached_property
    def holding(self) -> Counter[str]:
        """How many documents hold each word."""
        return Counter(word for places in self.first for word in places)

    def find(self, question: str, answers: Sequence[str]) -> Found | None:
        """Return where a question's answer stands; None if no document holds it with a word of the question.

        >>> texts = Texts(["Ann Lee wrote Time.", "The sea is wide."])
        >>> texts.find("Who wrote Time?", ["Ann Lee"]).asks, texts.find("What did Ann Lee write?", ["Time"]).asks
        ('head', 'tail')
        """
        taken = {word for answer in answers for word in WORD.findall(answer.lower())}
        cue = [word for word in dict.fromkeys(WORD.findall(question.lower())) if word not in taken]
        holds = {n: at for n, text in enumerate(self.low) if (at := first_of(answers, text)) >= 0}
        together = Counter(word for n in holds for word in cue if word in self.first[n])
        weight = {word: (n / self.holding[word]) ** 2 for word, n in together.items()}
        before = total = 0.0
        best: tuple[float, int] | None = None
        for n, at in holds.items():
            here = {word: weight[word] for word in cue if word in self.first[n]}
            total += sum(here.values())
            before += sum(one for word, one in here.items() if self.first[n][word] < at)
            if here and (best is None or sum(here.values()) > best[0]):
                best = sum(here.values()), n
        return None if best is None else Found(best[1], before / total)


def first_of(answers: Sequence[str], text: str) -> int:
    """Return where the first of some spellings stands in a text of small letters, or -1."""
    return min((at for answer in answers if (at := place_of(answer.lower(), text)) >= 0), default=-1)


def place_of(name: str, text: str) -> int:
    """Return where a name first stands in a text as whole words, or -1."""
    if name not in text:
        return -1
    found = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text)
    return -1 if found is None else found.start()


def qa_exam(
    asked: Sequence[Asked], texts: Sequence[str], name: str, *, seed: int = 0, dev: float = 0.0
) -> tuple[Exam, tuple[str, ...]]:
    """Return an exam of questions, and for each the document that answers it ("" where none does).

    An answer's candidates are the answers of all questions that ask for the same side.

    Args:
        asked: the questions.
        texts: the documents.
        name: of the file, for its reader.
        seed: draws the development share.
        dev: share of the documents whose questions are kept for curves and choices.
    """
    known = Texts(texts)
    found = [known.find(one.question, one.answers) for one in asked]
    sides: list[Asks | None] = [side_of(one, place) for one, place in zip(asked, found, strict=True)]
    clusters = [place.text if place else len(texts) + n for n, place in enumerate(found)]
    splits = split_of(clusters, seed, dev)
    pools: dict[str, dict[str, None]] = defaultdict(dict)
    truths: dict[str, dict[str, None]] = defaultdict(dict)
    for one, side in zip(asked, sides, strict=True):
        pools[pool_of(side)][one.answers[0]] = None
        truths[one.question].update(dict.fromkeys(one.answers))
    queries = [
        Query(
            prompt=one.question,
            cue=Span(0, len(one.question), one.question),
            answer=one.answers[0],
            aliases=one.answers[1:],
            other_truths=tuple(
                other for other in pools[pool_of(side)] if other in truths[one.question] and other != one.answers[0]
            ),
            candidates=pool_of(side),
            fact=n,
            asks=side or "tail",
            stated=side == "tail",
            kind=one.kind or (KINDS[side] if side else UNCLEAR),
            split=splits[cluster],
            relation=ANSWERS.name,
            cluster=cluster,
        )
        for n, (one, side, cluster) in enumerate(zip(asked, sides, clusters, strict=True))
    ]
    facts = tuple(Fact(one.question, ANSWERS.name, one.answers[0], "head_first", one.answers[1:]) for one in asked)
    exam = Exam(
        facts=FactSet(name, facts, {ANSWERS.name: ANSWERS}, name),
        queries=tuple(queries),
        candidates={key: tuple(pool) for key, pool in pools.items()},
        withheld=(),
        leak="connected",
        notes=tuple(notes_of(queries, found)),
        seed=seed,
    )
    return exam, tuple(texts[place.text] if place else "" for place in found)


def side_of(asked: Asked, found: Found | None) -> Asks | None:
    """Return which side a question asks for: as its line says, else by the order in the documents, else None."""
    return asked.asks or (found.asks if found else None)


def pool_of(side: Asks | None) -> str:
    """Return the name of the pool of the answers on one side."""
    return f"asks {side or 'either'}"


def split_of(clusters: Sequence[int], seed: int, dev: float) -> dict[int, Split]:
    """Return the split of each document's questions."""
    mixed = shuffled(list(dict.fromkeys(clusters)), np.random.default_rng(seed))
    n_dev = min(round(dev * len(mixed)), max(len(mixed) - 1, 0))
    return {cluster: "dev" if place < n_dev else "test" for place, cluster in enumerate(mixed)}


def notes_of(queries: Sequence[Query], found: Sequence[Found | None]) -> list[str]:
    """Say which questions no document answers, and of which it is unclear what they ask for."""
    lost = sum(place is None for place in found)
    unclear = sum(query.kind == UNCLEAR for query in queries)
    notes = [f"{lost} of {len(queries)} questions are answered by no document."] if lost else []
    if unclear:
        notes.append(
            f"Of {unclear} questions it is unclear which way they ask; they are counted as {UNCLEAR}. "
            "Write asks to say it."
        )
    return notes


def with_texts(exam: Exam, texts: Sequence[str]) -> Exam:
    """Return an exam whose every question stands after the document that answers it; others are left out."""
    asked: list[Query] = []
    for query in exam.queries:
        if texts[query.fact]:
            before = f"{texts[query.fact]}\n"
            cue = replace(query.cue, start=query.cue.start + len(before), end=query.cue.end + len(before))
            asked.append(replace(query, prompt=f"{before}{query.prompt}", cue=cue))
    return replace(exam, queries=tuple(asked))
