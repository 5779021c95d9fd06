"""Every run of a sweep in one parquet table: its place on each axis, and what came of it."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from bothways.disk import sync
from bothways.sweeps.work import Outcome

MEASURED = ("loss", "steps", "known_at", "held_out_nll")
SCORES = ("accuracy", "nll", "median_rank", "n")
WHOLE = ("steps", "known_at")


def collect(outcomes: Sequence[Outcome], axes: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Return one row per planned run.

    Args:
        outcomes: what became of each run.
        axes: by run id, the run's value on each axis.
    """
    kinds = list(dict.fromkeys(kind for o in outcomes if o.run for kind in o.run.result["scores"]))
    names = [f"{kind}.{score}" for kind in kinds for score in SCORES]
    rows = [as_row(outcome, axes[outcome.planned.run_id]) for outcome in outcomes]
    varied = list(dict.fromkeys(name for row in axes.values() for name in row))
    columns = ["run_id", "arm", "seed", *varied, "status", "error", *MEASURED, *names]
    frame = pd.DataFrame(rows, columns=columns)
    whole = [name for name in columns if name in WHOLE or name.endswith(".n")]
    numbers = [name for name in ("loss", "held_out_nll", *names) if name not in whole]
    types = {"error": "str"} | dict.fromkeys(whole, "Int64") | dict.fromkeys(numbers, "float64")
    return frame.astype(types)


def as_row(outcome: Outcome, axes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a run's row of the table."""
    plan = outcome.planned
    row = {"run_id": plan.run_id, "arm": plan.arm, "seed": plan.seed, **axes}
    if outcome.run is None:
        return {**row, "status": "failed", "error": outcome.error}
    result = outcome.run.result
    scores = {f"{kind}.{s}": found[s] for kind, found in result["scores"].items() for s in SCORES}
    return {**row, "status": "done", **{name: result[name] for name in MEASURED}, **scores}


def write_table(folder: Path, frame: pd.DataFrame) -> Path:
    """Write `results.parquet`, whole or not at all."""
    aside = folder / f".results.{os.getpid()}.tmp"
    try:
        frame.to_parquet(aside, index=False)
        sync(aside)
        os.replace(aside, folder / "results.parquet")
    finally:
        aside.unlink(missing_ok=True)
    sync(folder)
    return folder / "results.parquet"
