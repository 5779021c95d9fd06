"""A run's own folder: begun, resumed or found done; `result.json` is written last and means done."""

import contextlib
import json
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from bothways.batches.batches import AnyBatches
from bothways.batches.tokenizers import Tokenizer, tokenizer_from_json
from bothways.config import RunConfig, from_plain, to_plain
from bothways.disk import clear_asides, file_digest, own, read_json, read_lines, sync, write_text
from bothways.errors import GuardError, RunError
from bothways.models.store import load_model, save_model
from bothways.tensors import LanguageModel, ModelConfig, Objective
from bothways.training.checkpoint import remove_checkpoints
from bothways.training.parallel import here
from bothways.types import SCHEMA, Corpus, Exam, Finding, QueryScore

SEALED = ("config.yaml", "samples.jsonl", "model/model.json", "model/model.safetensors", "model/tokenizer.json")
"""Files of a finished run whose digests stand in `result.json`."""
KNOWN = 0.99
"""Share of stated development questions that must be right for a model to "know" what it was told."""


@dataclass(frozen=True)
class Planned:
    """One run that a comparison or sweep wants."""

    run_id: str
    arm: str
    seed: int
    config: RunConfig
    folder: Path
    about: Mapping[str, Any]
    """What the folder should say of the run: its id, arm, seed and the command to repeat it."""
    exam: Path
    """The file that holds the exam it sits."""
    size: tuple[int, int] = (0, 0)
    """Entities and facts of that exam: runs of one size may train together."""


@dataclass(frozen=True)
class Run:
    """A finished run, as its folder tells it."""

    folder: Path
    result: Mapping[str, Any]

    @property
    def scores(self) -> list[QueryScore]:
        """How the model did on every query of the exam."""
        return [QueryScore(**row) for row in read_lines(self.folder / "samples.jsonl")]

    @property
    def history(self) -> list[dict[str, Any]]:
        """What was measured while training.

        Raises:
            RunError: the measurements are missing or damaged.
        """
        path = self.folder / "metrics.jsonl"
        rows = read_lines(path)
        if not rows or not all(isinstance(row, dict) and {"step", "seconds"} <= set(row) for row in rows):
            raise RunError(f"{path} was altered or cut short. {again(self.folder)}")
        return rows

    def load(self) -> "Trained":
        """Return the trained model with all it needs to answer."""
        return load(self.folder)


@dataclass(frozen=True)
class Ready:
    """Everything a run needs before its first step."""

    corpus: Corpus
    tokenizer: Tokenizer
    batches: AnyBatches
    shape: ModelConfig
    model: LanguageModel


@dataclass(frozen=True)
class Trained:
    """A model with its tokenizer, objective and row length: all it takes to ask it something."""

    model: LanguageModel
    tokenizer: Tokenizer
    objective: Objective
    length: int


@contextlib.contextmanager
def begin_run(folder: Path, config: RunConfig, exam: Exam, about: Mapping[str, Any]) -> Iterator[Run | None]:
    """Own a run's folder, write what it is, and yield None; or yield the run if it is done.

    A guard that fails inside is written down as `error.json` and raised on.
    """
    with own(folder, patience=15.0):
        clear_asides(folder / "model")
        if (folder / "result.json").exists():
            remove_checkpoints(folder)  # where their owner died between its result and this
            yield read_run(folder)
            return
        (folder / "error.json").unlink(missing_ok=True)
        write_text(folder / "config.yaml", yaml.safe_dump(to_plain(config), sort_keys=False, allow_unicode=True))
        write_text(folder / "meta.json", json.dumps({**describe_machine(), **about, "exam": exam.hash}, indent=1))
        try:
            yield None
        except GuardError as error:
            write_failure(folder, error, about)
            raise


def write_failure(folder: Path, error: Exception, about: Mapping[str, Any]) -> None:
    """Write down what ended a run before its time."""
    failure = {"schema": SCHEMA, "error": str(error), "step": getattr(error, "step", None), **about}
    write_text(folder / "error.json", json.dumps(failure))


def finish_run(
    folder: Path,
    about: Mapping[str, Any],
    exam: Exam,
    ready: Ready,
    history: Sequence[Mapping[str, Any]],
    scores: Sequence[QueryScore],
    fluency: float | None,
    findings: Sequence[Finding],
) -> Run:
    """Write model, samples and result, drop the checkpoints, and return the run."""
    save_model(ready.model, ready.shape, folder / "model", {"length": ready.batches.length})
    write_text(folder / "model" / "tokenizer.json", json.dumps(ready.tokenizer.to_json(), ensure_ascii=False))
    write_text(folder / "samples.jsonl", "".join(json.dumps(asdict(s), ensure_ascii=False) + "\n" for s in scores))
    result = {
        "schema": SCHEMA,
        **{key: about[key] for key in ("run_id", "arm", "seed")},
        "exam": exam.hash,
        "steps": history[-1]["step"] if history else 0,
        "loss": history[-1]["loss"] if history else None,
        "known_at": known_at(history),
        "held_out_nll": fluency,
        "scores": summarise(exam, scores),
        "findings": [asdict(finding) for finding in findings],
        "files": {name: seal(folder / name) for name in SEALED},
    }
    write_text(folder / "result.json", json.dumps(result, indent=1, ensure_ascii=False))
    remove_checkpoints(folder)
    return Run(folder, result)


