"""A trained model on disk: safetensors weights, and the JSON that says how to rebuild it."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from bothways.errors import RunError
from bothways.registry import REGISTRY, lookup
from bothways.tensors import LanguageModel, ModelConfig
from bothways.types import SCHEMA


def save_model(model: LanguageModel, config: ModelConfig, folder: Path, extra: dict[str, Any]) -> None:
    """Write `model.safetensors` and `model.json`; `config` is the shape it was built from, `extra` joins the JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / "model.safetensors.tmp"
    save_file(apart(model.state_dict()), aside)
    os.replace(aside, folder / "model.safetensors")
    shape = {"is": kind_of(config), **asdict(config)}
    data = {"schema": SCHEMA, "model": shape, "n_tokens": model.n_tokens, **extra}
    (folder / "model.json").write_text(json.dumps(data, indent=1))


def apart(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return weights of which no two share memory, as tied ones do: the file format knows of no sharing."""
    seen: set[int] = set()
    return {
        name: value.clone() if value.data_ptr() in seen or seen.add(value.data_ptr()) else value.contiguous()
        for name, value in weights.items()
    }


def kind_of(config: ModelConfig) -> str:
    """Return the registered name of a model's shape."""
    path = f"{type(config).__module__}:{type(config).__qualname__}"
    return next(name for name, target in REGISTRY["models"].items() if target == path)


def load_model(folder: Path) -> tuple[LanguageModel, dict[str, Any]]:
    """Return the model of a folder and the JSON beside it.

    Raises:
        RunError: a file is missing, cut short, altered, or does not fit the other.
    """
    try:
        data = json.loads((folder / "model.json").read_text())
        shape = dict(data["model"])
        model = lookup("models", shape.pop("is", "transformer"))(**shape).build(int(data["n_tokens"]), seed=0)
        model.load_state_dict(load_file(folder / "model.safetensors"))
    except FileNotFoundError as error:
        name = Path(error.filename or "model.json").name
        raise RunError(f"{folder}: {name} is missing. Train the run again with --resume.") from None
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise RunError(
            f"{folder}: the saved model cannot be read, it was altered or cut short ({type(error).__name__}). "
            "Remove the run's folder and train it again with --resume."
        ) from None
    return model.eval().requires_grad_(False), data


def parameter_count(model: torch.nn.Module) -> int:
    """Return how many numbers the model learns."""
    return sum(parameter.numel() for parameter in model.parameters())
