"""Run the program as a user would: in this process, or in one of its own."""

import contextlib
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

WORLD = "family:n_families=6"
TINY = (
    "training.steps=40",
    "training.measurements=2",
    "model.d_model=32",
    "model.d_mlp=64",
    "batches.batch_size=16",
)
"""Settings with which a run takes a fraction of a second, and learns next to nothing."""
PARTS = ("config.yaml", "samples.jsonl", "model/model.json", "model/model.safetensors", "model/tokenizer.json")
"""What a finished run keeps besides its result and measurements."""


class Done(NamedTuple):
    """How a command ended, and what it said."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one object on standard output; numbers that JSON does not know are refused."""

        def refuse(name: str) -> Any:
            raise AssertionError(f"{name} is not JSON")

        return json.loads(self.out, parse_constant=refuse)

    @property
    def complaint(self) -> list[str]:
        """The lines on standard error, progress left out."""
        return [line for line in self.err.splitlines() if "% done" not in line]


def bothways(*words: str | Path | int) -> Done:
    """Run a command in this process."""
    from bothways.cli import main

    out, err, status = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main([str(word) for word in words])
        except SystemExit as end:
            status = int(end.code or 0)
    return Done(status, out.getvalue(), err.getvalue())


def compare(facts: str | Path, out: Path, *words: str | Path | int, settings: tuple[str, ...] = ()) -> Done:
    """Run a tiny comparison in this process, one run at a time unless the words say otherwise."""
    return bothways(*compare_words(facts, out, *words, settings=settings))


def compare_words(
    facts: str | Path, out: Path, *words: str | Path | int, settings: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """Return the command line of a tiny comparison."""
    chosen = [word for setting in (*TINY, *settings) for word in ("--set", setting)]
    some = (() if "--jobs" in words else ("--jobs", "1")), (() if "--seeds" in words else ("--seeds", "1"))
    return tuple(map(str, ("compare", facts, "-o", out, *some[0], *some[1], *words, *chosen)))


def start(*words: str | Path | int, **options: Any) -> "subprocess.Popen[str]":
    """Start a command in a process of its own, whose group it leads."""
    return subprocess.Popen(
        [sys.executable, "-m", "bothways", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **options,
    )


def runs_of(folder: Path) -> dict[str, Path]:
    """Return the run folders of a comparison by their names."""
    return {path.name: path for path in sorted(folder.iterdir()) if (path / "config.yaml").exists()}


def bytes_of(folder: Path, *names: str) -> dict[str, bytes]:
    """Return the content of files of every run of a comparison."""
    return {f"{run}/{name}": (path / name).read_bytes() for run, path in runs_of(folder).items() for name in names}


def measurements(run: Path) -> list[dict[str, Any]]:
    """Return what a run measured, without times and without what it said of damaged checkpoints."""
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    timed = ("seconds", "speed", "warnings")
    return [{key: value for key, value in row.items() if key not in timed} for row in rows]
