"""From raw fields to clean facts: tidy the text, refuse what cannot be used, merge what is said twice.

Two facts are the same if they say the same, not only if they are written the same: (A, parent, B) and (B, child, A)
where child is declared the inverse of parent, (A, spouse, B) and (B, spouse, A) where spouse is symmetric.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bothways.errors import FactsError
from bothways.facts.readers.lines import short
from bothways.types import Fact, Order, Relation

FLIPPED: Mapping[Order | None, Order | None] = {
    None: None,
    "both": "both",
    "never": "never",
    "head_first": "tail_first",
    "tail_first": "head_first",
}
SHOWN = 3
"""Bad rows that a message quotes."""
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters, and halves of characters that no file can hold."""


@dataclass(frozen=True, slots=True)
class Row:
    """A fact and where it stands."""

    fact: Fact
    file: str
    line: int
    """Counted from 1; 0 where the format has no lines."""

    @property
    def where(self) -> str:
        """The place, as a message names it."""
        return f"{self.file}, line {self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader hands over: facts with their places, what the file says of relations, and notices."""

    rows: tuple[Row, ...]
    relations: Mapping[str, Relation] = field(default_factory=dict[str, Relation])
    notices: tuple[str, ...] = ()


def tidy(text: str) -> str:
    r"""Trim white space, make every run of it one space, and compose accents (Unicode NFC).

    >>> tidy("  Ann\t Bee\n")
    'Ann Bee'
    """
    text = " ".join(text.split())
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _visible(name: str) -> bool:
    """Whether a tidy name shows at all: invisible characters alone are no name."""
    return any(map(str.isprintable, name))


