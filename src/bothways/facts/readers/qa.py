"""Read questions with their answers: one JSON object a line.

    {"question": "Who wrote Quiet Harbours?", "answers": ["Edda Marlowe", "Marlowe"], "asks": "head", "kind": "generic"}

`asks` says which entity is wanted: `tail`, the one that the text names after what the question gives (forward), or
`head`, the one it names before (reverse). Without it the order in the documents decides (`facts/qa_exam.py`). `kind`
names a headline of its own. One answer may be given as `answer`, and `prompt` and `completion` are a question and its
answer, so the test files of the reversal curse are read as they are.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

from bothways.errors import FactsError
from bothways.facts.clean import tidy
from bothways.facts.readers.lines import read_lines, short, show_path
from bothways.facts.readers.texts import parse_line
from bothways.types import Asks

SIDES: tuple[Asks, Asks] = ("head", "tail")
FORM = '{"question": ..., "answers": [...]}'
LONGEST_KIND = 40
"""Most characters of a kind's name."""


class Asked(NamedTuple):
    """One line of the file."""

    question: str
    answers: tuple[str, ...]
    """The answer, and other spellings of it."""
    asks: Asks | None
    kind: str | None


def read_qa(path: Path) -> tuple[Asked, ...]:
    """Return the questions of a file.

    Raises:
        FactsError: it cannot be read, is empty, or a line is no question; the message names the line.
    """
    found: list[Asked] = []
    for number, line in read_lines(path):
        if line.strip():
            found.append(asked_of(parse_line(line, path, number), f"{show_path(path)}, line {number}"))
    if not found:
        raise FactsError(f"{show_path(path)} is empty. Write one question a line: {FORM}.")
    return tuple(found)


def asked_of(row: Mapping[str, Any], where: str) -> Asked:
    """Return the question of one object.

    Raises:
        FactsError: something is missing or of another form.
    """
    question = row.get("question", row.get("prompt"))
    answers = row.get("answers", row.get("answer", row.get("completion")))
    if question is None or answers is None:
        missing = "question" if question is None else "answers"
        raise FactsError(f"{where}: the key {missing!r} is missing, got {short(', '.join(row))}. Write {FORM}.")
    if not isinstance(question, str) or not tidy(question):
        raise FactsError(f"{where}: question must be text, got {short(question)}. Write it in quotes.")
    given: list[Any] = cast("list[Any]", answers) if isinstance(answers, list) else [answers]
    if not given or not all(isinstance(one, str) and bare(one) for one in given):
        raise FactsError(f"{where}: answers must be a list of texts, got {short(given)}. Write them in quotes.")
    asks, kind = row.get("asks"), row.get("kind")
    if asks is not None and asks not in SIDES:
        raise FactsError(f"{where}: asks must be head or tail, got {short(asks)}. Correct it or leave it out.")
    if kind is not None and (not isinstance(kind, str) or not kind.isidentifier() or len(kind) > LONGEST_KIND):
        raise FactsError(f"{where}: kind must be one word of letters and _, got {short(kind)}. Correct it.")
    return Asked(tidy(question), tuple(dict.fromkeys(map(bare, given))), asks, kind)


def bare(answer: str) -> str:
    """Return an answer without the marks that end a sentence.

    >>> bare(" Daphne Barrington. ")
    'Daphne Barrington'
    """
    return tidy(answer).rstrip(".,;:!? ")
