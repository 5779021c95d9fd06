"""Runs that are stopped, damaged or diverge: what is lost, and what is not."""

import json

import pytest

SETTINGS = ("training.steps=24", "model.d_model=16", "model.d_mlp=32", "batches.batch_size=8")


@pytest.fixture
def start():
    """Train one small run into a folder, maybe stopping it after some steps."""
    from tests.worlds import small_config

    from bothways.arms import parse_arm
    from bothways.facts.exam import ExamConfig, make_exam
    from bothways.pipeline import run
    from bothways.registry import lookup

    exam = make_exam(lookup("facts", "bijection")(n=20).make(0), ExamConfig(), 0)

    def go(folder, *settings, stop_after=None):
        config = parse_arm("masked_diffusion").config(small_config(*SETTINGS, *settings), 0)
        asked = iter(range(10_000))
        stop = (lambda: next(asked) >= stop_after) if stop_after is not None else (lambda: False)
        return run(config, exam, folder, {"run_id": "r", "arm": "masked_diffusion", "seed": 0}, stop)

    return go


def kept(folder):
    """Everything a run leaves that may not depend on when it was stopped."""
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    for row in rows:
        del row["seconds"], row["speed"]
        row.pop("warnings", None)
    names = ("result.json", "samples.jsonl", "model/model.safetensors")
    return rows, [(folder / name).read_bytes() for name in names]


@pytest.mark.parametrize("stop_after", [0, 7, 20])
def test_a_stopped_run_ends_as_if_it_had_not_been(start, tmp_path, stop_after):
    """Stopped after any step and started again, a run leaves the same bytes."""
    from bothways.training.loop import Interrupted

    start(tmp_path / "whole")
    with pytest.raises(Interrupted, match="stopped after step"):
        start(tmp_path / "half", stop_after=stop_after)
    start(tmp_path / "half")
    assert kept(tmp_path / "half") == kept(tmp_path / "whole")


def test_a_damaged_checkpoint_is_named_and_the_one_before_it_used(start, tmp_path):
    """A newest checkpoint that was altered costs the steps since the one before, and nothing else."""
    from bothways.training.checkpoint import list_checkpoints
    from bothways.training.loop import Interrupted

    start(tmp_path / "whole")
    for stop_after in (5, 5):  # steps 6 and 12
        with pytest.raises(Interrupted, match="stopped after step"):
            start(tmp_path / "half", stop_after=stop_after)
    newest = list_checkpoints(tmp_path / "half")[-1] / "state.safetensors"
    newest.write_bytes(newest.read_bytes()[:-1] + b"?")
    start(tmp_path / "half")
    assert kept(tmp_path / "half") == kept(tmp_path / "whole")
    assert "was altered or cut short" in (tmp_path / "half" / "metrics.jsonl").read_text()


def test_a_loss_that_is_no_number_stops_the_run_with_its_state(start, tmp_path):
    """The step is named, error.json is written, and the state before it is there."""
    from bothways.errors import GuardError
    from bothways.training.checkpoint import list_checkpoints

    with pytest.raises(GuardError, match="at step"):
        start(tmp_path, "training.learning_rate=1e30", "training.clip=1e30")
    assert "at step" in json.loads((tmp_path / "error.json").read_text())["error"]
    assert list_checkpoints(tmp_path)
    assert not (tmp_path / "result.json").exists()


def test_a_batch_depends_on_its_step_alone():
    """Whatever was asked for before, a step's batch is the same."""
    from tests.worlds import small_config

    from bothways.facts.exam import ExamConfig, make_exam
    from bothways.pipeline import prepare_run
    from bothways.registry import lookup

    exam = make_exam(lookup("facts", "bijection")(n=20).make(0), ExamConfig(), 0)
    one, other = (prepare_run(small_config(), exam).batches for _ in range(2))
    forwards = {step: one.at(step) for step in range(6)}
    backwards = {step: other.at(step) for step in reversed(range(6))}
    assert all(forwards[step].tokens_BL.equal(backwards[step].tokens_BL) for step in range(6))


def test_a_second_owner_is_refused_with_pid_and_host(tmp_path):
    """Two processes never write one folder; the message names the owner."""
    import os
    import socket
    import subprocess
    import sys

    from bothways.disk import own
    from bothways.errors import RunError

    code = (
        "import pathlib, bothways.disk\nwith bothways.disk.own(pathlib.Path({!r})): print('owned', flush=True); input()"
    )
    hold = code.format(str(tmp_path))
    with subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"owned\n"
        with pytest.raises(RunError, match=f"process {owner.pid} on {socket.gethostname()}"), own(tmp_path):
            pass
        owner.kill()
        owner.wait()
    with own(tmp_path, patience=10.0):
        assert json.loads((tmp_path / ".lock").read_text())["pid"] == os.getpid()
