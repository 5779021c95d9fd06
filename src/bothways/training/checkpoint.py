"""Checkpoints that are complete or not there: written aside, synced, renamed, checksummed.

A checkpoint is a folder `checkpoint-<step>` with `state.safetensors` (weights and moments, a row for each run that
trains) and `state.json` (step, losses not yet reported, the digests of the other file and of itself). No pickle is
written or read.
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
from bothways.types import SCHEMA, digest

KEEP = 2


def save_checkpoint(folder: Path, step: int, learner: Learner, pending: dict[str, Any]) -> None:
    """Write the state after `step` steps; a crash at any moment leaves older checkpoints whole.

    `pending` is any JSON that the training loop wants back with the state.
    """
    final = folder / f"checkpoint-{step}"
    aside = folder / f".checkpoint-{step}.{os.getpid()}.tmp"
    aside.mkdir(parents=True)
    try:
        _write(aside, step, learner, pending)
        if final.exists():  # a damaged one, or the state before a step that failed again
            _remove(final)
        os.replace(aside, final)
    finally:
        shutil.rmtree(aside, ignore_errors=True)  # on a full disk half a checkpoint takes room and helps nobody
    sync(folder)
    for old in list_checkpoints(folder)[:-KEEP]:
        _remove(old)


def _write(folder: Path, step: int, learner: Learner, pending: dict[str, Any]) -> None:
    """Write both files of a checkpoint, and make sure they are on the disk."""
    state = {name: value.detach().cpu().contiguous() for name, value in learner.state().items()}
    save_file(state, folder / "state.safetensors")
    meta = {"schema": SCHEMA, "step": step, "sha256": file_digest(folder / "state.safetensors"), "pending": pending}
    (folder / "state.json").write_text(json.dumps({**meta, "digest": digest(meta)}))
    for path in (folder / "state.safetensors", folder / "state.json", folder):
        sync(path)


def _remove(checkpoint: Path) -> None:
    """Take a checkpoint away at once, so that a crash leaves no half of it that looks like a damaged one."""
    away = checkpoint.with_name(f".{checkpoint.name}.old.tmp")
    shutil.rmtree(away, ignore_errors=True)
    os.replace(checkpoint, away)
    shutil.rmtree(away, ignore_errors=True)


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
            learner.restore(state)
        except RunError as error:
            warnings.append(str(error))
            continue
        return int(meta["step"]), meta["pending"], warnings
    return 0, {}, warnings


def read_checkpoint(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Return the tensors of one checkpoint and what `state.json` says.

    Raises:
        RunError: a file is missing, cut short or altered.
    """
    try:
        meta = json.loads((path / "state.json").read_text())
        said = meta.pop("digest")
        if said != digest(meta) or meta["sha256"] != file_digest(path / "state.safetensors"):
            raise RunError(f"{path}: the checkpoint was altered or cut short. The one before it is used.")
        return load_file(path / "state.safetensors"), meta
    except (OSError, ValueError, LookupError, TypeError, RecursionError, SafetensorError) as error:
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
    for path in list_checkpoints(folder):
        _remove(path)
