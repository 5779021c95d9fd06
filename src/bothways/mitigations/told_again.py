"""Where paraphrases come from that are not made from templates: a file, or a language model that is asked."""

import abc
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bothways.batches.tokenizers import find_entities
from bothways.errors import BothwaysError
from bothways.facts.readers.lines import read_lines, short, show_path
from bothways.text.assistant import answer
from bothways.types import Document

Said = Mapping[str, Sequence[str]]
"""Paraphrases by text."""

BULLET = re.compile(r"\s*(?:\(?\d+[.):]|[-*\u2022])\s+")
PROMPT = """Write {n} sentences that say the same as the sentence below in other words, one on each line. {order} Copy \
every name and every number as it is, and add nothing.

Sentence: {text}
In other words:"""
ORDERS = {
    "same": "Keep the order in which things are told.",
    "permuted": "In half of them, tell things in another order than the sentence does.",
}


class Source(abc.ABC):
    """Gives paraphrases of texts."""

    @abc.abstractmethod
    def of(self, documents: Sequence[Document], n: int, order: str) -> Said:
        """Return paraphrases of every document's text.

        Args:
            documents: what is said again.
            n: how many are wanted of each; there may be more or fewer.
            order: whether all are to tell things in the same order, or half of them in another (`permuted`).

        Raises:
            BothwaysError: there are none.
        """


@dataclass(frozen=True, kw_only=True)
class OnFile(Source):
    """A JSONL file with `text` and `paraphrases` for every document."""

    file: str

    def of(self, documents: Sequence[Document], n: int, order: str) -> Said:
        """Return what the file gives.

        Raises:
            BothwaysError: the file cannot be read, or gives nothing for some text.
        """
        given = read_paraphrases(Path(self.file))
        missing = [document.text for document in documents if document.text not in given]
        if missing:
            raise BothwaysError(
                f"{self.file} gives no paraphrases of {len(missing)} texts, such as {short(missing[0])}. "
                "Add a line for each."
            )
        return given


@dataclass(frozen=True, kw_only=True)
class Asked(Source):
    """A causal language model that is asked to say every text in other words.

    What it writes counts only if it names all that the text names, and is another text. A text of which the model
    wrote nothing usable stays alone.

    Source: the paraphrases of Pan et al., arXiv 2510.09885 (order kept, or permuted at every level). Differs from it
    by: a prompt of our own, any model will do, and its answers are checked by rule instead of by hand.
    """

    model: str
    """Folder or name of the model."""

    def of(self, documents: Sequence[Document], n: int, order: str) -> Said:
        """Return what the model wrote.

        Raises:
            BothwaysError: the model cannot be loaded, or wrote nothing usable of any text.
        """
        said = {document.text: self.about(document, n, order) for document in documents}
        if not any(said.values()):
            raise BothwaysError(
                f"{self.model} wrote no paraphrase with all the names of its text, of {len(said)} texts such as "
                f"{short(next(iter(said), ''))}. Ask a larger model, or give paraphrases:file=FILE."
            )
        return said

    def about(self, document: Document, n: int, order: str) -> Sequence[str]:
        """Return the usable paraphrases of one document, each once."""
        question = PROMPT.format(n=n, order=ORDERS[order], text=" ".join(document.text.split()))
        lines = [BULLET.sub("", line, count=1).strip() for line in self.written(question, document.text, n)]
        named = {span.entity for span in document.entities if span.entity}
        whole = [line for line in lines if named <= {span.entity for span in find_entities(line, sorted(named))}]
        return [line for line in dict.fromkeys(whole) if line and line != document.text]

    def written(self, question: str, text: str, n: int) -> Sequence[str]:
        """Return the lines that the model writes."""
        return answer(self.model, question, text, n).splitlines()


def read_paraphrases(path: Path) -> Said:
    """Read `{"text": ..., "paraphrases": [...]}` objects, one a line.

    Raises:
        BothwaysError: the file cannot be read, or a line is no such object; the message names it.
    """
    found: dict[str, list[str]] = {}
    for number, line in read_lines(path):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            text, given = row["text"], row["paraphrases"]
        except (ValueError, LookupError, TypeError, RecursionError):
            text, given = None, None
        if not isinstance(text, str) or not isinstance(given, list) or not all(isinstance(p, str) for p in given):
            raise BothwaysError(
                f'{show_path(path)}, line {number}: not {{"text": ..., "paraphrases": [...]}}, got {short(line)}. '
                "Write one such object a line."
            )
        found.setdefault(text, []).extend(p for p in given if p.strip())
    return found
