"""What a command writes: its folder, free, its own to go on with or refused; and the line that repeats it."""

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from bothways.errors import RunError


def is_begun(folder: Path, kind: str, ours: bool, resume: bool) -> bool:
    """Whether a folder holds a comparison or a sweep that shall go on; False if it holds nothing.

    Args:
        folder: where it is to be written.
        kind: what is to be written, in a word.
        ours: whether the folder holds one of that kind.
        resume: whether to go on with it.

    Raises:
        RunError: it is a file, holds something else, or holds what nobody asked to resume.
    """
    if folder.exists() and not folder.is_dir():
        raise RunError(f"{folder} is a file. Name a folder with -o.")
    if not folder.exists() or not any(path.name != ".lock" and path.suffix != ".tmp" for path in folder.iterdir()):
        return False
    if not ours:
        raise RunError(f"{folder} is not empty and holds no {kind}. Name another folder with -o.")
    if not resume:
        raise RunError(
            f"{folder} already holds a {kind}. Add --resume to go on with it, or name another folder with -o."
        )
    return True


def command_line(words: Sequence[str], options: Iterable[tuple[str, object]]) -> str:
    """Return a command with those of its options that have a value; True stands for an option without one.

    >>> command_line(["bothways", "audit", "a model"], [("--limit", 3), ("--qa", None), ("--lora", True)])
    "bothways audit 'a model' --limit 3 --lora"
    """
    given = [
        word
        for name, value in options
        if value is not None and value != ""
        for word in ((name,) if value is True else (name, str(value)))
    ]
    return shlex.join([*words, *given])
