"""Checkpoints that are complete or not there: written aside, synced, renamed, checksummed.

A checkpoint is a folder `checkpoint-<step>` with `state.safetensors` (weights and moments, a row for each run that
trains) and `state.json` (step, the digest of the other file, losses not yet reported). No pickle is written or read.
Masks and data order are functions of seed and step, so no generator state is needed to resume to the same bytes.
"""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from bothways.disk import file_digest, sync
from bothways.errors import RunError
from bothways.training.learner import Learner
from bothways.types import SCHEMA

KEEP = 2


def save_checkpoint(folder: Path, step: int, learner: Learner, pending: dict[str, Any]) -> None:
    """Write the state after `step` steps; a crash at any moment leaves older checkpoints whole.

    `pending` is any JSON that the training loop wants back with the state.
    """
    aside = folder / f".checkpoint-{step}.{os.getpid()}.tmp"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    state = {name: value.detach().cpu().contiguous() for name, value in learner.state().items()}
    save_file(state, aside / "state.safetensors")
    meta = {"schema": SCHEMA, "step": step, "sha256": file_digest(aside / "state.safetensors"), "pending": pending}
    (aside / "state.json").write_text(json.dumps(meta))
    for path in (aside / "state.safetensors", aside / "state.json", aside):
        sync(path)
    final = folder / f"checkpoint-{step}"
    shutil.rmtree(final, ignore_errors=True)
    os.replace(aside, final)
    sync(folder)
    for old in list_checkpoints(folder)[:-KEEP]:
        shutil.rmtree(old, ignore_errors=True)


def load_newest(folder: Path, learner: Learner) -> tuple[int, dict[str, Any], list[str]]:
    """Put the newest whole checkpoint back into a learner.

    Returns:
        The step it was written after (0 where there is none), what was pending then, and a sentence for
        each damaged one passed over.
    """
    warnings = []
    for path in reversed(list_checkpoints(folder)):
        try:
            state, meta = read_checkpoint(path)
        except RunError as error:
            warnings.append(str(error))
            continue
        learner.restore(state)
        return int(meta["step"]), meta["pending"], warnings
    return 0, {}, warnings


def read_checkpoint(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Return the tensors of one checkpoint and what `state.json` says.

    Raises:
        RunError: a file is missing, cut short or altered.
    """
    try:
        meta = json.loads((path / "state.json").read_text())
        if file_digest(path / "state.safetensors") != meta["sha256"]:
            raise RunError(f"{path}: the checkpoint was altered or cut short. The one before it is used.")
        return load_file(path / "state.safetensors"), meta
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        if isinstance(error, RunError):
            raise
        raise RunError(
            f"{path}: the checkpoint cannot be read ({type(error).__name__}). The one before it is used."
        ) from None


def list_checkpoints(folder: Path) -> list[Path]:
    """Return the checkpoint folders, oldest first."""
    found = [p for p in folder.glob("checkpoint-*") if p.name.removeprefix("checkpoint-").isdigit()]
    return sorted(found, key=lambda p: int(p.name.removeprefix("checkpoint-")))


def remove_checkpoints(folder: Path) -> None:
    """Remove what a finished run no longer needs."""
    for path in (*list_checkpoints(folder), *folder.glob(".checkpoint-*")):
        shutil.rmtree(path, ignore_errors=True)
