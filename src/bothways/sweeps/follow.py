"""What a process does that trains along: each run that the first process trains, and nothing else."""

import json
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from bothways.config import RunConfig, from_plain
from bothways.pipeline import prepare_run
from bothways.tensors import LanguageModel, Objective
from bothways.training.loop import Interrupted, Member, train
from bothways.training.parallel import Over, here
from bothways.types import Exam


def follow() -> None:
    """Train along with the first process until it is over; nothing is written.

    Signals are the first process's to answer: it says when to stop.

    Raises:
        RunError: the first process died, or this one does not see its checkpoints.
    """
    torch.set_num_threads(1)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    with suppress(Over):
        while True:
            called = json.loads(here().tell())
            folder = Path(called["folder"])
            members = [
                companion(from_plain(run["config"]), Exam.from_json(run["exam"]), folder) for run in called["runs"]
            ]
            with suppress(Interrupted):
                train(members, folder)


def companion(config: RunConfig, exam: Exam, folder: Path) -> Member:
    """Return a run as one trains it along: to measure and to write is the first process's part."""
    ready = prepare_run(config, exam)
    return Member(
        ready.model, config.objective, ready.batches, config.training, folder, measure_nothing, config.seeds.masks
    )


def measure_nothing(model: LanguageModel, objective: Objective) -> dict[str, Any]:
    """Return no measurement."""
    return {}
