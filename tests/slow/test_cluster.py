"""A Ray cluster that loses a machine in the middle of a sweep, and Slurm jobs that are killed."""

import contextlib
import json
import logging
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.sweeps import TINY, results, tiny

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings(
        "ignore::FutureWarning:ray", "ignore::DeprecationWarning:ray", "ignore::ResourceWarning"
    ),
]

STEPS = 1000
LONG = tiny(
    seeds=2,
    set={**TINY, "training.steps": STEPS, "training.measurements": 10, "training.checkpoint_seconds": 1.0},
    grid={"model.d_model": [40, 48]},
)
"""Four lone runs that take long enough to lose their machine on the way."""


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A head that runs nothing, two machines of one core each, and this process connected to them."""
    import ray
    from ray.cluster_utils import Cluster

    found = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    try:
        found.nodes = [found.add_node(num_cpus=1), found.add_node(num_cpus=1)]
        found.wait_for_nodes()
        ray.init(address=found.address, log_to_driver=False, logging_level=logging.ERROR)
        yield found
    finally:
        ray.shutdown()
        found.shutdown()


class Witness:
    """Sees when each result is written, and does something once when runs are under way."""

    def __init__(self, folder: Path, n_under_way: int, act: Callable[[list[Path]], None]) -> None:
        self.folder, self.n, self.act = folder, n_under_way, act
        self.acted = False
        self.ended: dict[str, int] = {}

    def __call__(self, runs: object, cells: object) -> Any:
        return contextlib.nullcontext(self.look)

    def look(self) -> None:
        for path in self.folder.glob("*/result.json"):
            self.ended.setdefault(path.parent.name, path.stat().st_mtime_ns)
        begun = [path.parent for path in self.folder.glob("*/metrics.jsonl") if path.stat().st_size]
        under_way = sorted(run for run in begun if not (run / "result.json").exists())
        if not self.acted and len(under_way) >= self.n:
            self.acted = True
            self.act(under_way)

    def ended_once(self) -> None:
        """Check that no result was written again after it was first seen, and no step measured twice."""
        now = {path.parent.name: path.stat().st_mtime_ns for path in self.folder.glob("*/result.json")}
        assert self.ended.items() <= now.items()
        for run in now:
            rows = [json.loads(line) for line in (self.folder / run / "metrics.jsonl").read_text().splitlines()]
            steps = [row["step"] for row in rows]
            assert steps == sorted(set(steps)) and steps[-1] == STEPS


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What the sweep gives where nothing dies."""
    from bothways.commands.sweep import sweep

    folder = tmp_path_factory.mktemp("whole") / "out"
    sweep(LONG, out=folder, executor="inline")
    return results(folder)


def test_a_sweep_outlives_a_machine_of_its_ray_cluster(
    cluster: Any, expected: dict[str, bytes], tmp_path: Path
) -> None:
    """Runs of the lost machine go on elsewhere from their checkpoints, and every run ends once, to the same bytes."""
    from bothways.commands.sweep import sweep

    lost = Witness(tmp_path / "out", 2, lambda under_way: cluster.remove_node(cluster.nodes[1], allow_graceful=False))
    done = sweep(LONG, out=tmp_path / "out", executor="ray", progress=lost)
    assert lost.acted
    assert (4, 4, 0) == (done.planned, done.done, done.failed)
    assert expected == results(tmp_path / "out")
    lost.ended_once()


def kill_owner(under_way: list[Path]) -> None:
    """Kill the process that trains a run."""
    os.kill(json.loads((under_way[0] / ".lock").read_text())["pid"], signal.SIGKILL)


@pytest.mark.parametrize("executor", ["slurm:cluster=local:timeout_min=10", "ray"])
def test_a_job_that_is_killed_goes_on(executor: str, expected: dict[str, bytes], tmp_path: Path) -> None:
    """A run whose process dies is begun again, from its checkpoint."""
    from bothways.commands.sweep import sweep

    killed = Witness(tmp_path / "out", 1, kill_owner)
    done = sweep(LONG, out=tmp_path / "out", jobs=2, executor=executor, progress=killed)
    assert killed.acted
    assert (4, 4, 0) == (done.planned, done.done, done.failed)
    assert expected == results(tmp_path / "out")
    killed.ended_once()


@pytest.mark.parametrize("executor", ["slurm:cluster=local:timeout_min=10", "ray"])
def test_ctrl_c_stops_tasks_elsewhere(executor: str, expected: dict[str, bytes], tmp_path: Path) -> None:
    """Tasks in other processes are asked through the disk; they save their state, and the sweep goes on."""
    from bothways.commands.sweep import sweep
    from bothways.errors import Stopped

    stop = Witness(tmp_path / "out", 1, lambda under_way: os.kill(os.getpid(), signal.SIGINT))
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Stopped, match="go on with --resume"):
        sweep(LONG, out=tmp_path / "out", jobs=2, executor=executor, progress=stop)
    assert before == signal.getsignal(signal.SIGTERM)
    assert not (tmp_path / "out" / ".stop").exists()
    assert len(results(tmp_path / "out")) < 4
    done = sweep(LONG, out=tmp_path / "out", executor="inline", resume=True)
    assert (4, 0) == (done.done, done.failed)
    assert expected == results(tmp_path / "out")
    stop.ended_once()
