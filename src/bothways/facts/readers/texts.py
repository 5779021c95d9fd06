"""Read the texts of a folder: paragraphs of .txt and .md, and one text a line of .jsonl.

A line of .jsonl is `{"text"}`, `{"prompt", "completion"}`, whose two parts are one text, or `{"messages"}`, whose turns
are. A heading goes with the paragraph below it. Nobody vouches for these files: they are read as facts are.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from bothways.errors import FactsError
from bothways.facts.readers.jsonl import parse_object
from bothways.facts.readers.lines import listed, read_lines, short, show_path, trouble

SUFFIXES = (".txt", ".md", ".jsonl")
MAX_FILES = 10_000
"""A folder with more texts is not read."""


def read_texts(path: Path) -> tuple[str, ...]:
    """Return the texts of a file, or of the files that lie in a folder, by their names in order.

    Args:
        path: a .txt, .md or .jsonl file, or a folder of such files.

    Raises:
        FactsError: there is nothing to read, or a file cannot be read; the message names file and line.
    """
    if not path.is_dir():
        if path.suffix.lower() not in SUFFIXES:
            raise FactsError(
                f"{show_path(path)}: texts are read from {', '.join(SUFFIXES)}. Save them as one of these."
            )
        return tuple(texts_of(path))
    try:
        files = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES and file.is_file())
    except OSError as error:
        raise trouble(path, error) from None
    if not files or len(files) > MAX_FILES:
        much = f"more than {MAX_FILES:,} texts" if files else f"no text ({', '.join(SUFFIXES)})"
        raise FactsError(f"{show_path(path)} holds {much}. Name the folder with the documents.")
    found = tuple(text for file in files for text in texts_of(file))
    if not found:
        raise FactsError(f"The files of {show_path(path)} are empty: {listed([f.name for f in files])}. Fill them in.")
    return found


def texts_of(path: Path) -> Iterator[str]:
    """Yield the texts of one file.

    Raises:
        FactsError: it cannot be read, or a line of .jsonl holds no text.
    """
    if path.suffix.lower() == ".jsonl":
        for number, line in read_lines(path):
            if line.strip():
                yield text_of(parse_line(line, path, number), f"{show_path(path)}, line {number}")
        return
    lines: list[str] = []
    for _, line in (*read_lines(path), (0, "")):
        if line.strip():
            lines.append(line.strip())
        elif lines and not all(one.startswith("#") for one in lines):
            yield "\n".join(lines)
            lines = []
    if lines:
        yield "\n".join(lines)


def parse_line(line: str, path: Path, number: int) -> Mapping[str, Any]:
    """Return the JSON object of a line.

    Raises:
        FactsError: it is none; the message names file and line.
    """
    try:
        return parse_object(line)
    except FactsError as error:
        raise FactsError(f"{show_path(path)}, line {number}: {error}") from None


def text_of(row: Mapping[str, Any], where: str) -> str:
    """Return the text of one object.

    Raises:
        FactsError: it holds none, or what should be text is something else.

    >>> text_of({"prompt": "Ann's mother is", "completion": " Bea."}, "")
    "Ann's mother is Bea."
    """
    if "text" in row:
        parts = [row["text"]]
    elif "prompt" in row and "completion" in row:
        parts = [row["prompt"], row["completion"]]
    elif isinstance(row.get("messages"), list):
        turns = cast("list[Any]", row["messages"])
        parts = [cast("dict[str, Any]", turn).get("content") if isinstance(turn, dict) else None for turn in turns]
    else:
        raise FactsError(
            f"{where}: no text, got the keys {short(', '.join(row))}. Write text, prompt and completion, or messages."
        )
    for part in parts:
        if not isinstance(part, str):
            raise FactsError(f"{where}: text is needed, got {short(part)}. Put it in quotes.")
    texts = [str(part) for part in parts]
    joint = "\n" if "messages" in row else " "
    joint = "" if joint == " " and texts[-1][:1].isspace() else joint
    whole = joint.join(texts).strip()
    if not whole:
        raise FactsError(f"{where}: the text is empty. Fill it in or remove the line.")
    return whole
