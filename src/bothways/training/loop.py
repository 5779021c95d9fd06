"""The fast loop for small models: one weighted cross-entropy, AdamW, measured as it goes, resumable to the byte."""

import contextlib
import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from bothways.batches.batches import Batches
from bothways.errors import BothwaysError, GuardError
from bothways.tensors import LanguageModel, Objective, weighted_cross_entropy
from bothways.training.checkpoint import load_newest, save_checkpoint

Precision = Literal["fp32", "bf16"]
Measure = Callable[[LanguageModel, Objective], dict[str, float]]


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How long and how fast a model learns."""

    steps: int = 2000
    """Optimiser steps: the declared budget, the same for every arm."""
    learning_rate: float = 2e-3
    """Peak rate of AdamW."""
    warmup: float = 0.05
    """Share of the steps in which the rate rises to its peak; then it falls linearly to a tenth."""
    weight_decay: float = 0.01
    """AdamW's decoupled decay."""
    clip: float = 1.0
    """Largest norm of the gradient."""
    precision: Precision = "fp32"
    """Arithmetic of the matrix products; sums, softmax and weights stay in fp32."""
    measurements: int = 20
    """How often both directions are measured on the way."""
    checkpoint_seconds: float = 20.0
    """Least time between two checkpoints."""

    def __post_init__(self) -> None:
        for name in ("steps", "measurements"):
            if getattr(self, name) < 1:
                raise BothwaysError(f"{name} must be at least 1, got {name}={getattr(self, name)}. Raise it.")
        for name, example in (("learning_rate", 0.002), ("clip", 1.0)):
            if not getattr(self, name) > 0:
                raise BothwaysError(
                    f"{name} must be above 0, got {name}={getattr(self, name)}. Choose for example {example}."
                )
        if not 0 <= self.warmup <= 1:
            raise BothwaysError(f"warmup must be in [0, 1], got warmup={self.warmup}. Choose a share of the steps.")
        if not self.weight_decay >= 0:
            raise BothwaysError(f"weight_decay must be at least 0, got {self.weight_decay}. Choose for example 0.01.")

    def rate(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0."""
        warm = max(1, round(self.warmup * self.steps))
        if step < warm:
            return self.learning_rate * (step + 1) / warm
        return self.learning_rate * (1 - 0.9 * (step - warm) / max(1, self.steps - warm))


def train(
    model: LanguageModel,
    objective: Objective,
    batches: Batches,
    config: TrainingConfig,
    folder: Path,
    measure: Measure,
    seed: int,
    stop: Callable[[], bool] = lambda: False,
) -> list[dict[str, Any]]:
    """Train a model to the declared number of steps, resuming from the newest whole checkpoint in `folder`.

    Args:
        model: changed in place.
        objective: what is predicted from what.
        batches: addressable by step.
        config: steps, rates, precision.
        folder: gets `metrics.jsonl` and checkpoints.
        measure: called on the way; returns accuracies by name.
        seed: of the masks; each step draws from its own generator.
        stop: asked after every step; True saves the state and ends the run.

    Returns:
        The rows of `metrics.jsonl`.

    Raises:
        GuardError: the loss is not a number; the state before that step is saved.
        Interrupted: the process was asked to stop; the state is saved.
    """
    optimizer = torch.optim.AdamW(
        model.parameters(),
        lr=config.learning_rate,
        weight_decay=config.weight_decay,
        betas=(0.9, 0.95),
        fused=True,
    )
    start, pending, warnings = load_newest(folder, model, optimizer)
    history = Metrics(folder / "metrics.jsonl", start, pending, warnings)
    due = {round(config.steps * (i + 1) / config.measurements) for i in range(config.measurements)}
    saved_at, generator = time.monotonic(), torch.Generator()
    for step in range(start, config.steps):
        generator.manual_seed((seed << 32) + step)
        prepared = objective.prepare(batches.at(step), generator)
        with torch.autocast("cpu", torch.bfloat16, enabled=config.precision == "bf16"):
            loss = weighted_cross_entropy(model, prepared)
        value = loss.mean.item()
        if not math.isfinite(value):
            save_checkpoint(folder, step, model, optimizer, history.pending)
            raise LossError(value, step)
        loss.mean.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip)
        for group in optimizer.param_groups:
            group["lr"] = config.rate(step)
        optimizer.step()
        optimizer.zero_grad()
        history.count(value, float(loss.unweighted_ce))
        if step + 1 in due:
            history.write(step + 1, measure(model, objective))
        stopping = step + 1 < config.steps and stop()
        if stopping or time.monotonic() - saved_at > config.checkpoint_seconds:
            save_checkpoint(folder, step + 1, model, optimizer, history.pending)
            saved_at = time.monotonic()
        if stopping:
            raise Interrupted(step + 1)
    return history.rows


class LossError(GuardError):
    """The loss is not a number; the state before that step is saved."""

    def __init__(self, value: float, step: int) -> None:
        super().__init__(
            f"The loss became {value} at step {step}. The state before it is saved; lower the learning rate."
        )
        self.step = step


class Interrupted(Exception):
    """A run was asked to stop after a step, and saved its state."""

    def __init__(self, step: int) -> None:
        super().__init__(f"stopped after step {step}")
        self.step = step


class Metrics:
    """The file of measurements: rows after a resumed step are dropped, new ones are appended."""

    def __init__(self, path: Path, start: int, pending: dict[str, Any], warnings: list[str]) -> None:
        self.path = path
        self.pending: dict[str, Any] = {"losses": [], "entropies": [], "seconds": 0.0} | pending
        self.rows = [row for row in read_rows(path) if row["step"] <= start]
        self._warnings = {"warnings": warnings} if warnings else {}
        self._since = time.monotonic() - self.pending["seconds"]
        aside = path.with_suffix(".tmp")
        aside.write_text("".join(json.dumps(row) + "\n" for row in self.rows))
        os.replace(aside, path)

    def count(self, loss: float, unweighted_ce: float) -> None:
        """Remember one step's losses."""
        self.pending["losses"].append(loss)
        self.pending["entropies"].append(unweighted_ce)
        self.pending["seconds"] = time.monotonic() - self._since

    def write(self, step: int, measured: dict[str, float]) -> None:
        """Add a row: the mean losses since the last one, and what was measured."""
        row = {
            "step": step,
            "loss": _mean(self.pending["losses"]),
            "unweighted_ce": _mean(self.pending["entropies"]),
            "seconds": round(time.monotonic() - self._since, 2),
            "dev": measured,
            **self._warnings,
        }
        self._warnings = {}
        self.pending |= {"losses": [], "entropies": []}
        self.rows.append(row)
        with self.path.open("a") as file:
            file.write(json.dumps(row) + "\n")
            file.flush()
            os.fsync(file.fileno())  # a checkpoint after this row must find it, even if the machine dies


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Return the whole rows of a metrics file; the last line of a killed run may be cut short."""
    rows = []
    for line in path.read_text().splitlines() if path.exists() else ():
        with contextlib.suppress(ValueError):
            rows.append(json.loads(line))
    return [row for row in rows if isinstance(row, dict) and isinstance(row.get("step"), int)]


def _mean(values: list[float]) -> float | None:
    return round(sum(values) / len(values), 6) if values else None
