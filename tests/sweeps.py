"""Tiny sweeps that several tests stand on."""

import json
from pathlib import Path
from typing import Any

import yaml

TINY = {
    "training.steps": 24,
    "training.measurements": 2,
    "model.n_heads": 2,
    "model.d_mlp": 32,
    "batches.batch_size": 8,
}
"""Settings with which a run takes a fraction of a second."""


def tiny(**changes: Any) -> dict[str, Any]:
    """What a tiny sweep's file holds: four runs in a pack, and four lone ones."""
    return {
        "name": "tiny",
        "facts": "bijection:n=20",
        "arms": ["causal"],
        "seeds": 2,
        "set": dict(TINY),
        "grid": {"model.d_model": [16, 48], "training.learning_rate": [0.001, 0.004]},
        **changes,
    }


def write(folder: Path, data: Any) -> Path:
    """Write a sweep's file and return its path."""
    path = folder / "sweep.yaml"
    path.write_text(data if isinstance(data, str) else yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return path


def results(folder: Path) -> dict[str, bytes]:
    """The bytes of every result of a sweep."""
    return {path.parent.name: path.read_bytes() for path in sorted(folder.glob("*/result.json"))}


def manifest(folder: Path) -> list[dict[str, Any]]:
    """The lines of a sweep's manifest."""
    return [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]
