"""Runs that train together: what each gives is what it gives alone."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.command_line import PARTS, measurements

SETTINGS = (
    "model.n_layers=1", "model.d_model=20", "model.n_heads=1", "model.d_mlp=80", "batches.batch_size=16",
    "training.steps=60", "training.measurements=3",
)  # fmt: skip
ARMS = ("causal", "masked_diffusion:normalisation=tokens:weighting=inverse_rate", "any_order")


@pytest.fixture(scope="module")
def exam_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a tiny exam that every run here sits."""
    from bothways.facts.exam import ExamConfig, make_exam
    from bothways.registry import lookup

    path = tmp_path_factory.mktemp("exam") / "exam.json"
    path.write_text(json.dumps(make_exam(lookup("facts", "bijection")(n=40).make(0), ExamConfig(), 0).to_json()))
    return path


def plan(arm: str, seeds: int, folder: Path, exam_file: Path, *more: str, rates: tuple[float, ...] = (4e-3,)) -> Any:
    """Return planned runs of one shape: seeds, at several learning rates."""
    from bothways.arms import parse_arm
    from bothways.config import RunConfig, override
    from bothways.runs import Planned

    base = override(RunConfig(), [*SETTINGS, *more])
    return [
        Planned(
            run_id=(name := f"r{n}-s{seed}"), arm=arm, seed=seed, folder=folder / name, exam=exam_file,
            config=override(parse_arm(arm).config(base, seed), [f"training.learning_rate={rate}"]),
            about={"run_id": name, "arm": arm, "seed": seed},
        )
        for n, rate in enumerate(rates) for seed in range(seeds)
    ]  # fmt: skip


def alone(planned: Any) -> list[Any]:
    from bothways.pipeline import run
    from bothways.runs import load_exam

    return [run(one.config, load_exam(one.exam), one.folder, one.about) for one in planned]


def kept(run: Path) -> dict[str, Any]:
    return {name: (run / name).read_bytes() for name in ("result.json", *PARTS)} | {"rows": measurements(run)}


