"""A study that is interrupted ends, resumed, with the verdicts of one that nobody disturbed; and all of it runs."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.small_study import small_groups

pytestmark = pytest.mark.slow

PROGRAM = Path(__file__).resolve().parents[1] / "small_study.py"
SMALL = {"study": "training-dynamics", "steps": 300, "only": ["reversal", "bilinear 16"]}
WORDS = ("study", "training-dynamics", "--quick", "--seeds", "2", "--jobs", "1")
PATIENCE = 600
"""Seconds after which something hangs."""
TOO_SHORT = re.compile(r"never came below|has no advantage|never knew|was never specific|not finite")
"""What a claim may say of models that learned next to nothing."""


def start(folder: Path, *words: str) -> "subprocess.Popen[str]":
    """Start the small study in a process of its own."""
    line = [sys.executable, str(PROGRAM), json.dumps(SMALL), *WORDS, "-o", str(folder), *words]
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def decided(folder: Path) -> dict[str, Any]:
    """Return what a study's ledger says, without times."""
    data = json.loads((folder / "claims.json").read_text(encoding="utf-8"))
    assert 0 < sum([claim.pop("seconds") for claim in data["claims"]])
    return data


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small study that nobody disturbed."""
    folder = tmp_path_factory.mktemp("whole") / "study"
    process = start(folder)
    out, err = process.communicate(timeout=PATIENCE)
    assert 0 == process.returncode, err
    assert "TD-1 " in out
    return folder


def wait_for(happens: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    """Wait until something happens, as long as the process lives and there is patience."""
    deadline = time.monotonic() + PATIENCE
    while not happens():
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"it did not happen: {process.communicate()}")
        time.sleep(0.02)


@pytest.mark.parametrize("finished", [0, 2])
def test_a_study_that_is_told_to_stop_goes_on_to_the_same_verdicts(
    finished: int, undisturbed: Path, tmp_path: Path
) -> None:
    """Within the first run, and between others; nothing is decided before all is run."""
    folder = tmp_path / "study"
    process = start(folder)
    wait_for(
        lambda: finished <= len(list(folder.glob("*/result.json"))) and any(folder.glob("*/metrics.jsonl")), process
    )
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=PATIENCE)
    assert 130 == process.returncode, said
    assert finished <= len(list(folder.glob("*/result.json"))) < 4
    assert not (folder / "claims.json").exists()

    refused = start(folder)
    _, said = refused.communicate(timeout=PATIENCE)
    assert 2 == refused.returncode and "--resume" in said

    resumed = start(folder, "--resume")
    _, said = resumed.communicate(timeout=PATIENCE)
    assert 0 == resumed.returncode, said
    assert decided(undisturbed) == decided(folder)


@pytest.mark.parametrize("name", ["training-dynamics", "masked-diffusion", "open-questions"])
def test_every_quick_run_runs_and_gives_what_claims_read(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After one step nothing is learned, yet every number that a claim asks for is there."""
    from bothways.commands.study import study

    monkeypatch.setattr(*small_groups(name, 1)[:1], "groups", small_groups(name, 1)[1])
    done = study(name, quick=True, seeds=1, jobs=1, out=tmp_path / "study")
    assert () == done.errors
    unread = [part["why"] for row in done.rows for part in row["parts"] if part["why"]]
    assert [] == [why for why in unread if not TOO_SHORT.search(why)]
    assert (tmp_path / "study" / "report.html").read_text(encoding="utf-8").rstrip().endswith("</html>")
