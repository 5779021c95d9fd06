"""The fast loop for small models, alone or in packs: measured as it goes, resumable to the byte."""

import contextlib
import json
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from bothways.batches.batches import AnyBatches
from bothways.disk import write_text
from bothways.errors import BothwaysError, GuardError, RunError
from bothways.tensors import LanguageModel, Loss, Objective, Prepared
from bothways.training.checkpoint import load_newest, save_checkpoint
from bothways.training.learner import Learner, Optimizer, Precision
from bothways.training.parallel import here
from bothways.training.speed import Speed

Device = Literal["cpu", "cuda"]
QUIET = {"quiet": True}
"""Marks a setting that is written down only where it is not the default: runs had their names before it was there."""
Measure = Callable[[LanguageModel, Objective], dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How long and how fast a model learns."""

    steps: int = 2000
    """Optimiser steps: the declared budget, the same for every arm."""
    learning_rate: float = 2e-3
    """Peak rate of AdamW."""
    warmup: float = 0.05
    """Share of the steps in which the rate rises to its peak; then it falls linearly."""
    final: float = 0.1
    """Share of the peak rate at the last step; 1 and no warm-up keep the rate constant."""
    tuning_steps: int = 0
    """How many of the last steps read the text for tuning instead, such as questions with their answers."""
    tuning_rate: float = 0.3
    """Share of the peak rate that tuning begins with; it falls as the rate does, without a warm-up."""
    optimizer: Optimizer = "adamw"
    """AdamW; or plain gradient descent, whose small steps on whole batches follow the gradient flow of theory."""
    beta2: float = 0.95
    """AdamW's memory of squared gradients."""
    weight_decay: float = 0.01
    """Decoupled decay of the weights."""
    clip: float = 1.0
    """Largest norm of the gradient."""
    symmetry: float = 0.0
    """How strongly the maps from token to token that store facts are pulled towards symmetric ones; 0 is not at all."""
    precision: Precision = "fp32"
    """Arithmetic of forward and backward pass; weights, their update and the loss stay in fp32."""
    device: Device = "cpu"
    """Where the model trains. The same settings give the same bytes on a processor, not on every accelerator."""
    measurements: int = 20
    """How often both directions are measured on the way."""
    checkpoint_seconds: float = 20.0
    """Least time between two checkpoints."""
    micro_batch: int = field(default=0, metadata=QUIET)
    """Most rows that a device sees at once, 0 for all of a batch: their gradients are added up before each step."""

    def __post_init__(self) -> None:
        if self.micro_batch < 0:
            raise BothwaysError(
                f"micro_batch must be at least 0, got micro_batch={self.micro_batch}. Choose 0 to see all rows at once."
            )
        for name in ("steps", "measurements"):
            if getattr(self, name) < 1:
                raise BothwaysError(f"{name} must be at least 1, got {name}={getattr(self, name)}. Raise it.")
        for name, example in (("learning_rate", 0.002), ("clip", 1.0)):
            if not getattr(self, name) > 0:
                raise BothwaysError(
                    f"{name} must be above 0, got {name}={getattr(self, name)}. Choose for example {example}."
                )
        if not 0 <= self.tuning_steps < self.steps:
            raise BothwaysError(
                f"tuning_steps must lie in 0 to steps - 1, got tuning_steps={self.tuning_steps} and "
                f"steps={self.steps}. Leave some steps for the text itself."
            )
        for name in ("warmup", "final", "beta2", "tuning_rate"):
            if not 0 <= getattr(self, name) <= 1:
                raise BothwaysError(f"{name} must be in [0, 1], got {name}={getattr(self, name)}. Choose a share.")
        for name, example in (("weight_decay", 0.01), ("symmetry", 1.0)):
            if not getattr(self, name) >= 0:
                raise BothwaysError(
                    f"{name} must be at least 0, got {getattr(self, name)}. Choose for example {example}."
                )

    def share(self, step: int) -> float:
        """Return which share of the peak rate a step has, counted from 0."""
        steps = self.steps - self.tuning_steps
        warm = max(1, round(self.warmup * steps))
        if step >= steps:
            return self.tuning_rate * (1 - (1 - self.final) * (step - steps) / self.tuning_steps)
        if step < warm:
            return (step + 1) / warm
        return 1 - (1 - self.final) * (step - warm) / max(1, steps - warm)

    @property
    def due(self) -> frozenset[int]:
        """After how many steps both directions are measured."""
        return frozenset(round(self.steps * (i + 1) / self.measurements) for i in range(self.measurements))

    @property
    def switch(self) -> int | None:
        """The first step that reads the text for tuning; None if none does."""
        return self.steps - self.tuning_steps if self.tuning_steps else None


@dataclass(frozen=True)
class Member:
    """One run of those that train together, ready for its first step."""

    model: LanguageModel
    objective: Objective
    batches: AnyBatches
    config: TrainingConfig
    folder: Path
    """Gets `metrics.jsonl`."""
    measure: Measure
    """Called on the way; what it returns joins the row of `metrics.jsonl`, such as accuracies under `dev`."""
    seed: int
    """Of the masks; each step draws from its own generator."""


def train(
    members: Sequence[Member], folder: Path, stop: Callable[[], bool] = lambda: False
) -> "list[list[dict[str, Any]] | LossError]":
    """Train runs of one shape to the declared number of steps, resuming from the newest whole checkpoint in `folder`.

    Args:
        members: the runs; their models are changed in place. Their settings may differ in learning rate and decay.
        folder: gets the checkpoints, one for all.
        stop: asked after every step; True saves the state and ends. Of several processes the first one's counts.

    Returns:
        For each member the rows of its `metrics.jsonl`, or the error of a loss that is no number; in a pack the
        others go on. Where no member is left, the state before that step is saved.

    Raises:
        Interrupted: the process was asked to stop; the state is saved.
    """
    lesson = Lesson(members, folder)
    steps = members[0].config.steps
    for step in range(lesson.start, steps):
        if not lesson.take(step):
            break
        stopping, saving = lesson.ranks.agree(step + 1 < steps and stop(), lesson.is_unsaved())
        if stopping or saving:
            lesson.save(step + 1)
        if stopping:
            raise Interrupted(step + 1)
    return [lesson.errors.get(n) or history.rows for n, history in enumerate(lesson.histories)]


UNSEEN = {"cpu": 1, "cuda": 50}
"""Steps whose losses may stay on a device: an accelerator would wait while each one is read."""


class Lesson:
    """Members that take their steps together, and where they stand between two steps.

    Of several processes that train together each has a lesson, and the first one's alone measures and writes.

    Args:
        members: the runs; they go on from the newest whole checkpoint in `folder`.
        folder: gets the checkpoints.
    """

    def __init__(self, members: Sequence[Member], folder: Path) -> None:
        config = members[0].config
        self._members, self._folder, self._config = members, folder, config
        self.ranks = here()
        self._learner = Learner(
            [member.model for member in members],
            [(member.config.learning_rate, member.config.weight_decay) for member in members],
            config.precision,
            config.device,
            compiled=config.device == "cuda",
            optimizer=config.optimizer,
            beta2=config.beta2,
            symmetry=config.symmetry,
            micro_batch=config.micro_batch,
            ranks=self.ranks,
        )
        self.start, pending, warnings = load_newest(folder, self._learner)
        if int(self.ranks.tell(str(self.start))) != self.start:
            raise RunError(f"{folder} holds other checkpoints in another process. Let all of them see the same disk.")
        self.histories = [
            Metrics(member.folder / "metrics.jsonl", self.start, pending.get(str(n), {}), warnings)
            for n, member in enumerate(members)
        ]
        if self.ranks.first:
            for history in self.histories:
                history.begin()
        self.errors: dict[int, LossError] = {}
        self._due = config.due
        self._recent: list[Loss] = []
        self._speed = Speed(self._learner.worker, config.device, config.precision == "bf16", self.ranks.size)
        self._saved_at = time.monotonic()

    def take(self, step: int) -> bool:
        """Take a step, counted from 0, and measure after it where that is due.

        Returns:
            Whether a member is left; where none is, the state before the step is saved and the step not taken.
        """
        began, due = time.monotonic(), step + 1 in self._due
        prepared = [prepare(member, step) for member in self._members]
        self._recent.append(self._learner.loss(prepared))
        counted = self._recent[-1].counted
        if due or len(self._recent) >= UNSEEN[self._config.device]:
            self._look(step)
            if len(self.errors) == len(self._members):
                self.save(step)
                return False
        self._learner.step(self._config.share(step), self._config.clip)
        self._speed.worked(prepared, counted, time.monotonic() - began)
        if due and self.ranks.first:
            self._measure(step + 1)
        return True

    def is_unsaved(self) -> bool:
        """Whether the last checkpoint is long ago."""
        return time.monotonic() - self._saved_at > self._config.checkpoint_seconds

    def save(self, taken: int) -> None:
        """Write a checkpoint after so many steps."""
        self._look(taken - 1)
        pending = {str(n): history.pending for n, history in enumerate(self.histories)}
        if self.ranks.first:
            save_checkpoint(self._folder, taken, self._learner, pending)
        self._saved_at = time.monotonic()

    def _look(self, step: int) -> None:
        """Read what losses were left unread, and note which are no number."""
        self.errors |= look(self._recent, self.histories, step, self.errors)

    def _measure(self, taken: int) -> None:
        """Measure every member that goes on, and how fast the steps were."""
        now = self._speed.read()
        for n, (member, history) in enumerate(zip(self._members, self.histories, strict=True)):
            if n not in self.errors:
                history.write(taken, member.measure(member.model, member.objective), now)


def prepare(member: Member, step: int) -> Prepared:
    """Return what one member sees at a step: a function of its seeds, the step, and weights if the objective asks."""
    generator = torch.Generator().manual_seed(draw(member.seed, step))
    batch = member.objective.consult(member.model, member.batches.at(step), generator)
    return member.objective.prepare(batch, generator)


def draw(seed: int, step: int) -> int:
    """Return the seed of a step's masks: 32 bits, all that a generator on a processor keeps, mixed from both."""
    return int(np.random.SeedSequence([seed, step]).generate_state(1)[0])


def look(
    recent: list[Loss], histories: "Sequence[Metrics]", step: int, known: "Mapping[int, LossError]"
) -> "dict[int, LossError]":
    """Read the losses up to this step, note them, and return what is no number; `recent` is emptied."""
    errors: dict[int, LossError] = {}
    if recent:
        read = torch.stack([torch.stack([loss.mean.detach(), loss.unweighted_ce]) for loss in recent]).tolist()
        for back, (means, entropies) in enumerate(read, start=1 - len(read)):
            for n, (mean, entropy) in enumerate(zip(means, entropies, strict=True)):
                if n in known or n in errors:
                    continue
                if not math.isfinite(mean):
                    errors[n] = LossError(mean, step + back)
                else:
                    histories[n].count(mean, entropy)
    recent.clear()
    return errors


class LossError(GuardError):
    """The loss is not a number; a run by itself saves the state before that step."""

    def __init__(self, value: float, step: int) -> None:
        super().__init__(f"The loss became {value} at step {step}. Lower the learning rate, or the gradient's clip.")
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

    def begin(self) -> None:
        """Write the rows that stay."""
        write_text(self.path, "".join(json.dumps(row) + "\n" for row in self.rows))

    def count(self, loss: float, unweighted_ce: float) -> None:
        """Remember one step's losses."""
        self.pending["losses"].append(loss)
        self.pending["entropies"].append(unweighted_ce)
        self.pending["seconds"] = time.monotonic() - self._since

    def write(self, step: int, measured: dict[str, Any], speed: dict[str, float]) -> None:
        """Add a row: the mean losses since the last one, what was measured, and how fast the steps were."""
        row = {
            "step": step,
            "loss": _mean(self.pending["losses"]),
            "unweighted_ce": _mean(self.pending["entropies"]),
            "seconds": round(time.monotonic() - self._since, 2),
            "speed": speed,
            **measured,
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
