"""How much memory a fine-tune needs, said before it begins, and refused with advice where it will not fit."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from bothways.errors import BothwaysError

TRAINED = 16
"""Bytes for each number that learns: itself, its gradient and AdamW's two moments, all fp32."""
KEPT = 4
"""Bytes for each number that does not."""
A_BLOCK = 34
"""Bytes a block keeps for each token and channel for the way back, besides attention (Korthikanti et al., arXiv
2205.05198, equation 1, there for half precision and twice that in fp32)."""
SPARE = 0.95
"""Share of the free memory that may be used."""


@dataclass(frozen=True)
class Memory:
    """What a fine-tune needs, in bytes; activations are an estimate."""

    weights: int
    optimiser: int
    """Gradients and moments."""
    activations: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.optimiser + self.activations

    def text(self) -> str:
        """Say it in a sentence."""
        parts = (("weights", self.weights), ("gradients and AdamW", self.optimiser), ("activations", self.activations))
        said = ", ".join(f"{name} {size(amount)}" for name, amount in parts)
        return f"Memory needed: about {size(self.total)} ({said})."


def memory_of(
    config: Mapping[str, Any], n_weights: int, n_trained: int, rows: int, length: int, *, half: bool, again: bool
) -> Memory:
    """Return what a fine-tune needs.

    Args:
        config: what config.json says of the model.
        n_weights: how many numbers it has, adapters included.
        n_trained: how many of them learn.
        rows: texts that a device sees at once.
        length: tokens in a row.
        half: whether it computes in bf16, with weights in fp32.
        again: whether activations are computed twice and not kept.
    """
    names = ("num_hidden_layers", "hidden_size", "vocab_size")
    layers, width, vocabulary = (int(config.get(name) or 0) for name in names)
    a_block = (1 if half else 2) * A_BLOCK * width
    kept = a_block + layers * 2 * width if again else layers * a_block
    return Memory(
        weights=KEPT * n_weights,
        optimiser=(TRAINED - KEPT) * n_trained,
        activations=rows * length * (kept + 3 * KEPT * vocabulary),
    )


def refuse_too_large(needed: Memory, free: int) -> None:
    """Refuse what will not fit.

    Raises:
        BothwaysError: the sentence says what would make it smaller.
    """
    if needed.total > SPARE * free:
        raise BothwaysError(
            f"{needed.text()} {size(free)} are free. Learn adapters with --lora, show a device fewer rows at once with "
            "--set trainer.per_device=N, or take a smaller model."
        )


def free_memory(device: str) -> int:
    """Return how many bytes are free where the model will learn."""
    if device == "cuda":
        return int(torch.cuda.mem_get_info()[0])
    for line in Path("/proc/meminfo").read_text().splitlines() if Path("/proc/meminfo").exists() else ():
        if line.startswith("MemAvailable:"):
            return 1024 * int(line.split()[1])
    return 2**62


def count_weights(folder: Path) -> int:
    """Return how many numbers a model's folder holds, by the heads of its files alone."""
    from safetensors import safe_open

    total = 0
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118 - it is no mapping
                total += torch.Size(file.get_slice(name).get_shape()).numel()
    return total


def size(amount: int) -> str:
    """Write bytes in words.

    >>> size(48_000_000_000), size(1_500_000)
    ('48.0 GB', '2 MB')
    """
    return f"{amount / 1e9:.1f} GB" if amount >= 1e8 else f"{amount / 1e6:.0f} MB"