@pytest.mark.parametrize("positions", ["none", "learned", "rotary", "alibi"])
@pytest.mark.parametrize(("tied", "causal"), [(True, True), (False, False)])
def test_a_pack_computes_what_its_models_compute(positions: str, tied: bool, causal: bool) -> None:
    """Loss and gradient of every member are those of a model that computes without the leading axis."""
    import torch
    from tests.worlds import random_batch

    from bothways.models.transformer import TransformerConfig
    from bothways.objectives.masked_diffusion import MaskedDiffusion
    from bothways.training.learner import Learner

    shape = TransformerConfig(d_model=48, n_heads=2, d_mlp=32, positions=positions, tied=tied)
    prepared = [MaskedDiffusion().prepare(random_batch(8), torch.Generator().manual_seed(s)) for s in range(3)]
    packed = Learner([shape.build(20, s) for s in range(3)], [(1e-3, 0.01)] * 3)
    loss = packed.loss(prepared)
    for s in range(3):
        lone = Learner([shape.build(20, s)], [(1e-3, 0.01)])
        assert torch.allclose(lone.loss(prepared[s : s + 1]).mean, loss.mean[s], rtol=1e-5)
        assert torch.allclose(lone.gradient_PW[0], packed.gradient_PW[s], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("arm", ARMS)
def test_a_run_is_the_same_alone_and_in_company(arm: str, exam_file: Path, tmp_path: Path) -> None:
    """Two seeds at two learning rates: every loss on the way, the model and the result, to the byte."""
    from bothways.pipeline import run_pack

    short = ("training.steps=20", "training.measurements=20")
    lone = plan(arm, 2, tmp_path / "alone", exam_file, *short, rates=(4e-3, 1e-3))
    alone(lone)
    packed = plan(arm, 2, tmp_path / "packed", exam_file, *short, rates=(4e-3, 1e-3))
    run_pack(packed, tmp_path / "pack")
    for one, other in zip(lone, packed, strict=True):
        assert list(range(1, 21)) == [row["step"] for row in measurements(one.folder)]
        assert kept(one.folder) == kept(other.folder)


def test_members_differ(exam_file: Path, tmp_path: Path) -> None:
    """Seeds and learning rates act on their own member alone."""
    from bothways.pipeline import run_pack

    runs = run_pack(plan("causal", 2, tmp_path, exam_file, rates=(4e-3, 1e-3)), tmp_path / "pack")
    assert 4 == len({run.result["loss"] for run in runs})
    assert not (tmp_path / "pack").exists()


def test_a_stopped_pack_ends_where_an_undisturbed_one_does(exam_file: Path, tmp_path: Path) -> None:
    """Stopped twice, and once more while it is examined, it is resumed as one, to the same bytes."""
    from bothways import pipeline
    from bothways.training.loop import Interrupted

    whole = plan("masked_diffusion", 3, tmp_path / "whole", exam_file)
    pipeline.run_pack(whole, tmp_path / "pack-whole")
    half = plan("masked_diffusion", 3, tmp_path / "half", exam_file)
    for after in (7, 13):
        left = iter([False] * after + [True])
        with pytest.raises(Interrupted):
            pipeline.run_pack(half, tmp_path / "pack", lambda left=left: next(left))
        assert list((tmp_path / "pack").glob("*/checkpoint-*"))
    (half[1].folder / "model").mkdir(parents=True)
    (half[1].folder / "model" / "model.json").mkdir()  # cannot be written: the second member's end fails
    with pytest.raises(OSError, match="directory"):
        pipeline.run_pack(half, tmp_path / "pack")
    assert (half[0].folder / "result.json").exists() and not (half[1].folder / "result.json").exists()
    (half[1].folder / "model" / "model.json").rmdir()
    pipeline.run_pack(half, tmp_path / "pack")
    for one, other in zip(whole, half, strict=True):
        assert kept(one.folder) == kept(other.folder)


def test_what_a_killed_pack_wrote_aside_is_cleared_when_it_goes_on(exam_file: Path, tmp_path: Path) -> None:
    """Half a checkpoint and half of one that was being removed are gone before the first step."""
    from bothways.pipeline import run_pack
    from bothways.training.loop import Interrupted

    planned, part = plan("causal", 2, tmp_path, exam_file), tmp_path / "pack" / "0"
    for name in (".checkpoint-9.1234.tmp", ".checkpoint-3.old.tmp"):
        (part / name).mkdir(parents=True)
        (part / name / "state.safetensors").write_bytes(b"half")
    with pytest.raises(Interrupted):
        run_pack(planned, tmp_path / "pack", lambda: True)
    assert ["checkpoint-1"] == [path.name for path in part.iterdir()]


def test_packs_that_are_done_leave_no_folder(exam_file: Path, tmp_path: Path) -> None:
    """Nor does a resumed one whose owner died when all its runs were done; the state of another pack is kept."""
    from bothways.sweeps.execute import run_many
    from bothways.sweeps.packs import as_task

    done, other = as_task(plan("causal", 2, tmp_path, exam_file)), tmp_path / "packs" / "other" / "0" / "checkpoint-1"
    other.mkdir(parents=True)
    run_many([done])
    assert ["other"] == [path.name for path in (tmp_path / "packs").iterdir()]
    shutil.rmtree(tmp_path / "packs" / "other")
    (done.folder / "0" / "checkpoint-60").mkdir(parents=True)
    run_many([done])
    assert not (tmp_path / "packs").exists()


def test_a_member_that_diverges_ends_alone(exam_file: Path, tmp_path: Path) -> None:
    """Its error is written down with the step; the others give what they give without it; a retry says the same."""
    from bothways.errors import GuardError
    from bothways.pipeline import run_pack

    wild = ("training.clip=1e30",)
    planned = plan("causal", 1, tmp_path / "mixed", exam_file, *wild, rates=(1e-3, 1e30, 2e-3))
    for _ in range(2):
        ends = run_pack(planned, tmp_path / "pack")
        assert isinstance(ends[1], GuardError) and "at step" in str(ends[1])
        assert "at step" in json.loads((planned[1].folder / "error.json").read_text())["error"]
    tame = plan("causal", 1, tmp_path / "tame", exam_file, *wild, rates=(1e-3, 2e-3))
    for end, one in zip((ends[0], ends[2]), run_pack(tame, tmp_path / "pack-tame"), strict=True):
        assert measurements(end.folder) == measurements(one.folder)


def test_a_pack_of_which_nobody_is_left_says_it_of_every_member(exam_file: Path, tmp_path: Path) -> None:
    """Each run has its own error, with the step of its own; nothing is raised, so that other packs go on."""
    from bothways.errors import GuardError
    from bothways.pipeline import run_pack

    planned = plan("causal", 1, tmp_path / "wild", exam_file, "training.clip=1e30", rates=(1e30, 1e35))
    for end, one in zip(run_pack(planned, tmp_path / "pack"), planned, strict=True):
        assert isinstance(end, GuardError)
        assert str(end) == json.loads((one.folder / "error.json").read_text())["error"]


def test_members_of_other_sizes_train_beside_each_other(exam_file: Path, tmp_path: Path) -> None:
    """Where words or rows differ in number, a pack falls into parts, and every run ends."""
    from dataclasses import replace

    from bothways.facts.exam import ExamConfig, make_exam
    from bothways.pipeline import run_pack
    from bothways.registry import lookup

    other = tmp_path / "other.json"
    other.write_text(json.dumps(make_exam(lookup("facts", "bijection")(n=30).make(1), ExamConfig(), 0).to_json()))
    planned = plan("causal", 4, tmp_path, exam_file)
    planned = [replace(one, exam=other) if n % 2 else one for n, one in enumerate(planned)]
    runs = run_pack(planned, tmp_path / "pack")
    assert [one.run_id for one in planned] == [run.result["run_id"] for run in runs]
    assert 2 == len({run.result["exam"] for run in runs})


def test_a_pack_in_bf16_learns_what_runs_in_fp32_learn(exam_file: Path, tmp_path: Path) -> None:
    """Six seeds of width 20: the share of forward questions right, on average, is the same within a twentieth."""
    import numpy as np

    from bothways.pipeline import run_pack

    long = ("training.steps=500", "training.learning_rate=0.01", "training.measurements=1")

    def forward(precision: str) -> float:
        runs = run_pack(
            plan("causal", 6, tmp_path / precision, exam_file, *long, f"training.precision={precision}", rates=(0.01,)),
            tmp_path / f"pack-{precision}",
        )
        return float(np.mean([run.result["scores"]["forward"]["accuracy"] for run in runs]))

    exact, fast = forward("fp32"), forward("bf16")
    assert exact >= 0.8
    assert exact == pytest.approx(fast, abs=0.05)
