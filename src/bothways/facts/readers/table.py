r"""Tables: CSV with a header, and tab-separated triples with or without one.

Columns are head, relation, tail and, if wanted, stated and aliases; a further column is ignored with a notice.
Aliases are separated by `|`; `\|` is a bar and `\\` a backslash inside an alias. A tab-separated file has no
quotes: every character between two tabs belongs to the field.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from bothways.errors import FactsError
from bothways.facts.clean import Reading, Rows
from bothways.facts.readers.berglund import is_parents, read_parents
from bothways.facts.readers.lines import listed, read_lines, short, show_path
from bothways.registry import unknown

NEEDED = ("head", "relation", "tail")
COLUMNS = (*NEEDED, "stated", "aliases")
Cells = tuple[int, list[str]]
"""A row's line number and its fields."""
NOTHING: Cells = (1, [])


def read_csv(path: Path) -> Reading:
    """Read facts from a CSV file with a header.

    The parent-child pairs of the reversal curse are recognised by their name or their header.

    Args:
        path: the file, as the user gave it.

    Raises:
        FactsError: the file cannot be read as such a table; the message names the line.
    """
    rows = Rows(show_path(path))
    table = _parse_csv(path, rows)
    line, header = next(table, NOTHING)
    names = [name.strip().lower() for name in header]
    if is_parents(path, names):
        return read_parents(rows, names, table)
    if not header:
        raise FactsError(f"{rows.file} is empty. Write the header {','.join(NEEDED)} and a row for each fact.")
    if not set(names) & set(NEEDED):
        _refuse_separator(rows.file, header)
    return _read_table(rows, line, names, table)


def read_tsv(path: Path) -> Reading:
    """Read tab-separated triples, with a header or without (then three columns: head, relation, tail).

    Args:
        path: the file, as the user gave it.

    Raises:
        FactsError: the file cannot be read as such a table; the message names the line.
    """
    rows = Rows(show_path(path))
    table: Iterator[Cells] = ((n, line.split("\t")) for n, line in read_lines(path) if line.strip())
    line, first = next(table, NOTHING)
    if not first:
        raise FactsError(
            f"{rows.file} is empty. Write head, relation and tail of a fact in each line, with tabs between."
        )
    names = [name.strip().lower() for name in first]
    if len(set(names) & set(NEEDED)) > 1:
        return _read_table(rows, line, names, table)
    for number, fields in ((line, first), *table):
        if len(fields) == len(NEEDED):
            rows.add(number, *fields)
        else:
            rows.refuse(
                number, f"3 columns separated by tabs are needed, got {len(fields)}: {_shown(fields)}. Correct it."
            )
    return rows.reading()


def split_aliases(text: str) -> list[str]:
    r"""Return the aliases of one field.

    >>> split_aliases("Bea|B. Smith|a\\|b")
    ['Bea', 'B. Smith', 'a|b']
    """
    found = re.findall(r"((?:\\[|\\]|[^|])*)(?:\||$)", text)
    return [re.sub(r"\\([|\\])", r"\1", alias) for alias in found if alias]


def join_aliases(aliases: Sequence[str]) -> str:
    r"""Write aliases into one field, so that `split_aliases` gives them back.

    >>> join_aliases(["Bea", "a|b"])
    'Bea|a\\|b'
    """
    return "|".join(re.sub(r"([|\\])", r"\\\1", alias) for alias in aliases)


def _parse_csv(path: Path, rows: Rows) -> Iterator[Cells]:
    """Yield the rows of a CSV file, empty ones left out, with the number of the line each begins in."""
    reader = csv.reader((f"{line}\n" for _, line in read_lines(path)), strict=True)
    while True:
        start = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise rows.stop(start, _explain(error)) from None
        if any(field.strip() for field in fields):
            yield start, fields


def _explain(error: csv.Error) -> str:
    """Say what a CSV error means for the person who wrote the file."""
    if "field limit" in str(error):
        return "a field is longer than any name, or a quote is opened here and never closed. Close it."
    if "unexpected end" in str(error):
        return 'a quote is opened here and never closed. Close it, or write a quote inside a field as "".'
    if "expected after" in str(error):
        return 'a quoted field goes on after its closing quote. Write a quote inside a field as "".'
    return f"not CSV ({error}). Correct the row."


def _read_table(rows: Rows, line: int, names: Sequence[str], table: Iterator[Cells]) -> Reading:
    """Read the rows below a header."""
    doubled = next((name for name in names if name in COLUMNS and names.count(name) > 1), None)
    if doubled:
        raise FactsError(f"{rows.file}, line {line}: the column {doubled!r} comes twice. Remove one.")
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise FactsError(
            f"{rows.file}, line {line}: the column {missing[0]!r} is missing, got {_shown(names)}. "
            f"Name the columns {', '.join(NEEDED)} and, if wanted, stated and aliases."
        )
    ignored = [name for name in names if name not in COLUMNS]
    meant = "".join(_meant(name, names) for name in ignored[:1])
    notices = [f"{rows.file}: columns that are ignored: {listed(ignored)}.{meant}"] if ignored else []
    place = {name: names.index(name) for name in COLUMNS if name in names}
    head, relation, tail = (place[name] for name in NEEDED)
    stated, aliases = place.get("stated"), place.get("aliases")
    for number, fields in table:
        if len(fields) != len(names):
            rows.refuse(number, f"{len(names)} columns are needed, got {len(fields)}: {_shown(fields)}. Correct it.")
            continue
        rows.add(
            number,
            fields[head],
            fields[relation],
            fields[tail],
            None if stated is None else fields[stated].strip(),
            () if aliases is None else split_aliases(fields[aliases]),
        )
    return rows.reading(notices=notices)


def _meant(name: str, names: Sequence[str]) -> str:
    """Suggest the column that an ignored one may have been meant for."""
    free = [column for column in COLUMNS if column not in names]
    return f" {unknown('column', name, free)}" if "Did you mean" in unknown("column", name, free) else ""


def _refuse_separator(file: str, header: Sequence[str]) -> None:
    """Refuse a header that another separator has kept in one piece, or a table without a header."""
    for mark, name, cure in (
        (";", "semicolons", "Save it with commas."),
        ("\t", "tabs", "Save it with commas, or name it .tsv."),
    ):
        if len(header) == 1 and mark in header[0]:
            raise FactsError(f"{file}, line 1: columns are separated by {name}, not commas: {short(header[0])}. {cure}")
    if len(header) == len(NEEDED):
        raise FactsError(
            f"{file}, line 1: the header is missing, got {_shown(header)}. Write {','.join(NEEDED)} as the first line."
        )


def _shown(fields: Sequence[str]) -> str:
    """Return a row as a message shows it."""
    return short(", ".join(fields[:8]))
