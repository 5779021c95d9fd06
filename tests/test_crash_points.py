"""A few deaths at chosen touches of the disk; all the others are in `slow/test_crash.py`."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.crashing import Lives, kept

SETTINGS = ("training.steps=3", "training.measurements=1", "training.checkpoint_seconds=0", "model.d_model=16")
WORDS = ["compare", "bijection:n=20", "--arms", "masked_diffusion", "--seeds", "1", "--jobs", "1", "--resume"]
WORDS += [word for setting in SETTINGS for word in ("--set", setting)]
POINTS = (
    "os.rename .checkpoint-3.",
    "open metrics.jsonl",
    "fsync model.safetensors",
    "os.rename .result.json.",
    "os.rename checkpoint-3",
    "os.rename .results.",
)


@pytest.fixture(scope="module")
def lives() -> Iterator[Lives]:
    """Forks of one process that has imported everything."""
    program = Lives()
    yield program
    program.end()


def test_killed_at_a_touch_of_the_disk_a_comparison_ends_the_same(lives: Lives, tmp_path: Path) -> None:
    """Power cut before a checkpoint, a result or the table is in place: the same bytes, and no rubbish."""
    touches = lives.live(WORDS, tmp_path / "whole")["touches"]
    for point in POINTS:
        event, name = point.split()
        touch = next(t for t in touches if t.startswith(event) and f"/{name}" in f"/{t.split()[1]}")
        at, folder = 1 + touches.index(touch), tmp_path / point.replace(" ", "-")
        assert -9 == lives.live(WORDS, folder, at=at, lose=at)["status"]
        ended = lives.live(WORDS, folder)
        assert 0 == ended["status"], ended["said"]
        assert kept(tmp_path / "whole") == kept(folder), touch
