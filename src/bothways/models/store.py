"""A trained model on disk: safetensors weights, and the JSON that says how to rebuild it."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from bothways.errors import RunError
from bothways.models.transformer import Transformer, TransformerConfig
from bothways.types import SCHEMA


def save_model(model: Transformer, folder: Path, extra: dict[str, Any]) -> None:
    """Write `model.safetensors` and `model.json`; `extra` joins the JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / "model.safetensors.tmp"
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, aside)
    os.replace(aside, folder / "model.safetensors")
    data = {"schema": SCHEMA, "model": asdict(model.config), "n_tokens": model.n_tokens, **extra}
    (folder / "model.json").write_text(json.dumps(data, indent=1))


def load_model(folder: Path) -> tuple[Transformer, dict[str, Any]]:
    """Return the model of a folder and the JSON beside it.

    Raises:
        RunError: a file is missing, cut short, altered, or does not fit the other.
    """
    try:
        data = json.loads((folder / "model.json").read_text())
        model = TransformerConfig(**data["model"]).build(int(data["n_tokens"]), seed=0)
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
