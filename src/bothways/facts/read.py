"""The one entrance for facts that a user brings: a file, or a folder of files."""

import os
import re
import stat
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from bothways.errors import FactsError
from bothways.facts.algebra import combine, settle
from bothways.facts.clean import Reading, Row, merge
from bothways.facts.readers.berglund import QUESTION_FILE
from bothways.facts.readers.lines import listed, read_lines, short, show_path, trouble
from bothways.facts.readers.relations_yaml import read_relations
from bothways.facts.templates import fill_templates, worded_alike
from bothways.registry import REGISTRY, lookup, names
from bothways.types import FactSet, Relation

MAX_FILES = 1000
"""A folder with more entries is not a folder of facts."""
RELATIONS = "relations.yaml"
NO_FACTS = re.compile(
    r"\..*|(licen[cs]e|readme|notice|copying|changelog|requirements)\b.*|.*negatives\.txt", re.IGNORECASE
)
"""Files beside facts whose names say that they are none, whatever their suffix."""


def read_facts(path: str | Path) -> FactSet:
    """Read the facts of a file or of a folder of files, each once, with every relation worded.

    A `relations.yaml` beside the file or in the folder says what relations are to each other and how they are
    said; what it leaves open is made from the relations' names.

    Args:
        path: a file with one of the registered suffixes, or a folder of such files (not of folders).

    Returns:
        The facts; its notices say what was merged, skipped or guessed.

    Raises:
        FactsError: there is no such file, or anything in it cannot be read. Nothing runs on half-read data.
    """
    given = Path(path)
    if str(path) == "":
        raise FactsError("The path of the facts is empty. Name a file or a folder.")
    folder = _is_folder(given)
    reading = _read_folder(given) if folder else read_file(given)
    used = dict.fromkeys(row.fact.relation for row in reading.rows)
    beside = (given if folder else given.parent) / RELATIONS
    described = read_relations(beside) if os.path.lexists(beside) else {}
    declared = _declared(reading.relations, used, described, show_path(beside))
    settled = settle(used, declared, show_path(beside) if described else show_path(given))
    facts, merged = merge(reading.rows, settled)
    relations = {name: fill_templates(relation, settled) for name, relation in settled.items()}
    return FactSet(
        name=Path(os.path.realpath(given)).name if folder else given.stem,
        facts=facts,
        relations=relations,
        source=str(path),
        notices=(*reading.notices, *merged, *_guessed(settled), *worded_alike(relations)),
    )


def read_file(path: Path) -> Reading:
    """Read one file by the reader that its suffix is registered for.

    Raises:
        FactsError: the suffix is unknown, or the file cannot be read.
    """
    suffix = path.suffix.lower()
    if suffix not in REGISTRY["readers"]:
        known = ", ".join(names("readers"))
        raise FactsError(
            f"{show_path(path)}: facts are not read from {short(suffix) if suffix else 'files without a suffix'}. "
            f"Known: {known}. Save the facts as one of them."
        )
    return lookup("readers", suffix)(path)


def _is_folder(path: Path) -> bool:
    """Whether a path is a folder; that nothing is there is said at once, whatever the suffix."""
    try:
        return stat.S_ISDIR(os.stat(path).st_mode)
    except (OSError, ValueError) as error:
        raise trouble(path, error) from None


def _read_folder(folder: Path) -> Reading:
    """Read every facts file that lies in a folder itself, in the order of names, and skip the rest with a notice."""
    if os.path.realpath(folder) == os.path.realpath(os.sep):
        raise FactsError(f"{show_path(folder)} is the root of the whole disk. Name the folder that holds the facts.")
    files: list[Path] = []
    skipped: list[str] = []
    inside: list[str] = []
    for entry in _entries(folder):
        path = folder / entry.name
        if _leads_to(path, stat.S_ISDIR):
            inside.append(entry.name)
        elif _holds_facts(path):
            files.append(path)
        elif entry.name != RELATIONS:
            skipped.append(entry.name)
    if not files:
        hint = f" Its folders are not searched: {listed(inside)}." if inside else ""
        raise FactsError(
            f"{show_path(folder)} holds no facts file.{hint} Name a folder with {', '.join(names('readers'))} files."
        )
    readings = [read_file(path) for path in files]
    notices = [notice for reading in readings for notice in reading.notices]
    if skipped:
        notices.append(f"{show_path(folder)}: not read as facts: {listed(skipped)}.")
    rows: list[Row] = [row for reading in readings for row in reading.rows]
    return Reading(tuple(rows), _join((reading.relations for reading in readings), show_path(folder)), tuple(notices))


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """Return what lies in a folder, sorted by name."""
    entries: list[os.DirEntry[str]] = []
    try:
        with os.scandir(folder) as found:
            for entry in found:
                entries.append(entry)
                if len(entries) > MAX_FILES:
                    raise FactsError(
                        f"{show_path(folder)} holds more than {MAX_FILES:,} files. Name the folder with the facts."
                    )
    except OSError as error:
        raise trouble(folder, error) from None
    return sorted(entries, key=lambda entry: entry.name)


def _leads_to(path: Path, kind: Callable[[int], bool]) -> bool:
    """Whether a path leads to something of a kind; a broken link or a loop of links leads to nothing."""
    try:
        return kind(os.stat(path).st_mode)
    except OSError:
        return False


def _holds_facts(path: Path) -> bool:
    """Whether a file of a folder is meant as facts: by its name, and a text file by tabs in its first line."""
    suffix = path.suffix.lower()
    if suffix not in REGISTRY["readers"] or NO_FACTS.fullmatch(path.name) or QUESTION_FILE.fullmatch(path.name):
        return False
    if suffix == ".txt" and _leads_to(path, stat.S_ISREG):
        return "\t" in next((text for _, text in read_lines(path) if text.strip()), "")
    return True


def _join(parts: Iterable[Mapping[str, Relation]], where: str) -> dict[str, Relation]:
    """Put together what several files say of relations."""
    joined: dict[str, Relation] = {}
    for part in parts:
        for name, relation in part.items():
            joined[name] = combine(joined[name], relation, where) if name in joined else relation
    return joined


def _declared(
    found: Mapping[str, Relation], used: Mapping[str, None], described: Mapping[str, Relation], where: str
) -> dict[str, Relation]:
    """Return what is known of relations; templates that a user wrote replace those of the facts' own files.

    What a vocabulary says of relations without a fact is left out; what `relations.yaml` says of them is not, as
    it may be a slip of the pen.
    """
    kept = {name: r for name, r in found.items() if name in used or (r.inverse is not None and r.inverse in used)}
    plain = {
        name: Relation(
            name,
            relation.inverse,
            relation.symmetric,
            () if described[name].head_first else relation.head_first,
            () if described[name].tail_first else relation.tail_first,
            () if described[name].asks_tail else relation.asks_tail,
            () if described[name].asks_head else relation.asks_head,
        )
        if name in described
        else relation
        for name, relation in kept.items()
    }
    return _join((plain, described), where)


def _guessed(settled: Mapping[str, Relation]) -> tuple[str, ...]:
    """Say whose wording was made from a name."""
    guessed = [relation for relation in settled.values() if not (relation.head_first or relation.tail_first)]
    if not guessed:
        return ()
    example = fill_templates(guessed[0], settled).head_first[0]
    count = "1 relation is" if len(guessed) == 1 else f"{len(guessed):,} relations are"
    return (f"{count} worded after the name, such as {short(example)}; {RELATIONS} can word them better.",)
