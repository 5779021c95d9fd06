"""How fast a machine multiplies and how it keeps memory: what a training step can hope for."""

import ctypes
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

import torch

from bothways.tensors import LanguageModel, Prepared

Precision = Literal["fp32", "bf16"]
SIDE = {"cpu": 1024, "cuda": 8192}
"""Of the square matrices that show a device's peak."""
TRIES = 5
MMAP_THRESHOLD, TRIM_THRESHOLD = -3, -1
"""Names of glibc's mallopt."""


@lru_cache
def matrix_peak(device: str, bf16: bool) -> float:
    """Return the floating-point operations a second of a large matrix product, on as many threads as torch uses."""
    kind, side = torch.bfloat16 if bf16 else torch.float32, SIDE[device]
    left, right = (torch.ones(side, side, dtype=kind, device=device) for _ in range(2))
    best = float("inf")
    for _ in range(TRIES):
        start = time.perf_counter()
        product = left @ right
        if device == "cuda":
            float(product[0, 0])  # waits for it
        best = min(best, time.perf_counter() - start)
    return 2.0 * side**3 / best


def fast_precision() -> Precision:
    """Return bf16 where this processor multiplies in it, fp32 elsewhere.

    The choice is written into every run's config.yaml: elsewhere the same run is repeated in the same precision.
    """
    capable = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return "bf16" if capable() else "fp32"


@lru_cache
def keep_memory() -> bool:
    """Ask the C library to keep what is freed: a training step frees and asks for the same megabytes again and again.

    Giving them back to the system and faulting them in anew cost a seventh of a packed step (LOG.md). Returns whether
    this C library knows how.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(MMAP_THRESHOLD, 2**30)) and bool(mallopt(TRIM_THRESHOLD, 2**31 - 1))


class Speed:
    """How many tokens a second the steps since the last reading took, and which share of the devices' matrix peak."""

    def __init__(self, model: LanguageModel, device: str, bf16: bool, devices: int = 1) -> None:
        self._model, self._device, self._bf16, self._devices = model, device, bf16, devices
        self._tokens, self._flop, self._seconds = 0, 0.0, 0.0

    def worked(self, prepared: Sequence[Prepared], counted: int, seconds: float) -> None:
        """Note a step: what was read by all runs, how many tokens were predicted, and how long it took."""
        rows, length = prepared[0].input_BL.shape
        self._tokens += len(prepared) * rows * length
        self._flop += self._model.flop(len(prepared) * rows, length, counted)
        self._seconds += seconds

    def read(self) -> dict[str, float]:
        """Return what to write down, and begin anew."""
        tokens, flop = self._tokens / self._seconds, self._flop / self._seconds
        self._tokens, self._flop, self._seconds = 0, 0.0, 0.0
        return {
            "tokens_per_second": float(round(tokens)),
            "utilisation": round(flop / (self._devices * matrix_peak(self._device, self._bf16)), 4),
        }
