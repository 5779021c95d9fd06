"""Lives of a comparison that end at a chosen touch of the disk.

As a program (`python crashing.py`) this imports everything once and forks a process for every life: each line of JSON
on its standard input is the keywords of `live`, each line on its standard output how that life ended. A touch is
whatever is opened to write, renamed, removed, made or synced inside of the comparison's folder. Python's own audit
events count them; what libraries write past Python is seen by what they leave.
"""

import contextlib
import errno
import io
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

TOUCHES = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir"}
"""Audit events that change a folder, or may; `os.replace` is `os.rename`, and `os.unlink` is `os.remove`."""
NEEDS_ROOM = {"open", "os.mkdir", "fsync"}
"""What a full disk refuses."""
UNLIKE = (".lock", "comparison.json", "meta.json", "summary.json", "report.html")
"""Files that name their folder or process, or how long something took."""


def kept(folder: Path) -> dict[str, Any]:
    """Return every file of a comparison, with what must not depend on how it got there."""
    found: dict[str, Any] = {path.relative_to(folder).as_posix(): None for path in folder.rglob("*")}
    for name in found:
        path = folder / name
        if path.name == "metrics.jsonl":
            found[name] = [{**json.loads(line), "seconds": 0, "speed": {}} for line in path.read_text().splitlines()]
        elif path.is_file() and path.name not in UNLIKE:
            found[name] = path.read_bytes()
    return found


class Lives:
    """The program, as a test talks to it."""

    def __init__(self) -> None:
        words = [sys.executable, __file__]
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def live(self, words: list[str], folder: Path, **how: Any) -> dict[str, Any]:
        """Let a comparison live once, and return its status, what it said and what it touched."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps({"words": words, "folder": str(folder), **how}) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def end(self) -> None:
        """Let the program end."""
        self._process.communicate(timeout=60)


class Touches:
    """Count the touches of a folder, and deal a blow at one of them."""

    def __init__(self, folder: Path, at: int, blow: str, lose: int | None) -> None:
        self.folder, self.at, self.blow, self.lose = os.path.realpath(folder), at, blow, lose
        self.names: list[str] = []
        self._safe = {path.stat().st_ino: path.stat().st_size for path in folder.rglob("*") if path.is_file()}
        """How many bytes of each file, by its number on the disk, no power cut can take."""
        self._dying = False

    def watch(self) -> None:
        """Begin to count."""
        sync = os.fsync

        def fsync(file: Any) -> None:
            number = file if isinstance(file, int) else file.fileno()
            self.touch("fsync", Path(os.readlink(f"/proc/self/fd/{number}")))
            sync(number)
            found = os.fstat(number)
            self._safe[found.st_ino] = found.st_size

        os.fsync = fsync
        sys.addaudithook(self.hear)

    def hear(self, event: str, words: tuple[Any, ...]) -> None:
        """Take an audit event as a touch, if it is one."""
        if event not in TOUCHES or self._dying or isinstance(words[0], int):
            return
        if event == "open" and not words[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            return
        # inside of shutil.rmtree a name is relative to an open folder
        number = words[-1] if event in ("os.remove", "os.rmdir") else -1
        base = os.readlink(f"/proc/self/fd/{number}") if number >= 0 else os.getcwd()
        path = Path(base, os.fsdecode(words[0]))
        if self.touch(event, path):
            gone = Path(os.fsdecode(words[1])) if event == "os.rename" else path
            if event != "open" or words[2] & os.O_TRUNC:
                with contextlib.suppress(FileNotFoundError):
                    self._safe.pop(gone.stat().st_ino, None)

    def touch(self, event: str, path: Path) -> bool:
        """Count a touch and return True if it is one inside of the folder; deal the blow when it is time."""
        if os.path.commonpath([self.folder, path]) != self.folder:
            return False
        self.names.append(f"{event} {os.path.relpath(path, self.folder)}")
        if self.blow == "ENOSPC":
            if 0 < self.at <= len(self.names) and event in NEEDS_ROOM:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        elif len(self.names) == self.at:
            if self.lose is not None:
                self._dying = True
                self.lose_unsynced(random.Random(self.lose))
            os.kill(os.getpid(), getattr(signal, self.blow))
        return True

    def lose_unsynced(self, chance: random.Random) -> None:
        """Cut every file that was not synced to a part of what was added since, as a power cut may."""
        for path in sorted(Path(self.folder).rglob("*")):
            if path.is_file() and path.name != ".lock":
                found = path.stat()
                safe = min(self._safe.get(found.st_ino, 0), found.st_size)
                os.truncate(path, chance.choice((safe, chance.randint(safe, found.st_size))))


def live(
    words: list[str],
    folder: str,
    at: int = 0,
    blow: str = "SIGKILL",
    lose: int | None = None,
    after: float | None = None,
    largest: int | None = None,
    drawn: bool = False,
) -> dict[str, Any]:
    """Run a command in a fork of this process, and say how it ended.

    Args:
        words: the command; its folder is added.
        folder: the comparison's.
        at: the touch, counted from 1, at which the blow falls; 0 for none.
        blow: a signal's name, or ENOSPC for a disk that is full from then on.
        lose: a seed, if the power goes too and what was not synced may be lost.
        after: seconds after which the process is killed.
        largest: no file grows beyond so many bytes.
        drawn: whether the page is drawn, which takes longer than all the rest.
    """
    said, heard = Path(f"{folder}.said"), Path(f"{folder}.touches")
    heard.unlink(missing_ok=True)
    begun, pid = time.monotonic(), os.fork()
    if not pid:
        _be_born(words, Path(folder), said, heard, Touches(Path(folder), at, blow, lose), largest, drawn)
    if after is not None:
        timer = threading.Timer(after, os.kill, (pid, signal.SIGKILL))
        timer.start()
    ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # until it is reaped its number is nobody else's
    if after is not None:
        timer.cancel()
        timer.join()
    seconds = time.monotonic() - begun
    os.waitpid(pid, 0)
    assert ended is not None
    status = ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
    touches = json.loads(heard.read_text()) if heard.exists() else []
    return {"status": status, "said": said.read_text().splitlines(), "touches": touches, "seconds": seconds}


def _be_born(
    words: list[str], folder: Path, said: Path, heard: Path, touches: Touches, largest: int | None, drawn: bool
) -> None:
    """Be the fork: run the command, write down what it touched, and end."""
    status = 70
    try:
        from bothways import cli
        from bothways.commands import compare

        if not drawn:
            compare.write_report = lambda folder: folder / "report.html"
        sys.stdout, sys.stderr = io.StringIO(), said.open("w", buffering=1)
        if largest is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))
        touches.watch()
        try:
            cli.main([*words, "-o", str(folder)])
            status = 0
        except SystemExit as end:
            status = int(end.code or 0)
        finally:
            if largest is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            heard.write_text(json.dumps(touches.names))
    finally:
        os._exit(status)


def main() -> None:
    """Import everything, by one life in this process, and let every line of standard input live."""
    import torch

    from bothways.commands.compare import compare

    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job is born deaf to Ctrl-C
    settings = ("training.steps=1", "training.measurements=1", "model.d_model=16", "model.n_heads=2")
    with tempfile.TemporaryDirectory() as folder:
        compare("bijection:n=20", arms=["causal"], seeds=1, jobs=1, settings=settings, out=folder)
    for line in sys.stdin:
        print(json.dumps(live(**json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
