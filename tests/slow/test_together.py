"""Two processes that train one run: what one process gives, stopped together, and ended where one of them dies."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

CLOSE = 1e-5
"""Gradients are added up in another order, so losses differ in the last digits of fp32, and by what 40 steps make of
them."""
WEIGHTS = 1e-4
"""The same of each matrix, as a share of its norm: where a gradient is rounding and little else, AdamW makes a whole
step of it, and single weights move further."""
SETTINGS = (
    "training.steps=40", "training.measurements=4", "training.precision=fp32", "model.d_model=48", "model.d_mlp=64",
    "batches.batch_size=15",
)  # fmt: skip
WORDS = ("compare", "bijection:n=20", "--seeds", "1", *(word for setting in SETTINGS for word in ("--set", setting)))
ARMS = ("--arms", "causal,masked_diffusion")
ENDLESS = ("--arms", "causal", "--set", "training.steps=100000", "--set", "training.measurements=2")
PATIENCE = 240
"""Seconds after which something hangs."""


def command(n: int, *words: Any) -> list[str]:
    """Return the command line that starts so many processes."""
    torchrun = ["-m", "torch.distributed.run", "--nproc-per-node", str(n)] if n > 1 else []
    return [sys.executable, *torchrun, "-m", "bothways", *map(str, words)]


def ended(n: int, *words: Any) -> "subprocess.CompletedProcess[str]":
    """Run a command in so many processes."""
    return subprocess.run(command(n, *words), capture_output=True, text=True, timeout=PATIENCE, check=False)


def runs(folder: Path) -> dict[str, tuple[list[dict[str, Any]], Any]]:
    """Return what each run of a comparison measured, and its weights, by its arm and seed."""
    from safetensors.torch import load_file

    return {
        path.parent.name.rpartition("-")[0]: (
            [json.loads(line) for line in (path.parent / "metrics.jsonl").read_text().splitlines()],
            load_file(path.parent / "model" / "model.safetensors"),
        )
        for path in sorted(folder.glob("*/result.json"))
    }


def are_alike(one: Path, two: Path) -> None:
    """Check that two comparisons measured the same and ended with the same weights."""
    found, others = runs(one), runs(two)
    assert 2 == len(found) and found.keys() == others.keys()
    for (rows, weights), (other_rows, other_weights) in zip(found.values(), others.values(), strict=True):
        assert [row["step"] for row in rows] == [row["step"] for row in other_rows]
        for name in ("loss", "unweighted_ce"):
            assert [row[name] for row in rows] == pytest.approx([row[name] for row in other_rows], rel=CLOSE)
        far = {name: (without_noise(name, weights) - without_noise(name, other_weights)).norm() for name in weights}
        assert {} == {name: apart for name, apart in far.items() if not apart <= WEIGHTS * weights[name].norm()}


def without_noise(name: str, weights: Any) -> Any:
    """Return some weights; of the biases of attention those of keys are 0, on which nothing depends."""
    import torch

    if not name.endswith("qkv.bias"):
        return weights[name]
    query, key, value = weights[name].chunk(3)
    return torch.cat([query, torch.zeros_like(key), value])


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The comparison that one process makes."""
    folder = tmp_path_factory.mktemp("alone") / "run"
    done = ended(1, *WORDS, *ARMS, "--jobs", 1, "-o", folder)
    assert 0 == done.returncode, done.stderr
    return folder


def test_two_processes_train_what_one_does(alone: Path, tmp_path: Path) -> None:
    """A batch of 15 rows, of which one takes 7 and the other 8, at most 3 at once; only the first speaks and writes."""
    done = ended(2, *WORDS, *ARMS, "--set", "training.micro_batch=3", "-o", tmp_path / "run", "--json")
    assert 0 == done.returncode, done.stderr
    assert 1 == len(done.stdout.splitlines()) and json.loads(done.stdout)["run"] == str(tmp_path / "run")
    assert {2} == {json.loads(path.read_text())["processes"] for path in (tmp_path / "run").glob("*/meta.json")}
    found = sorted(path.name for path in (tmp_path / "run").glob("*/*"))
    assert found == sorted(path.name for path in alone.glob("*/*"))
    are_alike(alone, tmp_path / "run")


def test_a_run_of_two_processes_goes_on_from_a_checkpoint(alone: Path, tmp_path: Path) -> None:
    """Stopped politely in the middle, it says so, saves once, and ends where one process does."""
    words = (*WORDS, *ARMS, "-o", tmp_path / "run", "--resume")
    process = subprocess.Popen(command(2, *words), stderr=subprocess.PIPE, text=True, start_new_session=True)
    wait_for(lambda: any((tmp_path / "run").glob("*/metrics.jsonl")), process)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=PATIENCE)
    assert "Stopped. Finished runs are kept" in said, said
    assert not list((tmp_path / "run").glob("masked_diffusion*/result.json")), "it came to its end before it was asked"
    done = ended(2, *words)
    assert 0 == done.returncode, done.stderr
    are_alike(alone, tmp_path / "run")


def wait_for(happens: Any, process: "subprocess.Popen[str]") -> None:
    """Wait until something happens, as long as the process lives and there is patience."""
    deadline = time.monotonic() + PATIENCE
    while not happens():
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail("it did not happen")
        time.sleep(0.01)


@pytest.mark.parametrize("victim", [0, 1])
def test_where_one_process_dies_the_other_ends_with_a_sentence(victim: int, tmp_path: Path) -> None:
    """Nobody watches over these two, as torchrun would: the one that is left finds out by itself."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    where = os.environ | {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    both = [
        subprocess.Popen(
            command(1, *WORDS, *ENDLESS, "-o", tmp_path / "run"),
            stderr=subprocess.PIPE, text=True, env=where | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank in range(2)
    ]  # fmt: skip
    try:
        wait_for(lambda: any((tmp_path / "run").glob("*/checkpoint-*")), both[1])
        both[victim].kill()
        _, said = both[1 - victim].communicate(timeout=PATIENCE)
    finally:
        for process in both:
            process.kill()
            process.communicate()
    assert 2 == both[1 - victim].returncode, said
    last = said.splitlines()[-1]
    assert "A process that trains along has ended or does not answer" in last and "--resume" in last


def test_a_bad_option_ends_all_processes_with_one_sentence() -> None:
    """Nothing is trained, nobody waits, and torchrun's own words stand below."""
    done = ended(2, "study", "open-questions", "--quick", "--executor", "process")
    assert done.returncode
    assert 1 == done.stderr.count("2 processes that train together take one run after another, got executor=process.")
