"""What a comparison and a sweep plan alike: one run, named by everything that decides it."""

import re
from dataclasses import dataclass
from pathlib import Path

from bothways.arms import Arm
from bothways.config import RunConfig
from bothways.runs import Planned
from bothways.types import Exam, digest


@dataclass(frozen=True)
class Sitting:
    """An exam as the runs that sit it name it; its digests are made once, for they read all of it."""

    hash: str
    facts_hash: str
    file: Path
    """Where the exam stands, or will."""
    size: tuple[int, int]
    """Its entities and facts."""

    @classmethod
    def of(cls, exam: Exam, file: Path) -> "Sitting":
        """Return how runs name an exam that stands in a file."""
        return cls(exam.hash, exam.facts.hash, file, (len(exam.facts.entities), len(exam.facts.facts)))


def plan_run(arm: Arm, seed: int, base: RunConfig, sitting: Sitting, folder: Path, command: str) -> Planned:
    """Name one run by everything that decides it.

    Args:
        arm: how it trains.
        seed: which repetition it is.
        base: the settings every arm shares.
        sitting: the exam; its hash is part of the name.
        folder: of the comparison or sweep; the run's own stands in it.
        command: the shell command that repeats it.
    """
    config = arm.config(base, seed)
    run_id = f"{safe_name(arm.name)}-s{seed}-{digest([config.hash, sitting.hash])[:8]}"
    objective, mitigation = arm.parts
    about = {
        "run_id": run_id,
        "arm": arm.name,
        "objective": objective,
        "mitigation": mitigation,
        "seed": seed,
        "facts": sitting.facts_hash,
        "command": command,
    }
    return Planned(run_id, arm.name, seed, config, folder / run_id, about, sitting.file, sitting.size)


def safe_name(name: str) -> str:
    """Return a file name made of letters, digits, `-`, `_` and `.`, never hidden and never empty.

    >>> safe_name("../my facts")
    'my-facts'
    """
    return re.sub(r"[^\w.-]+", "-", name, flags=re.ASCII).strip("-._")[:80] or "facts"
