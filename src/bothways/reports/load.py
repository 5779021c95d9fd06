"""Read a comparison folder (docs/run-folder.md) into one object, or say what is wrong with it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas
import pyarrow

from bothways.errors import RunError
from bothways.types import SCHEMA, Exam

RESULT_COLUMNS = ("run_id", "arm", "seed", "query", "kind", "split", "rank", "completion", "correct")
CURVE_COLUMNS = ("arm", "seed", "run_id", "finished", "step", "kind", "accuracy")
AGAIN = "Run the comparison again with --resume"


@dataclass(frozen=True, slots=True)
class Failure:
    """A planned run without a result: it failed with an error, or never came to its end."""

    run_id: str
    arm: str
    seed: int
    error: str
    step: int | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything the page shows."""

    folder: Path
    summary: Mapping[str, Any]
    comparison: Mapping[str, Any]
    exam: Exam
    manifest: tuple[Mapping[str, Any], ...]
    results: pandas.DataFrame
    curves: pandas.DataFrame
    """One row per run, measured step and kind: accuracy on the development questions."""
    failures: tuple[Failure, ...]
    findings: tuple[Mapping[str, Any], ...]
    """What the probes said: arm, seed, probe, summary."""


def read_comparison(folder: Path) -> Comparison:
    """Read the comparison in `folder`.

    Raises:
        RunError: a file is missing or unreadable; the message names it.
    """
    if not (folder / "summary.json").is_file():
        raise RunError(
            f"{folder} is not a comparison folder: it has no summary.json. "
            "Give the folder that 'bothways compare' wrote; if it was stopped, finish it with --resume."
        )
    summary = read_json(folder / "summary.json")
    if summary.get("schema") != SCHEMA or not isinstance(summary.get("arms"), list):
        raise RunError(
            f"{folder / 'summary.json'} is not a summary of schema {SCHEMA}. {AGAIN} and this version of bothways."
        )
    manifest = tuple(read_jsonl(folder / "manifest.jsonl", "run_id", "arm", "seed"))
    exam = read_exam(folder / "exam.json")
    results = read_results(folder, manifest, len(exam.queries))
    return Comparison(
        folder=folder,
        summary=summary,
        comparison=read_json(folder / "comparison.json"),
        exam=exam,
        manifest=manifest,
        results=results,
        curves=read_curves(folder, manifest),
        failures=tuple(read_failures(folder, manifest)),
        findings=tuple(read_findings(folder, manifest)),
    )


def read_text(path: Path, again: str = AGAIN) -> str:
    """Read a text file of a run folder; `again` is what to do where that fails."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise RunError(f"{path} is missing. {again} to write it.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(f"{path} cannot be read ({error}). {again} to write it anew.") from error


def parse(text: str, where: str, again: str = AGAIN) -> dict[str, Any]:
    """Parse one JSON object; NaN and infinities count as null."""
    try:
        value = json.loads(text, parse_constant=lambda _: None)
    except json.JSONDecodeError as error:
        raise RunError(f"{where} is not complete JSON ({error}). {again} to write it anew.") from error
    if not isinstance(value, dict):
        raise RunError(f"{where} does not hold a JSON object. {again} to write it anew.")
    if "\\ud" in text:  # half a character, which JSON can spell and no file or table can hold
        value = json.loads(json.dumps(value, ensure_ascii=False).encode(errors="replace"))
    return value


def read_json(path: Path, again: str = AGAIN) -> dict[str, Any]:
    """Read one JSON object from a file."""
    return parse(read_text(path, again), str(path), again)


def read_jsonl(path: Path, *keys: str) -> list[dict[str, Any]]:
    """Read one JSON object per line, each of which must have `keys`."""
    rows = []
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if not line.strip():
            continue
        rows.append(parse(line, f"{path}, line {number},"))
        for key in keys:
            if key not in rows[-1]:
                raise RunError(f"{path}, line {number}, has no '{key}'. {AGAIN} to write it anew.")
    return rows


def read_exam(path: Path) -> Exam:
    """Read the exam the arms sat."""
    try:
        return Exam.from_json(read_json(path))
    except (KeyError, TypeError, AttributeError) as error:
        raise RunError(f"{path} is not an exam of schema {SCHEMA} ({error!r}). {AGAIN} to write it anew.") from error


def read_results(folder: Path, manifest: tuple[Mapping[str, Any], ...], n_queries: int) -> pandas.DataFrame:
    """Read what every run answered; empty where no run has come to its end."""
    path = folder / "results.parquet"
    if not path.exists() and not any(is_finished(folder, run) for run in manifest):
        return pandas.DataFrame(columns=list(RESULT_COLUMNS))
    try:
        results = pandas.read_parquet(path, columns=list(RESULT_COLUMNS))
    except (OSError, ValueError, pyarrow.ArrowException) as error:
        raise RunError(f"{path} cannot be read ({first_line(error)}). {AGAIN} to write it anew.") from error
    if len(results) and not 0 <= results["query"].min() <= results["query"].max() < n_queries:
        raise RunError(
            f"{path} answers questions that {folder / 'exam.json'} does not have. {AGAIN} to write both anew."
        )
    return results


def first_line(error: Exception) -> str:
    """Return the first line of an error's message."""
    return str(error).partition("\n")[0]


def is_finished(folder: Path, run: Mapping[str, Any]) -> bool:
    """Whether a run has its result."""
    return (folder / run["run_id"] / "result.json").is_file()


def read_curves(folder: Path, manifest: tuple[Mapping[str, Any], ...]) -> pandas.DataFrame:
    """Read the development accuracies every run measured while it trained."""
    rows = []
    for run in manifest:
        path = folder / run["run_id"] / "metrics.jsonl"
        finished = is_finished(folder, run)
        for line in read_jsonl(path, "step") if path.is_file() else []:
            rows += [
                (run["arm"], run["seed"], run["run_id"], finished, line["step"], kind, accuracy)
                for kind, accuracy in (line.get("dev") or {}).items()
                if accuracy is not None
            ]
    return pandas.DataFrame(rows, columns=list(CURVE_COLUMNS))


def read_failures(folder: Path, manifest: tuple[Mapping[str, Any], ...]) -> list[Failure]:
    """Return the planned runs that have no result, with their error."""
    failures = []
    for run in manifest:
        path = folder / run["run_id"] / "error.json"
        if path.is_file():
            error = read_json(path)
            failures.append(Failure(run["run_id"], run["arm"], run["seed"], str(error.get("error")), error.get("step")))
        elif not is_finished(folder, run):
            failures.append(Failure(run["run_id"], run["arm"], run["seed"], "The run has not come to its end.", None))
    return failures


def read_findings(folder: Path, manifest: tuple[Mapping[str, Any], ...]) -> list[dict[str, Any]]:
    """Return what the probes of every finished run said."""
    rows = []
    for run in manifest:
        result = read_json(folder / run["run_id"] / "result.json") if is_finished(folder, run) else {}
        rows += [
            {"arm": run["arm"], "seed": run["seed"], "probe": finding["probe"], "summary": finding["summary"]}
            for finding in result.get("findings") or []
        ]
    return rows
