"""Point 6: an accelerator, where there is one: utilisation of a 124 M model at 1,024 tokens, and packs of 64."""

import functools
import time
from typing import Any

import torch

from bench.base import NotMeasured, Pair, Row
from bench.rows import packs
from bothways.models.transformer import TransformerConfig
from bothways.registry import lookup
from bothways.tensors import Batch
from bothways.training.learner import Learner
from bothways.training.speed import matrix_peak

V, B, L = 50304, 16, 1024
GPT2 = TransformerConfig(n_layers=12, d_model=768, n_heads=12, d_mlp=3072, activation="gelu", tied=True, max_length=L)
STEPS = 10


def find_gpu() -> None:
    """Raise `NotMeasured` where there is none."""
    if not torch.cuda.is_available():
        raise NotMeasured("This machine has no CUDA device.")


def steps_of(objective: str, shape: TransformerConfig, device: str, rows: int, length: int) -> tuple[Any, float]:
    """Return a call that trains a few steps, and the operations of one step."""
    made: Any = lookup("objectives", objective)()
    learner = Learner([shape.build(V, 0)], [(1e-4, 0.01)], "bf16", device, compiled=device == "cuda")
    tokens_BL = torch.randint(10, V, (rows, length), generator=torch.Generator().manual_seed(0))
    batch = Batch(
        tokens_BL, torch.ones_like(tokens_BL, dtype=torch.bool), -torch.ones_like(tokens_BL), torch.arange(rows)
    )
    generator, counted = torch.Generator().manual_seed(0), []

    def call() -> None:
        for _ in range(STEPS):
            counted.append(learner.loss([made.prepare(batch, generator)]).counted)
            learner.step(1.0, 1.0)
        float(learner.weights_PW[0, 0])  # waits for the device

    call()
    return call, learner.worker.flop(rows, length, sum(counted) // len(counted))


def utilisation(objective: str) -> Pair:
    """Ours against the peak: the peer does the same arithmetic as one large matrix product after another."""
    find_gpu()
    ours, flop = steps_of(objective, GPT2, "cuda", B, L)
    peak = matrix_peak("cuda", True)

    def at_peak() -> None:
        time.sleep(STEPS * flop / peak)

    return Pair(ours, at_peak, units=STEPS, repeats=5, flop=flop * STEPS, precision="bf16", facts={"peak": peak})


def packed() -> Pair:
    """Sixty-four tiny runs in one step against one after another, both on the device."""
    find_gpu()
    return packs.only_training("causal:count=last_entity", device="cuda", together=64)


ROWS = [
    *(
        Row(f"GPU, {objective}, 124 M at 1,024 tokens", 6, "compiled step", "the matrix peak", "step",
            functools.partial(utilisation, objective), 0.45)
        for objective in ("causal", "masked_diffusion")
    ),
    Row("GPU, packs of 64, width 20", 6, "one batched step", "one after another", "step of a run", packed, 20.0),
]  # fmt: skip
