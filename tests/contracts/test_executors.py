"""What every executor promises: the same bytes, failures written down, and a folder that can be resumed."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.sweeps import results, tiny

HERE = ("inline", "process")
OPTIONS = {"slurm": "slurm:cluster=local:timeout_min=10"}
"""What lets an executor that needs a cluster run on this machine."""


def every_executor() -> list[Any]:
    from bothways.registry import names

    return [pytest.param(name, marks=() if name in HERE else pytest.mark.slow) for name in names("executors")]


EXECUTORS = pytest.mark.parametrize("name", every_executor())
RAY = pytest.mark.filterwarnings(
    "ignore::FutureWarning:ray", "ignore::DeprecationWarning:ray", "ignore::ResourceWarning"
)
"""Ray leaves files open when it ends, and warns of its own future."""


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What the tiny sweep gives in this process."""
    from bothways.commands.sweep import sweep

    folder = tmp_path_factory.mktemp("inline") / "out"
    assert 8 == sweep(tiny(), out=folder, executor="inline").done
    return results(folder)


@RAY
@EXECUTORS
def test_every_executor_gives_the_same_bytes(name: str, expected: dict[str, bytes], tmp_path: Path) -> None:
    from bothways.commands.sweep import sweep

    done = sweep(tiny(), out=tmp_path / "out", jobs=2, executor=OPTIONS.get(name, name))
    assert (8, 8, 0) == (done.planned, done.done, done.failed)
    assert expected == results(tmp_path / "out")
    assert not (tmp_path / "out" / ".stop").exists()


@RAY
@EXECUTORS
def test_a_failure_is_written_down_and_the_others_go_on(name: str, tmp_path: Path) -> None:
    """A loss that is no number, and a folder that cannot be used, each end their own run."""
    from bothways.commands.sweep import make_sweep_plan, sweep

    bad = tiny(seeds=1, grid={"training.learning_rate": [0.001, 1e30], "model.d_model": [16, 48]})
    bad["set"] |= {"training.clip": 1e30}
    out = tmp_path / "out"
    broken = next(run for run in make_sweep_plan(bad, out).runs if run.config.model.d_model == 48)
    (out / "exams").mkdir(parents=True)
    broken.folder.mkdir()
    (broken.folder / "metrics.jsonl").mkdir()
    done = sweep(bad, out=out, jobs=2, executor=OPTIONS.get(name, name), resume=True)
    assert (4, 1, 3) == (done.planned, done.done, done.failed)
    table = done.to_pandas().set_index("run_id")
    for run_id, row in table[table.status == "failed"].iterrows():
        assert row.error == json.loads((out / str(run_id) / "error.json").read_text())["error"]
    assert "IsADirectoryError" in table.error[broken.run_id]
    assert table[table["training.learning_rate"] > 1].error.str.contains("at step").all()
    (broken.folder / "metrics.jsonl").rmdir()
    again = sweep(bad, out=out, jobs=2, executor=OPTIONS.get(name, name), resume=True)
    assert (2, 2) == (again.done, again.failed)
    assert not (broken.folder / "error.json").exists()
