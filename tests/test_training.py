"""Training that is stopped, damaged or diverging: what is kept, what is said, and that nothing changes the numbers."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.command_line import PARTS, TINY, WORLD, bothways, bytes_of, compare, measurements, runs_of

ARMS = ("causal", "masked_diffusion", "any_order", "masked_lm", "semantic_permutation", "reverse_training:unit=segment")
QUICK = (*TINY, "model.n_heads=2")


@pytest.fixture(scope="module")
def exam() -> Any:
    """A tiny exam that every run here sits."""
    from bothways.facts.exam import ExamConfig, make_exam
    from bothways.registry import lookup

    return make_exam(lookup("facts", "bijection")(n=40).make(0), ExamConfig(), 0)


def configuration(arm: str, *more: str) -> Any:
    from bothways.arms import parse_arm
    from bothways.config import RunConfig, override

    return parse_arm(arm).config(override(RunConfig(), [*QUICK, *more]), 1)


def train(exam: Any, folder: Path, arm: str = "causal", stop: Callable[[], bool] = lambda: False, *more: str) -> Any:
    """Train a tiny run, or go on with the one in the folder."""
    from bothways.pipeline import run

    return run(configuration(arm, *more), exam, folder, {"run_id": "test", "arm": arm, "seed": 1}, stop)


def train_until(exam: Any, folder: Path, step: int, arm: str = "causal", *more: str) -> None:
    """Train up to a step, counted over all calls in this folder, and be stopped there."""
    from bothways.training.checkpoint import list_checkpoints
    from bothways.training.loop import Interrupted

    begun = max((int(path.name.split("-")[1]) for path in list_checkpoints(folder)), default=0)
    left = iter([False] * (step - begun - 1) + [True])
    with pytest.raises(Interrupted, match=f"step {step}"):
        train(exam, folder, arm, lambda: next(left), *more)


def kept(folder: Path) -> dict[str, Any]:
    """Return everything a finished run keeps that must not depend on how it got there."""
    return {name: (folder / name).read_bytes() for name in ("result.json", *PARTS)} | {"rows": measurements(folder)}


def checkpoints(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*checkpoint*"))


# --- stopped and resumed ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arm", ARMS)
def test_a_stopped_run_ends_where_an_uninterrupted_one_does(arm: str, exam: Any, tmp_path: Path) -> None:
    """Stopped after the first step, in the middle, twice in a row and before the last step: the same bytes."""
    train(exam, tmp_path / "whole", arm)
    for step in (1, 17, 18, 39):
        train_until(exam, tmp_path / "stopped", step, arm)
        assert f"checkpoint-{step}" in checkpoints(tmp_path / "stopped")
        assert not (tmp_path / "stopped" / "result.json").exists()
    train(exam, tmp_path / "stopped", arm)
    assert kept(tmp_path / "whole") == kept(tmp_path / "stopped")
    assert [] == checkpoints(tmp_path / "stopped"), "a finished run keeps no checkpoints"


def test_stopping_changes_nothing_in_half_precision(exam: Any, tmp_path: Path) -> None:
    """The recipe's arithmetic resumes to the same bytes as well."""
    bf16 = "training.precision=bf16"
    train(exam, tmp_path / "whole", "causal", lambda: False, bf16)
    train_until(exam, tmp_path / "stopped", 23, "causal", bf16)
    train(exam, tmp_path / "stopped", "causal", lambda: False, bf16)
    assert kept(tmp_path / "whole") == kept(tmp_path / "stopped")


def test_a_run_killed_between_checkpoints_repeats_the_steps_since(exam: Any, tmp_path: Path) -> None:
    """What was measured after the newest checkpoint is measured again, not twice."""
    train(exam, tmp_path / "whole")
    train_until(exam, tmp_path / "killed", 10)
    (tmp_path / "killed" / "metrics.jsonl").write_text('{"step": 20, "loss": 1, "dev": {}, "seconds": 9}\n{"step": 4')
    train(exam, tmp_path / "killed")
    assert kept(tmp_path / "whole") == kept(tmp_path / "killed")
    assert [20, 40] == [row["step"] for row in measurements(tmp_path / "killed")]


def test_a_finished_run_is_returned_and_not_touched(exam: Any, tmp_path: Path) -> None:
    """Asking for a run that is done reads it."""
    first = train(exam, tmp_path)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file() and path.name != ".lock"}
    again = train(exam, tmp_path)
    assert (first.result, first.scores, first.history) == (again.result, again.scores, again.history)
    assert times == {path: path.stat().st_mtime_ns for path in times}


