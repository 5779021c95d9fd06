"""A model that is to be measured, explained or cured: a run of ours, or one of others by its folder or its name."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bothways.batches.huggingface import open_tokenizer
from bothways.batches.tokenizers import Tokenizer, TokenizerConfig
from bothways.disk import read_json
from bothways.errors import RunError
from bothways.facts.exam import ExamConfig
from bothways.models.open import open_model
from bothways.models.store import kind_of
from bothways.options import component
from bothways.registry import REGISTRY
from bothways.runs import load, read_config
from bothways.tensors import LanguageModel, Objective

CANDIDATES = 32
"""Answers that a library model ranks: each costs it a pass or more."""
WIDE_CANDIDATES = 100
"""Candidates per question where an answer has several tokens and each must be scored by itself."""
HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
"""What a model of the hub may be called: `owner/name`, or a name alone."""
FETCHED = ("*.safetensors", "*.json", "*.jinja", "tokenizer.model", "merges.txt", "vocab.txt")
"""Files of a model on the hub that are fetched: never code, never pickles."""


@dataclass(frozen=True)
class Subject:
    """A model and all it takes to ask it."""

    folder: Path
    family: str
    """Its `model_type`, or the registered name of a shape of ours."""
    model: LanguageModel
    tokenizer: Tokenizer
    objective: Objective
    room: int | None
    """The longest row it reads, in tokens, if that is known."""
    exam: ExamConfig
    sat: str = ""
    """Hash of the exam it was trained beside; empty for models of others."""


def find_model(model: str | Path) -> Path:
    """Return the folder of a model that is given by its folder or by its name on the hub.

    What is no folder and could be a name is fetched, or taken from where it was fetched to before. A path whose
    first part is a folder here is a slip of the pen, and is not asked of the hub.

    Raises:
        RunError: there is no such folder, and no model of that name can be had.
    """
    folder, name = Path(model), str(model)
    owner = name.partition("/")[0]
    if folder.exists() or not HUB_NAME.fullmatch(name) or (owner != name and Path(owner).exists()):
        check_holds_model(folder)
        return folder
    return fetch(name)


def fetch(name: str) -> Path:
    """Return the folder into which a model of the hub was fetched.

    Raises:
        RunError: the hub has no such model, does not give it, or cannot be reached.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, HFValidationError, RepositoryNotFoundError

    try:
        return Path(snapshot_download(name, allow_patterns=list(FETCHED)))
    except GatedRepoError:
        why = "the hub gives it to accounts that were granted it only. Log in there, or give a folder."
    except RepositoryNotFoundError:
        why = "there is no such folder, and no such model on the hub. Correct the name, or give a folder."
    except HFValidationError:
        why = "there is no such folder, and no model of the hub is called so. Give a folder with config.json."
    except (HfHubHTTPError, OSError, RuntimeError):  # no network, a network that answers nothing, a full disk
        why = "there is no such folder, and the hub cannot be reached to fetch a model of that name. Give a folder."
    raise RunError(f"{name}: {why}") from None


def check_holds_model(folder: Path) -> None:
    """Refuse a folder in which there is nothing to read, or more than one model.

    Raises:
        RunError: it is not there, holds no model, or several runs.
    """
    if not folder.is_dir():
        raise RunError(f"{folder}: there is no such folder. Give a run's folder, or one with config.json and weights.")
    if (folder / "manifest.jsonl").exists():
        runs = sorted(path.parent.name for path in folder.glob("*/result.json"))
        named = f"Give one of its runs: {', '.join(runs[:5])}{' …' if len(runs) > 5 else ''}." if runs else ""
        raise RunError(f"{folder} holds several runs. {named or 'None is finished: go on with --resume.'}")
    if not (folder / "config.yaml").exists() and not (folder / "config.json").exists():
        raise RunError(f"{folder} holds no model: neither a run nor config.json. Give a run's folder or a model's.")


def open_subject(folder: Path, objective: str | None = None) -> Subject:
    """Return the model of a run's folder, or of one that somebody else wrote.

    Raises:
        RunError: the folder holds no model, a damaged one, or several runs.
        BothwaysError: the objective is unknown.
    """
    check_holds_model(folder)
    return open_run(folder, objective) if (folder / "config.yaml").exists() else open_foreign(folder, objective)


def open_run(folder: Path, objective: str | None) -> Subject:
    """Return the model of a finished run."""
    trained, config = load(folder), read_config(folder)
    chosen = trained.objective if objective is None else component("objectives", objective)
    sat = str(read_json(folder / "result.json").get("exam", ""))
    exam = exam_config(config.tokenizer)
    return Subject(
        folder,
        kind_of(config.model),
        trained.model,
        trained.tokenizer,
        chosen,
        room_of(config.model, trained),
        exam,
        sat,
    )


def room_of(shape: Any, trained: Any) -> int | None:
    """Return how many tokens a row of a run's model may have, if its places are learned."""
    return trained.model.config.max_length if getattr(shape, "positions", "") == "learned" else None


def open_foreign(folder: Path, objective: str | None) -> Subject:
    """Return a model of the library, LLaDA or Dream."""
    tokenizer = open_tokenizer(folder)
    model = open_model(folder, tokenizer.special).requires_grad_(False)
    family = str(read_json(folder / "config.json")["model_type"])
    exam = ExamConfig(max_candidates=CANDIDATES)
    return Subject(
        folder,
        family,
        model,
        tokenizer,
        component("objectives", objective or asked_as(model)),
        reads_at_most(model),
        exam,
    )


def asked_as(model: Any) -> str:
    """Return the objective that a model of others is asked with: that of its family."""
    return "causal" if model.reads == "causal" else "masked_lm" if model.sees_all else "masked_diffusion"


def reads_at_most(model: Any) -> int | None:
    """Return the longest row that a model of others reads, in tokens, if it says so."""
    return getattr(model.model.config.get_text_config(), "max_position_embeddings", None)


def exam_config(tokenizer: TokenizerConfig) -> ExamConfig:
    """Return how wide an exam is: every candidate where one token answers."""
    return ExamConfig(max_candidates=0 if tokenizer.kind == "entity" else WIDE_CANDIDATES)


def name_of(objective: Objective) -> str:
    """Return the registered name of an objective."""
    path = f"{type(objective).__module__}:{type(objective).__qualname__}"
    return next(name for name, target in REGISTRY["objectives"].items() if target == path)