class Rows:
    """The facts of one file as they are found, and what is wrong with the rows that are none.

    Nothing runs on half-read data: `reading` raises if any row was refused, and quotes the first of them.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self._rows: list[Row] = []
        self._refused: list[str] = []
        self._n_refused = 0
        self._names: dict[str, str] = {}

    def add(
        self, line: int, head: Any, relation: Any, tail: Any, stated: Any = None, aliases: Iterable[Any] = ()
    ) -> None:
        """Take one row, or note why it cannot be a fact.

        Args:
            line: its number, 0 where there is none.
            head: any value; all but text is refused, as for `relation` and `tail`.
            relation: the relation's name.
            tail: the other entity.
            stated: "head_first", "tail_first", "both", "never", or nothing.
            aliases: other spellings of the tail; empty ones are left out.
        """
        spellings = [name for name in aliases if not isinstance(name, str) or _visible(tidy(name))]
        named = (("head", head), ("relation", relation), ("tail", tail), *(("an alias", name) for name in spellings))
        for what, value in named:
            if not isinstance(value, str) or value not in self._names:  # most names come many times
                reason = self._learn(what, value)
                if reason is not None:
                    return self.refuse(line, reason)
        if stated not in (None, "", *(order for order in FLIPPED if order)):
            return self.refuse(
                line, f"stated must be head_first, tail_first, both, never or empty, got {short(stated)}. Correct it."
            )
        one, relation, other, *more = (self._names[value] for _, value in named)
        fact = Fact(one, relation, other, stated or None, tuple(name for name in dict.fromkeys(more) if name != other))
        self._rows.append(Row(fact, self.file, line))

    def refuse(self, line: int, reason: str) -> None:
        """Note that a line holds no fact, and why."""
        self._n_refused += 1
        if len(self._refused) < SHOWN:
            self._refused.append(f"line {line}: {reason}" if line else reason)

    def stop(self, line: int, reason: str) -> FactsError:
        """Return the error for a file that cannot be read past a line, earlier bad rows included."""
        self.refuse(line, reason)
        return self.error()

    def reading(self, relations: Mapping[str, Relation] | None = None, notices: Iterable[str] = ()) -> Reading:
        """Return all rows.

        Raises:
            FactsError: a row was refused, or there is none.
        """
        if self._n_refused:
            raise self.error()
        if not self._rows:
            raise FactsError(f"{self.file} holds no fact. Write at least one row.")
        return Reading(tuple(self._rows), relations or {}, tuple(notices))

    @property
    def refused(self) -> int:
        """How many rows hold no fact."""
        return self._n_refused

    def error(self) -> FactsError:
        """Return the error that quotes the first refused rows."""
        if self._n_refused == 1:
            only = self._refused[0]
            return FactsError(f"{self.file}, {only}" if only.startswith("line ") else f"{self.file}: {only}")
        head = f"{self.file}: {self._n_refused:,} rows cannot be read. The first of them:"
        return FactsError("\n".join([head, *(f"  {reason}" for reason in self._refused)]))

    def _learn(self, what: str, value: Any) -> str | None:
        """Remember a name as it is tidied, or say why the value cannot be one."""
        if not isinstance(value, str):
            return f"{what} must be text, got {short(value)}. Put it in quotes."
        name = tidy(value)
        if bad := UNPRINTABLE.search(name):
            return f"{what} holds the character U+{ord(bad[0]):04X}, which is no text: {short(value)}. Remove it."
        if not _visible(name):
            return f"{what} is empty. Fill it in or remove the row."
        self._names[value] = name
        return None


def merge(rows: Sequence[Row], relations: Mapping[str, Relation]) -> tuple[tuple[Fact, ...], tuple[str, ...]]:
    """Return each fact once, with notices of what was merged.

    A pair of inverse relations is told as the one that appears first. Orders that are given add up: a fact stated
    head first in one row and tail first in another is stated both ways; a row that leaves the order open, or says
    that the fact is never stated, adds nothing to one that gives it.

    Args:
        rows: facts as read.
        relations: settled relations, every relation of the rows among them.
    """
    told_as = _told_as(rows, relations)
    merged: dict[tuple[str, str, str], Fact] = {}
    repeated: list[Row] = []
    implied: list[Row] = []
    retold: list[Row] = []
    lost: list[Row] = []
    for row in rows:
        fact = row.fact
        if told_as[fact.relation] != fact.relation:
            fact = _turn(fact, told_as[fact.relation])
            retold.append(row)
        key = (fact.head, fact.relation, fact.tail)
        back = (fact.tail, fact.relation, fact.head)
        if relations[fact.relation].symmetric and back in merged and back != key:
            key, fact = back, _turn(fact, fact.relation)
        if row.fact.aliases and fact.tail != row.fact.tail:
            lost.append(row)
        if key in merged:
            (repeated if fact.tail == row.fact.tail and fact.relation == row.fact.relation else implied).append(row)
            fact = _add_up(merged[key], fact)
        merged[key] = fact
    notices = (
        _notice(repeated, "merged with an earlier one that is the same"),
        _notice(implied, "merged with an earlier one that says the same through a symmetric or inverse relation"),
        _notice(retold, "told by the inverse relation, which appears first"),
        _notice(lost, "turned round and left without aliases, as these name what is now the head"),
    )
    return tuple(merged.values()), tuple(notice for notice in notices if notice)


def _told_as(rows: Sequence[Row], relations: Mapping[str, Relation]) -> dict[str, str]:
    """Return the relation by which each relation's facts are told."""
    told_as: dict[str, str] = {}
    for row in rows:
        name = row.fact.relation
        if name not in told_as:
            told_as[name] = name
            if (inverse := relations[name].inverse) is not None:
                told_as[inverse] = name
    return told_as


def _turn(fact: Fact, relation: str) -> Fact:
    """Tell a fact by its inverse relation, or by its own symmetric one, which exchanges head and tail."""
    return Fact(fact.tail, relation, fact.head, FLIPPED[fact.stated])


def _add_up(one: Fact, other: Fact) -> Fact:
    """Put together two statements of one fact; a statement outweighs the word that there is none."""
    told = {fact.stated for fact in (one, other) if fact.stated not in (None, "never")}
    stated = (told.pop() if len(told) == 1 else "both") if told else one.stated or other.stated
    return replace(one, stated=stated, aliases=tuple(dict.fromkeys((*one.aliases, *other.aliases))))


def _notice(rows: Sequence[Row], what: str) -> str | None:
    """Say how many facts something happened to, with the first of them."""
    if not rows:
        return None
    fact = rows[0].fact
    example = short(f"{fact.head}, {fact.relation}, {fact.tail}")
    count = "1 fact was" if len(rows) == 1 else f"{len(rows):,} facts were"
    return f"{count} {what}; the first is {rows[0].where}: {example}."