# --- checkpoints --------------------------------------------------------------------------------------------------


def learner(exam: Any, steps: int, precision: str = "fp32") -> Any:
    """Return what learns, after a few real steps."""
    import torch

    from bothways.pipeline import prepare_run
    from bothways.training.learner import Learner

    config = configuration("causal")
    ready = prepare_run(config, exam)
    made = Learner([ready.model], [(1e-3, 0.01)], precision)
    for step in range(steps):
        made.loss([config.objective.prepare(ready.batches.at(step), torch.Generator().manual_seed(step))])
        made.step(1.0, 1.0)
    return made


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_checkpoint_gives_back_what_was_saved(precision: str, exam: Any, tmp_path: Path) -> None:
    """Weights, moments, step and pending losses come back as they were; two checkpoints are kept."""
    import torch

    from bothways.training.checkpoint import load_newest, save_checkpoint

    saved = learner(exam, 3, precision)
    pending = {"0": {"losses": [0.1, 1 / 3], "entropies": [2.0], "seconds": 1.5}}
    for step in (1, 2, 3):
        save_checkpoint(tmp_path, step, saved, pending)
    assert ["checkpoint-2", "checkpoint-3"] == checkpoints(tmp_path)
    fresh = learner(exam, 0, precision)
    assert (3, pending, []) == load_newest(tmp_path, fresh)
    assert saved.state().keys() == fresh.state().keys() == {"weights", "exp_avg", "exp_avg_sq", "step"}
    assert all(torch.equal(value, fresh.state()[name]) for name, value in saved.state().items())


def test_a_checkpoint_of_another_model_is_refused(exam: Any, tmp_path: Path) -> None:
    """Weights of another number are not squeezed in."""
    from bothways.errors import RunError

    with pytest.raises(RunError, match="another model"):
        learner(exam, 0).restore({"weights": learner(exam, 0).weights_PW[:, 1:]})


def test_an_empty_folder_has_no_checkpoint(exam: Any, tmp_path: Path) -> None:
    """A new run begins at step 0, and leftovers of a crash are no checkpoints."""
    from bothways.training.checkpoint import load_newest

    (tmp_path / ".checkpoint-7.123.tmp").mkdir()
    (tmp_path / "checkpoint-old").mkdir()
    assert (0, {}, []) == load_newest(tmp_path, learner(exam, 0))


def flip(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])


