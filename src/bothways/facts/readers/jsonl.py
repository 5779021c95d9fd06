"""JSON lines: one object per line, a fact or a prompt with its completion.

Facts are `{"head", "relation", "tail"}` with `stated` and a list of `aliases` if wanted; another key is ignored with
a notice. A file of `{"prompt", "completion"}` objects is read by `berglund.py`.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from bothways.errors import FactsError
from bothways.facts.clean import Reading, Rows
from bothways.facts.readers.berglund import PromptRow, read_prompts
from bothways.facts.readers.lines import listed, read_lines, short, show_path

NEEDED = ("head", "relation", "tail")
KEYS = (*NEEDED, "stated", "aliases")
PROMPT_KEYS = ("prompt", "completion")


def read_jsonl(path: Path) -> Reading:
    """Read facts, or prompts with completions, from a file of JSON objects.

    Args:
        path: the file, as the user gave it.

    Raises:
        FactsError: a line is no such object; the message names it.
    """
    rows = Rows(show_path(path))
    prompts: list[PromptRow] = []
    ignored: dict[str, None] = {}
    n = 0
    for line, text in read_lines(path):
        if not text.strip():
            continue
        n += 1
        try:
            row = parse_object(text)
        except FactsError as error:
            rows.refuse(line, str(error))
            continue
        if set(PROMPT_KEYS) <= set(row) and not set(row) & set(NEEDED):
            _take_prompt(rows, prompts, line, row)
            continue
        _take_fact(rows, line, row)
        for key in row:
            if key not in KEYS:
                ignored[key] = None
    if not n:
        raise FactsError(
            f'{rows.file} is empty. Write one object per line: {{"head": ..., "relation": ..., "tail": ...}}.'
        )
    notices = [f"{rows.file}: keys that are ignored: {listed(list(ignored))}."] if ignored else []
    return read_prompts(path, rows, prompts) if prompts else rows.reading(notices=notices)


def parse_object(text: str) -> Mapping[str, Any]:
    """Parse one line.

    Raises:
        FactsError: it is no JSON object.
    """
    try:
        row = json.loads(text, object_pairs_hook=_object)
    except FactsError:  # a ValueError too
        raise
    except json.JSONDecodeError as error:
        raise FactsError(f"not JSON ({error.msg} at column {error.colno}): {short(text)}. Correct it.") from None
    except RecursionError:
        raise FactsError(f"JSON nested too deeply: {short(text)}. Write one flat object.") from None
    except ValueError as error:  # a number of thousands of digits
        raise FactsError(f"not JSON ({error}): {short(text)}. Correct it.") from None
    if not isinstance(row, dict):
        raise FactsError(f"not a JSON object: {short(text)}. Write one object per line.")
    return cast(dict[str, Any], row)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object, refusing a key that comes twice: one of the two values would be lost."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        doubled = next(name for name in names if names.count(name) > 1)
        raise FactsError(f"the key {short(doubled)} comes twice. Keep one.")
    return found


def _take_fact(rows: Rows, line: int, row: Mapping[str, Any]) -> None:
    """Add one object to the facts, or note what is wrong with it."""
    missing = next((key for key in NEEDED if key not in row), None)
    if missing:
        return rows.refuse(
            line, f"the key {missing!r} is missing, got {short(', '.join(row))}. Write head, relation and tail."
        )
    aliases = row.get("aliases")
    if not isinstance(aliases, list | None):
        return rows.refuse(line, f"aliases must be a list, got {short(aliases)}. Put it in square brackets.")
    stated = row.get("stated")
    rows.add(line, row["head"], row["relation"], row["tail"], stated, cast("list[Any] | None", aliases) or ())


def _take_prompt(rows: Rows, prompts: list[PromptRow], line: int, row: Mapping[str, Any]) -> None:
    """Add one object to the prompts, or note what is wrong with it."""
    for key in PROMPT_KEYS:
        if not isinstance(row[key], str):
            return rows.refuse(line, f"{key} must be text, got {short(row[key])}. Put it in quotes.")
        if not row[key].strip():
            return rows.refuse(line, f"{key} is empty. Fill it in or remove the row.")
    prompts.append(PromptRow(line, row["prompt"], row["completion"]))
