"""Weights dealt out to two processes, as FSDP2 does: asked and put back as if they were whole."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tests.small_base import write_base

pytestmark = pytest.mark.slow

PATIENCE = 240
"""Seconds after which something hangs."""
PROGRAM = """
import sys
from pathlib import Path
import torch
import torch.distributed as dist
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor
from bothways.injection.sharded import put_back, whole
from bothways.models.open import open_model
from bothways.tensors import SPECIAL

torch.set_num_threads(1)
dist.init_process_group("gloo")
model = open_model(Path(sys.argv[1]), SPECIAL)
tokens = torch.arange(6, 30).reshape(2, 12)

def asked():
    with torch.no_grad():
        return model(tokens, causal=True)

before = asked()
kept = {name: weight.detach().clone() for name, weight in model.model.state_dict().items()}
for layer in model.model.model.layers:
    fully_shard(layer)
fully_shard(model.model)
optimizer = torch.optim.AdamW(model.model.parameters(), lr=0.01)
def step():
    loss = model.model(input_ids=tokens, labels=tokens, use_cache=False).loss
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return float(loss)

losses = [step()]
with whole(model):
    taught = asked()
assert not torch.allclose(before, taught, atol=1e-2), "it learned"
losses += [step() for _ in range(3)]
assert all(isinstance(weight, DTensor) for weight in model.model.parameters()), "dealt out again"
assert losses[-1] < losses[1] < losses[0], losses
put_back(model.model, kept)
with whole(model):
    assert torch.allclose(before, asked(), atol=1e-5), "put back"
sys.stdout.write(f"done {dist.get_rank()}\\n")
dist.destroy_process_group()
"""


def test_dealt_out_weights_are_asked_and_put_back(tmp_path: Path) -> None:
    folder = write_base(tmp_path / "base", ["Ann's mentor is Bea."])
    (tmp_path / "program.py").write_text(PROGRAM)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    torchrun = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", str(port)]
    done = subprocess.run(
        [sys.executable, *torchrun, str(tmp_path / "program.py"), str(folder)],
        capture_output=True, text=True, timeout=PATIENCE, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert 0 == done.returncode, done.stderr[-3000:]
    assert all(f"done {rank}" in done.stdout for rank in (0, 1))
