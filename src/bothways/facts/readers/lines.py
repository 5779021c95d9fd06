"""Read text files that nobody has vouched for: regular files only, bounded lines, plain UTF-8, no surprises.

Everything that can be wrong with a file before its first fact is said here: it is missing, a folder, a pipe, too
large, binary, in another encoding, or has lines without end.
"""

import codecs
import errno
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from bothways.errors import FactsError

MAX_FILE = 2 * 1024**3
"""Largest file that is read, in bytes."""
MAX_LINE = 1024**2
"""Longest line that is read, in bytes."""
FIRST_BYTES = 4096
"""How much of a file tells whether it is text at all."""
MAX_SHOWN = 60
"""Characters of a value that an error message shows."""
MAX_LISTED = 6
"""Names that a message lists."""
OTHER_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
"""First bytes of files in other encodings; UTF-32 comes first because its mark begins like UTF-16's."""
REASONS = {
    errno.ENOENT: "does not exist. Check the path.",
    errno.ENOTDIR: "does not exist: a part of the path is a file. Check the path.",
    errno.EACCES: "cannot be read: permission denied. Change its permissions or copy it.",
    errno.EPERM: "cannot be read: permission denied. Change its permissions or copy it.",
    errno.ELOOP: "is a loop of symbolic links. Give the file itself.",
    errno.ENAMETOOLONG: "is too long a name for a file. Check the path.",
    errno.EISDIR: "is a folder, not a file. Give a file.",
}


def cut(name: str) -> str:
    """Return a name as a message can hold it, without quotes."""
    name = name[: MAX_SHOWN - 1] + "…" if len(name) > MAX_SHOWN else name
    return name if name.isprintable() else ascii(name)


def short(value: object) -> str:
    """Return how a value reads in a message: its repr, cut to a line's worth.

    >>> short("x" * 100)
    "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…"
    """
    shown = repr(value[: MAX_SHOWN + 1]) if isinstance(value, str) else repr(value)
    return shown if len(shown) <= MAX_SHOWN else f"{shown[: MAX_SHOWN - 1]}…"


def listed(found: Sequence[str]) -> str:
    """Return the first few of many names, and how many more there are.

    >>> listed(["a", "b"]), listed(["a"] * 9)
    ('a, b', 'a, a, a, a, a, a and 3 more')
    """
    shown = ", ".join(cut(name) for name in found[:MAX_LISTED])
    return shown if len(found) <= MAX_LISTED else f"{shown} and {len(found) - MAX_LISTED:,} more"


def trouble(path: Path, error: OSError | ValueError) -> FactsError:
    """Say in one sentence why the system would not give a file."""
    reason = REASONS.get(error.errno or 0) if isinstance(error, OSError) else "is no possible path. Check the path."
    if reason is None:
        reason = f"cannot be read: {getattr(error, 'strerror', None) or error}. Check the file."
    return FactsError(f"{show_path(path)} {reason}")


def show_path(path: Path) -> str:
    """Return a path as it was given, safe to print: characters that are no text are escaped."""
    return str(path) if str(path).isprintable() else ascii(str(path))


def open_regular(path: Path, largest: int = MAX_FILE) -> BinaryIO:
    """Open a regular file of a reasonable size; a pipe or device is refused without waiting for it.

    Args:
        path: the file, as the user gave it.
        largest: most bytes it may have.

    Raises:
        FactsError: the file cannot be opened, is not a regular file, or is too large.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise trouble(path, error) from None
    try:
        found = os.fstat(handle)
        if stat.S_ISDIR(found.st_mode):
            raise FactsError(f"{show_path(path)} is a folder, not a file. Give a file.")
        if not stat.S_ISREG(found.st_mode):
            raise FactsError(f"{show_path(path)} is not a regular file. Give a file, not a pipe or device.")
        if found.st_size > largest:
            raise FactsError(
                f"{show_path(path)} has {found.st_size:,} bytes, more than the {largest:,} that are read. Split it."
            )
        return os.fdopen(handle, "rb")
    except FactsError:
        os.close(handle)
        raise


def read_lines(path: Path, largest: int = MAX_FILE) -> Iterator[tuple[int, str]]:
    r"""Yield the lines of a UTF-8 text file with their numbers from 1, without their line ends.

    A byte order mark and Windows line ends are fine. Only `\n` and `\r\n` end a line, whatever else Unicode
    calls a separator.

    Args:
        path: the file, as the user gave it.
        largest: most bytes it may have.

    Raises:
        FactsError: the file cannot be opened, or a line is too long, binary, or not UTF-8.
    """
    with open_regular(path, largest) as file:
        try:
            _refuse_other_files(file.read(FIRST_BYTES), path)
            file.seek(0)
        except OSError as error:
            raise trouble(path, error) from None
        offset = 0
        for number in range(1, largest + 2):
            try:
                raw = file.readline(MAX_LINE + 1)
            except OSError as error:
                raise trouble(path, error) from None
            if not raw:
                return
            body = raw.removeprefix(codecs.BOM_UTF8) if number == 1 else raw
            yield number, _decode(body, f"{show_path(path)}, line {number}", offset + len(raw) - len(body))
            offset += len(raw)


def read_text(path: Path, largest: int) -> str:
    """Return a whole UTF-8 text file, with every check of `read_lines`.

    Raises:
        FactsError: as `read_lines`.
    """
    return "".join(f"{line}\n" for _, line in read_lines(path, largest))


def _refuse_other_files(start: bytes, path: Path) -> None:
    """Refuse what begins like text in another encoding, or like no text at all; a slip in a text has a line."""
    for mark, encoding in OTHER_MARKS.items():
        text = start.decode(encoding, "replace")[:-1] if start.startswith(mark) else "\0"  # the last may be cut
        if not {"\0", "\ufffd"} & set(text):
            raise FactsError(f"{show_path(path)} is in {encoding}, and facts are read as UTF-8. Save it as UTF-8.")
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        if b"\0" in start:
            raise FactsError(f"{show_path(path)} is not a text file. Save the facts as UTF-8 text.") from None


def _decode(raw: bytes, where: str, offset: int) -> str:
    """Turn the bytes of a line, which begin at byte `offset` of the file, into text."""
    if len(raw) > MAX_LINE:
        raise FactsError(f"{where}: longer than {MAX_LINE:,} bytes. Write one fact per line.")
    if b"\0" in raw:
        place = offset + raw.index(b"\0")
        raise FactsError(f"{where}: NUL byte at byte {place}: this is no text file. Save the facts as UTF-8 text.")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        place = offset + error.start
        raise FactsError(
            f"{where}: not UTF-8 at byte {place} (0x{raw[error.start]:02x}). Save the facts as UTF-8 text."
        ) from None
    text = text.removesuffix("\n").removesuffix("\r")
    if "\r" in text:
        raise FactsError(f"{where}: a carriage return inside the line. Save the file with ordinary line ends.")
    return text
