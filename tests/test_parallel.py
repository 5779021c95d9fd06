"""A batch in parts and in several processes: losses and gradients add up to those of the whole batch.

Parts are added up in another order than the whole batch, so sums differ in the last digits of fp32 (2**-24 each, over a
few hundred additions): 1e-5 relative.
"""

from pathlib import Path
from typing import Any

import pytest
from tests.command_line import TINY

CLOSE = 1e-5
ROWS = 13
"""No multiple of anything."""


def objectives() -> list[Any]:
    """One that divides by the weights' sum, one by a number of its own, and one that is causal."""
    from bothways.options import component

    named = ("causal", "masked_diffusion", "masked_diffusion:normalisation=tokens:weighting=inverse_rate")
    return [component("objectives", name) for name in named]


def batches(objective: Any, runs: int) -> list[Any]:
    """What each run sees at its first step."""
    import torch
    from tests.worlds import random_batch

    return [objective.prepare(random_batch(ROWS), torch.Generator().manual_seed(seed)) for seed in range(runs)]


def learner(runs: int, **how: Any) -> Any:
    """Models of one shape that learn."""
    from bothways.models.transformer import TransformerConfig
    from bothways.training.learner import Learner

    shape = TransformerConfig(d_model=48, n_heads=2, d_mlp=32)
    return Learner([shape.build(20, seed) for seed in range(runs)], [(1e-3, 0.01)] * runs, **how)


def is_whole(whole: Any, means: Any, entropies: Any, expected: Any, gradient_PW: Any) -> None:
    """Check losses and gradient against those of a learner that took the batch at once."""
    import torch

    assert torch.allclose(expected.mean, means, rtol=CLOSE)
    assert torch.allclose(expected.unweighted_ce, entropies, rtol=CLOSE)
    assert torch.allclose(whole.gradient_PW, gradient_PW, rtol=CLOSE, atol=CLOSE * float(whole.gradient_PW.abs().max()))


@pytest.mark.parametrize("size", [1, 4, 12, 13, 100])
@pytest.mark.parametrize("runs", [1, 3])
def test_parts_of_a_batch_add_up(size: int, runs: int) -> None:
    """Whatever the objective divides by, however many rows a part has, for one run and for a pack."""
    for objective in objectives():
        prepared, whole, parts = batches(objective, runs), learner(runs), learner(runs, micro_batch=size)
        expected, found = whole.loss(prepared), parts.loss(prepared)
        is_whole(whole, found.mean, found.unweighted_ce, expected, parts.gradient_PW)
        assert expected.counted == found.counted


@pytest.mark.parametrize("n_ranks", [2, 3, 16])
@pytest.mark.parametrize("micro_batch", [0, 2])
def test_shares_of_processes_add_up(n_ranks: int, micro_batch: int) -> None:
    """Uneven shares, and processes without a row: what all of them compute is what one computes."""
    from bothways.training.parallel import Ranks

    class Apart(Ranks):
        """Processes whose sum is taken below."""

        def add(self, *tensors: Any) -> None:
            """Add nothing."""

    for objective in objectives():
        prepared, whole = batches(objective, 2), learner(2)
        expected = whole.loss(prepared)
        shares = [learner(2, micro_batch=micro_batch, ranks=Apart(n_ranks, rank)) for rank in range(n_ranks)]
        losses = [share.loss(prepared) for share in shares]
        means, entropies = (sum(getattr(loss, name) for loss in losses) for name in ("mean", "unweighted_ce"))
        is_whole(whole, means, entropies, expected, sum(share.gradient_PW for share in shares))
        assert {expected.counted} == {loss.counted for loss in losses}


def test_the_pull_towards_symmetry_is_added_once() -> None:
    """It belongs to the weights and not to any rows."""
    prepared = batches(objectives()[0], 1)
    whole, parts = learner(1, symmetry=0.5), learner(1, symmetry=0.5, micro_batch=5)
    expected, found = whole.loss(prepared), parts.loss(prepared)
    is_whole(whole, found.mean, found.unweighted_ce, expected, parts.gradient_PW)


@pytest.mark.parametrize(("rows", "size"), [(7, 3), (3, 7), (0, 2), (8, 1)])
def test_every_row_is_one_process_s(rows: int, size: int) -> None:
    from bothways.training.parallel import Ranks

    places = [place for rank in range(size) for place in range(rows)[Ranks(size, rank).share(rows)]]
    assert list(range(rows)) == places


def run(folder: Path, *settings: str) -> Any:
    """Train a tiny run."""
    from bothways.arms import parse_arm
    from bothways.config import RunConfig, override
    from bothways.facts.exam import ExamConfig, make_exam
    from bothways.pipeline import run as train
    from bothways.registry import lookup

    exam = make_exam(lookup("facts", "bijection")(n=20).make(0), ExamConfig(), 0)
    config = parse_arm("masked_diffusion").config(override(RunConfig(), [*TINY, "model.n_heads=2", *settings]), 1)
    return train(config, exam, folder, {"run_id": "test", "arm": "masked_diffusion", "seed": 1})


def test_a_run_in_parts_has_the_same_losses(tmp_path: Path) -> None:
    """From the first measurement to the last, and its config says that it was in parts."""
    whole, parts = run(tmp_path / "whole"), run(tmp_path / "parts", "training.micro_batch=5")
    for expected, found in zip(whole.history, parts.history, strict=True):
        assert expected["loss"] == pytest.approx(found["loss"], rel=CLOSE)
        assert expected["unweighted_ce"] == pytest.approx(found["unweighted_ce"], rel=CLOSE)
    assert "micro_batch: 5" in (tmp_path / "parts" / "config.yaml").read_text()
    assert "micro_batch" not in (tmp_path / "whole" / "config.yaml").read_text(), "earlier runs keep their names"


def test_a_micro_batch_below_0_is_refused() -> None:
    from bothways.errors import BothwaysError
    from bothways.training.loop import TrainingConfig

    with pytest.raises(BothwaysError, match="micro_batch must be at least 0, got micro_batch=-1"):
        TrainingConfig(micro_batch=-1)


def test_only_one_run_at_a_time_is_trained_by_several_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other executors, and more jobs, are refused in a sentence; alone everything goes."""
    from bothways.errors import BothwaysError
    from bothways.sweeps.executors import base
    from bothways.training.parallel import Ranks

    assert base.choose_executor("process", 3) is not None
    monkeypatch.setattr(base, "here", lambda: Ranks(2, 0))
    assert base.choose_executor("inline", 1) is not None and base.choose_executor(None, None) is None
    with pytest.raises(BothwaysError, match="one run after another, got executor=process"):
        base.choose_executor("process", None)
    with pytest.raises(BothwaysError, match="got jobs=3"):
        base.choose_executor(None, 3)


def test_a_process_that_does_not_know_the_others_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """A size without the rest of what torchrun sets, and fewer accelerators than processes."""
    from tests.command_line import bothways

    from bothways.errors import BothwaysError
    from bothways.training.parallel import own_device

    for name in ("RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WORLD_SIZE", "2")
    done = bothways("env")
    assert 2 == done.status
    (line,) = done.complaint
    assert line.startswith("WORLD_SIZE=2 asks for processes") and "unset WORLD_SIZE" in line
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert 1 == own_device(2)
    with pytest.raises(BothwaysError, match="Process 2 of this machine finds 1 accelerators"):
        own_device(1)
