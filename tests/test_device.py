"""What an accelerator changes in the loop, shown on a processor."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.command_line import PARTS, bothways, measurements

ALLOWED = ("-W", "error", "-W", "ignore:`torch.jit.script_method` is deprecated:DeprecationWarning")
"""Warnings are errors, but for the one that torch's compiler raises when it is imported."""


def trained(folder: Path, *settings: str) -> Any:
    """Return a small finished run."""
    from tests.worlds import train_once

    from bothways.registry import lookup

    facts = lookup("facts", "bijection")(n=30).make(0)
    return train_once(facts, "masked_diffusion", folder, "training.steps=40", "training.measurements=4", *settings)[0]


def test_losses_may_be_read_late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Left unread for some steps, every loss is in the measurements, and nothing else changes."""
    from bothways.training import loop

    trained(tmp_path / "seen")
    monkeypatch.setitem(loop.UNSEEN, "cpu", 7)
    trained(tmp_path / "unseen")
    assert measurements(tmp_path / "seen") == measurements(tmp_path / "unseen")
    for name in ("result.json", *PARTS):
        assert (tmp_path / "seen" / name).read_bytes() == (tmp_path / "unseen" / name).read_bytes()


def test_a_divergence_that_is_read_late_is_named_by_its_own_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The step in the message is the one whose loss was no number, not the one it was read at."""
    from bothways.errors import GuardError
    from bothways.training import loop

    wild = ("training.learning_rate=1e30", "training.clip=1e30")
    with pytest.raises(GuardError) as at_once:
        trained(tmp_path / "seen", *wild)
    monkeypatch.setitem(loop.UNSEEN, "cpu", 7)
    with pytest.raises(GuardError) as late:
        trained(tmp_path / "unseen", *wild)
    assert str(at_once.value) == str(late.value)


def test_every_measurement_says_how_fast_it_was(tmp_path: Path) -> None:
    """Tokens a second, and the share of the matrix peak, which a model of this size stays far below."""
    for row in trained(tmp_path).history:
        assert row["speed"]["tokens_per_second"] > 0
        assert 0 < row["speed"]["utilisation"] < 1


def test_a_device_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """One sentence, exit status 2, and nothing written."""
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    done = bothways("compare", "bijection:n=20", "--device", "cuda", "-o", tmp_path / "run")
    assert (2, "") == (done.status, done.out)
    assert "finds no CUDA device" in done.complaint[0]
    assert not (tmp_path / "run").exists()
    assert "Did you mean 'cuda'" in bothways("compare", "--device", "cudo", "-o", tmp_path / "run").complaint[0]


@pytest.mark.slow
def test_a_compiled_step_is_the_same_step(repository: Path) -> None:
    """Loss and gradient of a pack and of a lone model, compiled and not, agree to the last digits of fp32."""
    import torch

    program = [sys.executable, *ALLOWED, "-m", "tests.compiling"]
    said = subprocess.run(program, cwd=repository, capture_output=True, text=True, timeout=1200)
    assert 0 == said.returncode, said.stderr
    lines = [json.loads(line) for line in said.stdout.splitlines()]
    steps = [{name: torch.tensor(given) for name, given in line.items()} for line in lines]
    assert [1, 3] == [len(step["loss_P"]) for step in steps]
    for step in steps:
        assert torch.allclose(step["loss_P"], step["compiled_loss_P"], rtol=1e-5)
        assert torch.allclose(step["gradient_PW"], step["compiled_gradient_PW"], rtol=1e-3, atol=1e-6)
