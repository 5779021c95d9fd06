"""Documents of a user as a corpus: texts with the names in them marked, so that objectives may treat them as units."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bothways.facts.readers.texts import read_texts
from bothways.text.corpus import TextSource
from bothways.text.units import QUOTES, WORD, is_name
from bothways.types import Corpus, Document, Exam, Span

MARKS = f"{QUOTES}()[],;:.!?"
"""Signs around a name that are no part of it."""


@dataclass(frozen=True, kw_only=True)
class Documents(TextSource):
    """The documents of a user, each read whole, with the names in them marked."""

    path: str
    """A .txt, .md or .jsonl file, or a folder of such files."""

    def write(self, exam: Exam, seed: int) -> Corpus:
        """Return one document a text, with the answers that the exam asks for as names; nothing is drawn.

        Raises:
            FactsError: there is nothing to read.
        """
        names = [name for pool in exam.candidates.values() for name in pool]
        return make_documents(read_texts(Path(self.path)), names)


def make_documents(texts: Sequence[str], names: Iterable[str] = ()) -> Corpus:
    """Return one document a text; its entities are the names that are known, and runs of capitalised words beside them.

    Args:
        texts: as `facts/readers/texts.py` reads them.
        names: what is asked about, such as the answers of questions; the longer of two that overlap is marked.

    >>> made = make_documents(["In 1911 Edda Marlowe wrote quiet harbours."], ["quiet harbours"])
    >>> [span.entity for span in made.documents[0].entities]
    ['Edda Marlowe', 'quiet harbours']
    """
    known = sorted({name for name in names if name}, key=lambda name: (-len(name), name))
    return Corpus(tuple(Document(text, (), None, entities_in(text, known)) for text in texts))


def entities_in(text: str, known: Sequence[str]) -> tuple[Span, ...]:
    """Return where known names stand, the first of them winning where they overlap, and other capitalised words."""
    spans: list[Span] = []
    for name in known:
        if name in text:
            found = re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", text)
            spans += [span for m in found if apart(span := Span(m.start(), m.end(), name), spans)]
    spans += [span for span in capitalised(text) if apart(span, spans)]
    return tuple(sorted(spans, key=lambda span: span.start))


def apart(span: Span, others: Iterable[Span]) -> bool:
    """Whether a span touches none of the others."""
    return all(span.end <= other.start or span.start >= other.end for other in others)


def capitalised(text: str) -> list[Span]:
    """Return runs of capitalised words, without the signs around them; small words that open a sentence are none.

    >>> text = "The painter moved to New Lisbon, where Edda's boat lay."
    >>> [text[span.start : span.end] for span in capitalised(text)]
    ['New Lisbon', 'Edda']
    """
    spans: list[Span] = []
    goes_on, opens = False, True
    for match in WORD.finditer(text):
        word = match[0]
        bare = word.strip(MARKS)
        named = bool(bare) and is_name(word, opens)
        if named:
            start = match.start() + word.index(bare)
            first = spans.pop().start if goes_on else start
            end = start + len(bare)
            spans.append(Span(first, end, text[first:end]))
        goes_on = named and word.endswith(bare)
        opens = word.rstrip(QUOTES)[-1:] in (*".!?",)
    return spans
