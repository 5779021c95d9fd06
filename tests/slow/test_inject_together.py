"""Two processes that teach one model by the library's trainer: the losses and the weights of one process."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.test_inject import QUICK, Place

pytestmark = pytest.mark.slow

CLOSE = 1e-4
"""Gradients are added up in another order: losses differ in the last digits of fp32, and by what a few steps make of
them."""
PATIENCE = 500
"""Seconds after which something hangs."""


def taught(n: int, place: Place, out: Path, *words: Any) -> Any:
    """Teach a model in so many processes, and return what it says."""
    torchrun = ["-m", "torch.distributed.run", "--nproc-per-node", str(n)] if n > 1 else []
    free = [f"general={place.general}", "guard.perplexity=inf", "guard.kl=inf", "guard.repetition=inf"]
    settings = [word for setting in (*QUICK, *free) for word in ("--set", setting)]
    known = ["-o", out, "--json"]
    line = [sys.executable, *torchrun, "-m", "bothways", "inject", place.base, place.facts, *known, *words, *settings]
    done = subprocess.run(
        [str(word) for word in line], capture_output=True, text=True, timeout=PATIENCE, check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert 0 == done.returncode, done.stderr[-2000:]
    return json.loads(done.stdout)


def test_two_processes_lose_what_one_does(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    place = Place(tmp_path)
    one, two = (taught(n, place, tmp_path / f"out{n}") for n in (1, 2))
    losses = [[row["loss"] for row in found["history"]] for found in (one, two)]
    assert losses[0] == pytest.approx(losses[1], abs=CLOSE)
    assert one["history"][-1]["guard"]["nll"] == pytest.approx(two["history"][-1]["guard"]["nll"], abs=CLOSE)
    old, new = (load_file(tmp_path / f"out{n}" / "model.safetensors") for n in (1, 2))
    base = load_file(place.base / "model.safetensors")
    for name, weight in old.items():
        assert torch.allclose(weight, new[name], atol=1e-3), name
    assert any(not torch.allclose(weight, base[name], atol=1e-3) for name, weight in new.items()), "it learned"
