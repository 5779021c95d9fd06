"""Every answer of every run in one parquet table."""

import os
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from bothways.disk import sync
from bothways.runs import Run
from bothways.types import Exam

COLUMNS = ("run_id", "arm", "seed", "query", "kind", "split", "relation", "cluster", "of")
SCORES = ("rank", "log_prob", "completion", "correct", "exact")


def write_results(folder: Path, exam: Exam, runs: Sequence[Run]) -> Path:
    """Write `results.parquet`: one row per run and query."""
    rows = []
    for run in runs:
        about = {name: run.result[name] for name in ("run_id", "arm", "seed")}
        for score in run.scores:
            query = exam.queries[score.query]
            asked = {name: getattr(query, name) for name in ("kind", "split", "relation", "cluster", "of")}
            rows.append({**about, "query": score.query, **asked, **{name: getattr(score, name) for name in SCORES}})
    frame = pd.DataFrame(rows, columns=[*COLUMNS, *SCORES]).astype({"of": "Int64"})
    aside = folder / f".results.{os.getpid()}.tmp"
    frame.to_parquet(aside, index=False)
    sync(aside)
    os.replace(aside, folder / "results.parquet")
    return folder / "results.parquet"
