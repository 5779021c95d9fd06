"""Files that are whole or not there, and folders that one process owns at a time."""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from bothways.errors import RunError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the system says when a disk, a quota or a limit on files is used up."""


def write_text(path: Path, text: str) -> None:
    """Write a file of text as `write_bytes` does."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file aside, sync it, then put it in place: readers see the old file or the new one."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with aside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
    sync(path.parent)


def clear_asides(folder: Path) -> None:
    """Remove what was written aside in a folder by somebody who died before it was in place."""
    for left in folder.glob(".*.tmp"):
        if left.is_dir():
            shutil.rmtree(left)
        else:
            left.unlink()


def remove_if_empty(folder: Path) -> None:
    """Remove a folder that is there and holds nothing."""
    try:
        folder.rmdir()
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTEMPTY, errno.EEXIST):
            raise


def sync(path: Path) -> None:
    """Make sure a file's or folder's bytes are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Raise whatever goes wrong on the disk, whichever library writes, as an OSError that names a path."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(folder)
        raise
    except SafetensorError as error:
        number = re.search(r"os error (\d+)", str(error))
        code = int(number[1]) if number else errno.EIO
        raise OSError(code, os.strerror(code), str(folder)) from None


@contextlib.contextmanager
def own(folder: Path, patience: float = 0.0) -> Iterator[None]:
    """Own a folder for the length of a `with`; the system gives it up when the process dies, however it dies.

    Args:
        folder: made if it is not there.
        patience: seconds to wait for an owner who is about to stop.

    Raises:
        RunError: a living process owns it; the message names its pid and host.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / ".lock"
    with path.open("a+", encoding="utf-8") as file:
        deadline = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise RunError(_owned(folder, path)) from None
                time.sleep(0.1)
        file.seek(0)
        file.truncate()
        file.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname()}))
        file.flush()
        clear_asides(folder)  # of an owner who died while writing
        yield


def _owned(folder: Path, path: Path) -> str:
    try:
        owner = json.loads(path.read_text(encoding="utf-8"))
        who = f"process {owner['pid']} on {owner['host']}"
    except (OSError, ValueError, KeyError, TypeError):
        who = "another process"
    return f"{folder} is in use by {who}. Wait until it ends, or stop it."


def read_json(path: Path) -> dict[str, Any]:
    """Return a JSON object from a file of a run folder.

    Raises:
        RunError: the file is missing or damaged.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise RunError(f"{path.parent} holds no {path.name}. Give a folder that bothways wrote.") from None
    except (OSError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise RunError(
            f"{path} was altered or cut short ({type(error).__name__}). Remove it and go on with --resume."
        ) from None
    if not isinstance(data, dict):
        raise RunError(f"{path} was altered: it holds no JSON object. Remove it and go on with --resume.")
    return data


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a JSON-lines file of a run folder.

    Raises:
        RunError: the file is missing or damaged.
    """
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        if not all(isinstance(row, dict) for row in rows):
            raise TypeError("a line holds no JSON object")
        return rows
    except (OSError, UnicodeDecodeError, ValueError, TypeError, RecursionError) as error:
        raise RunError(
            f"{path} is missing, altered or cut short ({type(error).__name__}). "
            f"Remove {path.parent} and go on with --resume."
        ) from None
