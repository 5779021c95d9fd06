"""Read a YAML file that a stranger may have written, as plain data.

Anchors and aliases are refused: a few lines of them can stand for gigabytes. So are keys that come twice, of which
YAML would silently keep the last, and tags, which stand for something else than plain data.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from bothways.errors import BothwaysError

MAX_BYTES = 128 * 1024
"""Largest file, in bytes."""
MAX_DEPTH = 8
PLAIN = {f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null", "map", "seq")}


def load_yaml(path: Path) -> Any:
    """Return what a YAML file holds.

    Raises:
        BothwaysError: it is no such file, or is not the plain YAML of one document; the message names the line.
    """
    file, text = str(path), _read(path)
    try:
        _check_events(text, file)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        for node in _walk(root):
            _check_node(node, file)
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise BothwaysError(f"{file}{line}: not YAML ({error.problem or error.context}). Correct it.") from None
    except BothwaysError:  # a ValueError too
        raise
    except (yaml.YAMLError, ValueError, IndexError, OverflowError) as error:
        said = (str(error).splitlines() or [""])[0][:100]
        raise BothwaysError(f"{file}: not YAML ({said}). Correct it.") from None


def _read(path: Path) -> str:
    if not path.exists():
        raise BothwaysError(f"{path} does not exist. Check the path.")
    if not path.is_file():
        raise BothwaysError(f"{path} is no file. Give a YAML file.")
    if path.stat().st_size > MAX_BYTES:
        raise BothwaysError(f"{path} is larger than {MAX_BYTES:,} bytes. Give a YAML file written by hand.")
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BothwaysError(f"{path} is not UTF-8 at byte {error.start}. Save it as UTF-8 text.") from None


def _check_events(text: str, file: str) -> None:
    """Refuse what would blow up when it is put together."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        where = f"{file}, line {event.start_mark.line + 1}"
        if getattr(event, "anchor", None) is not None:
            raise BothwaysError(f"{where}: an anchor or alias (& or *) is refused. Write the values out.")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise BothwaysError(f"{where}: nested too deeply. Write keys, and lists of values.")


def _walk(root: Any) -> Iterator[Any]:
    """Yield every node of a document, those of a mapping's keys included."""
    nodes = [root] if root is not None else []
    while nodes:
        node = nodes.pop()
        yield node
        if isinstance(node, yaml.MappingNode):
            nodes += [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            nodes += node.value


def _check_node(node: Any, file: str) -> None:
    where = f"{file}, line {node.start_mark.line + 1}"
    if node.tag not in PLAIN:
        kind = node.tag.removeprefix("tag:yaml.org,2002:")
        raise BothwaysError(f"{where}: a value of the type {kind!r} is refused. Write a number, or a text in quotes.")
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise BothwaysError(f"{where}: a key must be a name. Correct it.")
            if key.value in seen:
                line = key.start_mark.line + 1
                raise BothwaysError(f"{file}, line {line}: the key '{key.value}' comes twice. Keep one.")
            seen.add(key.value)