DAMAGES: dict[str, Callable[[Path], Any]] = {
    "a flipped bit": lambda folder: flip(folder / "state.safetensors"),
    "cut short": lambda folder: os.truncate(folder / "state.safetensors", 1000),
    "no weights": lambda folder: (folder / "state.safetensors").unlink(),
    "half a description": lambda folder: os.truncate(folder / "state.json", 20),
    "another step": lambda folder: (folder / "state.json").write_text(
        (folder / "state.json").read_text().replace('"step": 15', '"step": 14')
    ),
    "another description": lambda folder: (folder / "state.json").write_text("[]"),
    "no description": lambda folder: (folder / "state.json").unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_named_and_the_one_before_used(damage: str, exam: Any, tmp_path: Path) -> None:
    """The measurements say which checkpoint was passed over, and the numbers end the same."""
    train(exam, tmp_path / "whole")
    for step in (10, 15):
        train_until(exam, tmp_path / "damaged", step)
    newest = tmp_path / "damaged" / "checkpoint-15"
    DAMAGES[damage](newest)
    run = train(exam, tmp_path / "damaged")
    (warning,) = (warning for row in run.history for warning in row.get("warnings", []))
    assert str(newest) in warning and "The one before it is used" in warning
    assert kept(tmp_path / "whole") == kept(tmp_path / "damaged")


def test_what_a_dead_owner_left_in_a_finished_run_is_cleared(exam: Any, tmp_path: Path) -> None:
    """Killed after its result and before it had tidied up, or in its model's folder, a run keeps no rubbish."""
    train(exam, tmp_path)
    whole = sorted(tmp_path.rglob("*"))
    for name in ("checkpoint-9", ".checkpoint-10.123.tmp"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "state.json").write_text("{")
    (tmp_path / "model" / ".tokenizer.json.123.tmp").write_text("{")
    train(exam, tmp_path)
    assert whole == sorted(tmp_path.rglob("*"))


def test_a_checkpoint_that_cannot_be_written_leaves_the_ones_before(
    exam: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a full disk nothing half-made takes up room, and the newest whole checkpoint is still there."""
    from bothways.training import checkpoint

    made = learner(exam, 1)
    checkpoint.save_checkpoint(tmp_path, 1, made, {})

    def fail(_: Path) -> None:
        raise OSError("no space")

    monkeypatch.setattr(checkpoint, "sync", fail)
    with pytest.raises(OSError, match="no space"):
        checkpoint.save_checkpoint(tmp_path, 2, made, {})
    assert ["checkpoint-1"] == checkpoints(tmp_path)


def test_a_checkpoint_does_not_tell_how_often_a_run_was_stopped(exam: Any, tmp_path: Path) -> None:
    """Weights and both moments of the optimiser are the same to the byte, stopped three times or once."""
    train_until(exam, tmp_path / "once", 30, "masked_diffusion")
    for step in (7, 22, 30):
        train_until(exam, tmp_path / "often", step, "masked_diffusion")
    states = [(tmp_path / name / "checkpoint-30" / "state.safetensors").read_bytes() for name in ("once", "often")]
    assert b"exp_avg_sq" in states[0]
    assert states[0] == states[1]


def test_a_run_without_a_whole_checkpoint_begins_anew(exam: Any, tmp_path: Path) -> None:
    """Where every checkpoint is damaged, each is named and the run starts from its seed."""
    train(exam, tmp_path / "whole")
    for step in (10, 15):
        train_until(exam, tmp_path / "damaged", step)
    for path in (tmp_path / "damaged").glob("checkpoint-*"):
        flip(path / "state.safetensors")
    run = train(exam, tmp_path / "damaged")
    assert [15, 10] == [int(w.split("checkpoint-")[1].split(":")[0]) for w in run.history[0]["warnings"]]
    assert kept(tmp_path / "whole") == kept(tmp_path / "damaged")


# --- measurements -------------------------------------------------------------------------------------------------


def test_measurements_with_a_cut_last_line_are_read_up_to_it(tmp_path: Path) -> None:
    """A killed run loses the line it was writing, and no other."""
    from bothways.training.loop import Metrics, read_rows

    path = tmp_path / "metrics.jsonl"
    rows = [{"step": step, "loss": 1.0, "dev": {}, "seconds": 0.1} for step in (10, 20, 30)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows)[:-15])
    assert rows[:2] == read_rows(path)
    metrics = Metrics(path, 20, {}, [])
    metrics.begin()
    metrics.count(0.5, 0.25)
    metrics.write(30, {"forward": 1.0}, {"tokens_per_second": 1.0})
    assert [10, 20, 30] == [row["step"] for row in read_rows(path)] == [row["step"] for row in metrics.rows]
    assert (0.5, 0.25) == (metrics.rows[-1]["loss"], metrics.rows[-1]["unweighted_ce"])


@given(content=st.text(st.sampled_from('{}[]":,0123 \nsteplo'), max_size=60))
def test_whatever_stands_in_measurements_is_read_or_left_out(tmp_path_factory: Any, content: str) -> None:
    """Lines that are no measurements are passed over without a word."""
    from bothways.training.loop import read_rows

    path = tmp_path_factory.mktemp("rows") / "metrics.jsonl"
    path.write_text(content + '\n{"step": 7}\n')
    assert 7 == read_rows(path)[-1]["step"]


# --- a loss that is not a number ----------------------------------------------------------------------------------


def test_a_loss_that_is_not_a_number_stops_the_run_and_saves_its_state(exam: Any, tmp_path: Path) -> None:
    """The step is named, error.json tells it, and the state before it is a whole checkpoint."""
    from bothways.errors import GuardError
    from bothways.training.checkpoint import read_checkpoint

    with pytest.raises(GuardError, match=r"The loss became \w+ at step \d+\. Lower the learning rate"):
        train(exam, tmp_path, "causal", lambda: False, "training.learning_rate=1e38")
    error = json.loads((tmp_path / "error.json").read_text())
    assert error["step"] > 0
    assert f"at step {error['step']}." in error["error"]
    assert ("test", "causal", 1) == (error["run_id"], error["arm"], error["seed"])
    assert not (tmp_path / "result.json").exists()
    assert error["step"] == read_checkpoint(tmp_path / f"checkpoint-{error['step']}")[1]["step"]


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the first causal run a parameter that is not a number."""
    from bothways import pipeline

    honest = pipeline.train

    def poison(members: Any, *rest: Any) -> Any:
        for member in members:
            if member.folder.name.startswith("causal-s0"):
                next(iter(member.model.parameters())).data.fill_(float("nan"))
        return honest(members, *rest)

    monkeypatch.setattr(pipeline, "train", poison)


@pytest.mark.usefixtures("poisoned")
def test_a_run_that_fails_lets_the_others_finish(tmp_path: Path) -> None:
    """Exit status 3, a sentence, the failed run's state, and everything else as if it had never been there."""
    arms = ("--arms", "causal,both_directions", "--seeds", 2)
    done = compare(WORLD, tmp_path / "run", *arms, "--json")
    assert 3 == done.status
    (line,) = done.complaint
    assert line.startswith("1 run failed") and "at step 0" in line
    assert [(1, 1), (2, 0)] == [(arm["seeds"], arm["failed"]) for arm in done.json["arms"]]
    failed = [path for path in runs_of(tmp_path / "run").values() if (path / "error.json").exists()]
    assert ["causal-s0"] == [path.name.rpartition("-")[0] for path in failed]
    assert (tmp_path / "run" / "report.html").exists()
    again = compare(WORLD, tmp_path / "run", *arms, "--resume")
    assert (3, done.complaint) == (again.status, again.complaint), "the state it failed with is gone on with"


@pytest.mark.usefixtures("poisoned", "undrawn")
def test_a_failed_run_that_is_removed_can_be_trained_again(
    finished: tuple[Path, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the cause and the failed folder gone, the comparison ends like any other."""
    arms = ("--arms", "causal", "--seeds", 2)
    assert 3 == compare(WORLD, tmp_path / "run", *arms).status
    monkeypatch.undo()
    (failed,) = (path for path in runs_of(tmp_path / "run").values() if (path / "error.json").exists())
    for path in sorted(failed.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    assert 0 == compare(WORLD, tmp_path / "run", *arms, "--resume").status
    want = bytes_of(finished[0], "result.json", *PARTS)
    assert {name: want[name] for name in want if name.startswith("causal")} == bytes_of(
        tmp_path / "run", "result.json", *PARTS
    )


@pytest.mark.usefixtures("poisoned")
def test_where_every_run_fails_there_is_no_report(tmp_path: Path) -> None:
    """Exit status 3 and the first run's sentence; no page pretends to have numbers."""
    done = compare(WORLD, tmp_path / "run", "--arms", "causal")
    assert 3 == done.status
    assert 1 == len(done.complaint) and done.complaint[0].startswith("No run finished. The loss became nan at step 0")
    assert "" == done.out
    assert not (tmp_path / "run" / "summary.json").exists()


# --- batches and masks --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ready(exam: Any) -> Callable[[str], Any]:
    """What a run of an arm needs before its first step, made once an arm."""
    from bothways.pipeline import prepare_run

    made: dict[str, Any] = {}

    def prepare(arm: str) -> Any:
        if arm not in made:
            made[arm] = prepare_run(configuration(arm), exam)
        return made[arm]

    return prepare


REWRITING = (
    "causal",
    "semantic_permutation",
    *(f"reverse_training:unit={unit}" for unit in ("entity", "token", "word", "segment")),
)


@settings(max_examples=10)
@pytest.mark.parametrize("arm", REWRITING)
@given(steps=st.lists(st.integers(0, 60), min_size=1, max_size=5))
def test_a_batch_depends_on_its_step_alone(arm: str, steps: list[int], exam: Any, ready: Callable[[str], Any]) -> None:
    """Asked in any order, again and again, a step gives the same rows as batches nobody has asked before."""
    from dataclasses import fields, replace

    import torch

    used = ready(arm).batches
    for step in steps:
        fresh = replace(used, rows=replace(used.rows, _known=(-1, -1, np.zeros(0, int))))
        one, other = used.at(step), fresh.at(step)
        for name in (f.name for f in fields(one)):
            mine, fresh_one = getattr(one, name), getattr(other, name)
            assert torch.equal(mine, fresh_one) if isinstance(mine, torch.Tensor) else mine == fresh_one


@pytest.mark.parametrize("arm", REWRITING)
def test_no_token_is_lost_on_the_way_to_a_batch(arm: str, exam: Any, ready: Callable[[str], Any]) -> None:
    """In every epoch each document comes once, with all its tokens, whatever their order."""
    from dataclasses import replace

    from bothways.tensors import SPECIAL
    from bothways.text.corpus import write_corpus

    run, config = ready(arm), configuration(arm)
    documents = write_corpus(exam, config.text, config.seeds.text).documents
    want = [sorted(run.tokenizer.encode(d.text, d.entities).ids) for d in documents]
    batches = replace(run.batches, batch_size=len(documents))
    orders = set()
    for epoch in range(3):
        batch = batches.at(epoch)
        assert list(range(len(documents))) == sorted(batch.document_B.tolist())
        for row, n in zip(batch.tokens_BL.tolist(), batch.document_B.tolist(), strict=True):
            begin, *inside = row
            inside = inside[: inside.index(SPECIAL.end)]
            assert begin == SPECIAL.begin
            assert want[n] == sorted(token for token in inside if token != SPECIAL.delimiter)
            orders.add((n, tuple(inside)))
    drawn_anew = arm in ("semantic_permutation", "reverse_training:unit=segment")
    assert drawn_anew == (len(orders) > len(documents)), "random orders are redrawn at every visit, others are not"


@settings(max_examples=20)
@pytest.mark.parametrize("arm", ["masked_diffusion", "masked_lm", "any_order", "causal"])
@given(steps=st.lists(st.integers(0, 1000), min_size=1, max_size=4), seed=st.integers(0, 2**20))
def test_masks_depend_on_seed_and_step_alone(
    arm: str, steps: list[int], seed: int, ready: Callable[[str], Any]
) -> None:
    """A generator that has drawn other masks before draws the same ones for a step as a new one."""
    import torch

    objective, batches, used = configuration(arm).objective, ready(arm).batches, torch.Generator()
    for step in steps:
        one = objective.prepare(batches.at(step), used.manual_seed((seed << 32) + step))
        other = objective.prepare(batches.at(step), torch.Generator().manual_seed((seed << 32) + step))
        assert torch.equal(one.input_BL, other.input_BL)
        assert torch.equal(one.weight_BL, other.weight_BL)


# --- who owns a folder --------------------------------------------------------------------------------------------


@pytest.fixture
def owner(tmp_path: Path) -> Any:
    """Another process that owns the folder `owned`, until it is killed."""
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom bothways.disk import own\n"
        "with own(Path(sys.argv[1])):\n    print('mine', flush=True)\n    time.sleep(600)\n"
    )
    words = [sys.executable, "-c", code, str(tmp_path / "owned")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and "mine" == process.stdout.readline().strip()
        yield process
        process.kill()


def test_a_living_owner_is_named_and_a_dead_one_followed(owner: Any, tmp_path: Path) -> None:
    """A folder in use is refused with process and host; once its owner is killed it can be used at once."""
    words = (WORLD, tmp_path / "owned", "--arms", "causal", "--resume")
    done = compare(*words)
    assert (2, 1) == (done.status, len(done.complaint))
    assert f"in use by process {owner.pid} on {socket.gethostname()}" in done.err
    assert [".lock"] == [path.name for path in (tmp_path / "owned").iterdir()]
    owner.kill()
    owner.wait()
    assert 0 == compare(*words).status
    assert 0 == bothways("report", tmp_path / "owned").status


def test_what_a_dead_owner_left_half_written_is_cleared(tmp_path: Path) -> None:
    """Files that were written aside when their process died are removed; what was in place stays."""
    from bothways.disk import own, write_text

    write_text(tmp_path / "exam.json", "{}")
    (tmp_path / ".exam.json.123.tmp").write_text("{")
    with own(tmp_path):
        assert {".lock", "exam.json"} == {path.name for path in tmp_path.iterdir()}


def test_a_lock_says_another_process_where_it_cannot_say_which(owner: Any, tmp_path: Path) -> None:
    """A lock file that holds nonsense still locks."""
    from bothways.disk import own
    from bothways.errors import RunError

    (tmp_path / "owned" / ".lock").write_text("nonsense")
    with pytest.raises(RunError, match="in use by another process"), own(tmp_path / "owned"):
        pass


def test_a_file_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where writing fails, the old file stays and nothing is left beside it."""
    from bothways.disk import write_text

    write_text(tmp_path / "file", "old")

    def fail(_: int) -> None:
        raise OSError("no space")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="no space"):
        write_text(tmp_path / "file", "new")
    assert {"file": "old"} == {path.name: path.read_text() for path in tmp_path.iterdir()}


def test_every_seed_and_step_draws_masks_of_its_own() -> None:
    """A generator on a processor keeps 32 bits of its seed: runs that differ in it alone hide other tokens."""
    import torch

    from bothways.training.loop import draw

    draws = [
        torch.rand(4, generator=torch.Generator().manual_seed(draw(s, t))).tolist() for s in range(5) for t in range(40)
    ]
    assert len({tuple(one) for one in draws}) == 200
