"""What relations say of each other: inverses in pairs, symmetry, templates in the right order."""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from bothways.errors import FactsError
from bothways.facts.readers.lines import listed, short
from bothways.facts.templates import split_template
from bothways.types import Relation

LONGEST_NAME = 100
"""Names above this length, in characters, are not compared with others: it takes the square of it."""


def settle(used: Iterable[str], declared: Mapping[str, Relation], where: str) -> dict[str, Relation]:
    """Return every relation of the facts, and the inverses that relations name, without contradictions.

    Args:
        used: relations of the facts, in order of first appearance.
        declared: what is known of some of them.
        where: the file that the user would correct.

    Returns:
        The relations in order of first appearance, inverses without a fact last. If a has the inverse b, b has
        the inverse a.

    Raises:
        FactsError: a declared relation is in no fact, or two declarations contradict each other.

    >>> settle(["teacher"], {"teacher": Relation("teacher", inverse="student")}, "relations.yaml")["student"].inverse
    'teacher'
    """
    relations = {name: declared.get(name, Relation(name)) for name in used}
    for relation in declared.values():
        check_relation(relation, where)
    inverses = _pair_up(declared, where)
    known = {*relations, *(inverses[name] for name in relations if name in inverses)}
    for name in declared:
        if name not in known:
            raise FactsError(
                f"{where}: no fact has the relation {short(name)}.{_nearest(name, known)} Correct or remove it."
            )
    for name in sorted(known - set(relations)):
        relations[name] = declared.get(name, Relation(name))
    return {name: replace(relation, inverse=inverses.get(name)) for name, relation in relations.items()}


def check_relation(relation: Relation, where: str) -> None:
    """Check what a relation says of itself.

    Raises:
        FactsError: it is symmetric and has an inverse, is its own inverse, a template does not fit its order, or a
            question names something else than what it is given.
    """
    about = f"{where}: relation {short(relation.name)}"
    if relation.inverse == relation.name:
        raise FactsError(f"{about} is named as its own inverse. Write symmetric: true instead.")
    if relation.symmetric and relation.inverse is not None:
        raise FactsError(
            f"{about} is symmetric and has the inverse {short(relation.inverse)}: a contradiction. Drop one."
        )
    for field, first, templates in (
        ("head_first", "head", relation.head_first),
        ("tail_first", "tail", relation.tail_first),
    ):
        for template in templates:
            try:
                pieces = split_template(template)
            except FactsError as error:
                raise FactsError(f"{about}, {field}: {error}") from None
            if pieces.first != first:
                raise FactsError(
                    f"{about}: a {field} template names {{{first}}} first, got {short(template)}. "
                    f"Turn it round or move it to {'tail_first' if first == 'head' else 'head_first'}."
                )
    for field, given, asked in (
        ("asks_tail", "{head}", relation.asks_tail),
        ("asks_head", "{tail}", relation.asks_head),
    ):
        for words in asked:
            if words.count(given) != 1 or re.search("[{}]", words.replace(given, "")):
                raise FactsError(
                    f"{about}: a question of {field} holds {given} once and no other braces, got {short(words)}. "
                    "Rewrite it."
                )


def combine(one: Relation, other: Relation, where: str) -> Relation:
    """Put together what two files say of one relation; templates of both are kept.

    Raises:
        FactsError: they name two inverses.
    """
    if one.inverse and other.inverse and one.inverse != other.inverse:
        raise _two_inverses(where, one.name, one.inverse, other.inverse)
    return Relation(
        name=one.name,
        inverse=one.inverse or other.inverse,
        symmetric=one.symmetric or other.symmetric,
        head_first=tuple(dict.fromkeys((*one.head_first, *other.head_first))),
        tail_first=tuple(dict.fromkeys((*one.tail_first, *other.tail_first))),
        asks_tail=tuple(dict.fromkeys((*one.asks_tail, *other.asks_tail))),
        asks_head=tuple(dict.fromkeys((*one.asks_head, *other.asks_head))),
    )


def _pair_up(declared: Mapping[str, Relation], where: str) -> dict[str, str]:
    """Return each relation's inverse, whichever of the two declared it."""
    inverses: dict[str, str] = {}
    for relation in declared.values():
        if relation.inverse is None:
            continue
        for name, inverse in ((relation.name, relation.inverse), (relation.inverse, relation.name)):
            if inverses.setdefault(name, inverse) != inverse:
                raise _two_inverses(where, name, inverses[name], inverse)
    for name, inverse in inverses.items():
        if name in declared and declared[name].symmetric:
            raise FactsError(
                f"{where}: relation {short(name)} is symmetric and the inverse of {short(inverse)}: "
                "a contradiction. Drop one."
            )
    return inverses


def _two_inverses(where: str, name: str, one: str, other: str) -> FactsError:
    return FactsError(
        f"{where}: relation {short(name)} is given two inverses, {short(one)} and {short(other)}. Keep one."
    )


def _nearest(name: str, known: Iterable[str]) -> str:
    """Suggest the relation that was probably meant, or name a few."""
    found = sorted(known)
    similar = [each for each in found if len(each) <= LONGEST_NAME] if len(name) <= LONGEST_NAME else []
    close = difflib.get_close_matches(name, similar, n=1, cutoff=0.5)
    return f" Did you mean {close[0]!r}?" if close else f" Relations: {listed(found)}."
