"""Point 3: the same sweep on one core and on two."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench.base import NotMeasured, Pair, Row
from bothways.commands.sweep import sweep

RUNS = 12
SWEEP = {
    "facts": "family:n_families=20",
    "arms": ["causal", "masked_diffusion"],
    "seeds": RUNS // 2,
    "set": {"training.steps": 150, "training.measurements": 5},
}


def make() -> Pair:
    """A sweep of runs of the default width, from the file to the table and the page."""
    if len(os.sched_getaffinity(0)) < 2:
        raise NotMeasured("This machine has one core.")

    def on(jobs: int) -> Callable[[], None]:
        def call() -> None:
            folder = Path(tempfile.mkdtemp())
            done = sweep(SWEEP, out=folder / "sweep", jobs=jobs)
            assert done.failed == 0
            shutil.rmtree(folder)

        return call

    return Pair(on(2), on(1), units=RUNS, repeats=2)


ROWS = [Row("a sweep on two cores", 3, "--jobs 2", "--jobs 1", "run", make, 1.7)]
