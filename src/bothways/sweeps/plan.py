"""What a comparison and a sweep plan alike: one run, named by everything that decides it."""

import re
from pathlib import Path

from bothways.arms import Arm
from bothways.config import RunConfig
from bothways.runs import Planned
from bothways.types import Exam, digest


def plan_run(arm: Arm, seed: int, base: RunConfig, exam: Exam, folder: Path, exam_file: Path, command: str) -> Planned:
    """Name one run by everything that decides it.

    Args:
        arm: how it trains.
        seed: which repetition it is.
        base: the settings every arm shares.
        exam: what it is asked; its hash is part of the name.
        folder: of the comparison or sweep; the run's own stands in it.
        exam_file: where the exam stands.
        command: the shell command that repeats it.
    """
    config = arm.config(base, seed)
    run_id = f"{safe_name(arm.name)}-s{seed}-{digest([config.hash, exam.hash])[:8]}"
    objective, mitigation = arm.parts
    about = {
        "run_id": run_id,
        "arm": arm.name,
        "objective": objective,
        "mitigation": mitigation,
        "seed": seed,
        "facts": exam.facts.hash,
        "command": command,
    }
    return Planned(run_id, arm.name, seed, config, folder / run_id, about, exam_file)


def safe_name(name: str) -> str:
    """Return a file name made of letters, digits, `-`, `_` and `.`, never hidden and never empty.

    >>> safe_name("../my facts")
    'my-facts'
    """
    return re.sub(r"[^\w.-]+", "-", name, flags=re.ASCII).strip("-._")[:80] or "facts"