def seal(path: Path) -> str:
    """Return the digest of a file that is on the disk for good."""
    sync(path)
    return file_digest(path)


def check_seals(folder: Path) -> dict[str, Any]:
    """Return a finished run's result, after a look at every file it was written with.

    Raises:
        RunError: a file is missing, or is not the one that was written.
    """
    result = read_json(folder / "result.json")
    files = result.get("files")
    if not isinstance(files, dict) or not set(SEALED) <= set(files) or not {"run_id", "arm", "seed"} <= set(result):
        raise RunError(f"{folder / 'result.json'} was altered. {again(folder)}")
    for name in SEALED:
        path = folder / name
        if not path.is_file():
            raise RunError(f"{path} is missing. {again(folder)}")
        if file_digest(path) != files[name]:
            raise RunError(f"{path} was altered or cut short. {again(folder)}")
    return result


def again(folder: Path) -> str:
    """Say how to get a damaged run back: it is trained again, to the same bytes."""
    return f"Remove {folder} and train the run again with --resume."


def known_at(history: Sequence[Mapping[str, Any]]) -> int | None:
    """Return the first measured step at which the model answered nearly all stated questions, both orders."""
    for row in history:
        stated = [row["dev"][kind] for kind in ("forward", "reverse_stated") if kind in row["dev"]]
        if stated and min(stated) >= KNOWN:
            return int(row["step"])
    return None


def summarise(exam: Exam, scores: Sequence[QueryScore]) -> dict[str, dict[str, Any]]:
    """Return each kind's numbers over the test questions of one run."""
    kinds: dict[str, list[QueryScore]] = {}
    for score in scores:
        query = exam.queries[score.query]
        if query.split == "test":
            kinds.setdefault(query.kind, []).append(score)
    return {
        kind: {
            "n": len(found),
            "accuracy": float(np.mean([s.correct for s in found])),
            "exact": float(np.mean([s.exact for s in found])),
            "mrr": float(np.mean([1 / s.rank for s in found])),
            "nll": float(-np.mean([s.log_prob for s in found])),
            "median_rank": float(np.median([s.rank for s in found])),
        }
        for kind, found in kinds.items()
    }


def read_run(folder: Path) -> Run:
    """Return a finished run.

    Raises:
        RunError: a file of it is missing or damaged.
    """
    return Run(folder, check_seals(folder))


def load(folder: Path | str) -> Trained:
    """Load a trained model from its run folder: weights, tokenizer, objective.

    Raises:
        RunError: the run is not finished, or a file is missing or damaged.
    """
    folder = Path(folder)
    check_seals(folder)
    model, data = load_model(folder / "model")
    try:
        tokenizer = tokenizer_from_json(read_json(folder / "model" / "tokenizer.json"))
        length, fits = int(data["length"]), tokenizer.n_tokens <= model.n_tokens
    except (LookupError, TypeError):
        fits = False
    if not fits:
        raise RunError(f"{folder / 'model'} holds a tokenizer and a model of different runs. {again(folder)}")
    return Trained(model, tokenizer, read_config(folder).objective, length)


@lru_cache(maxsize=8)
def load_exam(path: Path) -> Exam:
    """Return the exam that stands in a file; read once by each process.

    Raises:
        RunError: it is missing or damaged.
    """
    try:
        return Exam.from_json(read_json(path))
    except (LookupError, TypeError, AttributeError) as error:
        raise RunError(f"{path} is not an exam of schema {SCHEMA} ({error!r}). Write it again with --resume.") from None


def read_config(folder: Path) -> RunConfig:
    """Return the configuration a run was made from.

    Raises:
        BothwaysError: there is none, it cannot be read, or it holds something else than our own settings.
    """
    path = folder / "config.yaml"
    try:
        config = from_plain(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, RecursionError, yaml.YAMLError):
        raise RunError(f"{path} cannot be read. Give the folder of a run.") from None
    if not isinstance(config, RunConfig) or not isinstance(config.objective, Objective):
        raise RunError(f"{path} holds no configuration of a run: it was altered. {again(folder)}")
    return config


def describe_machine() -> dict[str, Any]:
    """Return the versions and the device that numbers may depend on."""
    from importlib.metadata import version

    packages = ("bothways", "torch", "numpy", "safetensors", "tokenizers")
    return {
        "schema": SCHEMA,
        "versions": {"python": platform.python_version()} | {name: version(name) for name in packages},
        "device": "cpu",
        "processor": platform.machine(),
        "threads": torch.get_num_threads(),
        "processes": here().size,
        "cores": os.cpu_count(),
    }
