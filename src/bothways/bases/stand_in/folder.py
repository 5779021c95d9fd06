"""A stand-in's folder in the library's format: config, weights, tokenizer, model card, and what was measured."""

import json
from pathlib import Path
from typing import Any

from bothways.bases.stand_in.measure import ASKED
from bothways.disk import write_text
from bothways.models.folder import silence
from bothways.models.huggingface import HuggingFaceModel
from bothways.types import SCHEMA

DONE = "stand_in.json"
"""Written last: a folder that holds it is finished."""
ABOUT = {
    "causal": "It predicts the next token and answers in a chat, as any causal model of the library does.",
    "masked_diffusion": (
        "It fills in masks (masked diffusion). `config.json` says so to bothways by `bothways_reads: masked`; the "
        "library loads it as a Llama, whose own `generate` reads left to right and is of no use here."
    ),
}


def is_finished(folder: Path) -> bool:
    """Whether a folder holds a finished stand-in."""
    return (folder / DONE).is_file()


def write_folder(
    folder: Path,
    model: HuggingFaceModel,
    tokenizer: Any,
    half: str,
    settings: dict[str, Any],
    seed: int,
    measured: dict[str, Any],
) -> None:
    """Write a trained model so that `from_pretrained` reads it.

    Args:
        folder: is there.
        model: the trained model.
        tokenizer: the library's.
        half: which of the pair it is.
        settings: of the recipe.
        seed: of the recipe.
        measured: the last measurement.
    """
    model.model.generation_config.max_new_tokens = 64
    with silence():
        model.model.save_pretrained(folder)
    tokenizer.save_pretrained(folder, save_jinja_files=False)
    write_text(folder / "README.md", card(half, settings, seed, measured))
    about = {"schema": SCHEMA, "base": "stand-in", "half": half, "seed": seed, "settings": settings}
    write_text(folder / DONE, json.dumps({**about, "measured": measured}, indent=1) + "\n")


def card(half: str, settings: dict[str, Any], seed: int, measured: dict[str, Any]) -> str:
    """Return the model card."""
    left_out = [name for name in ("recover", "both_ways") if not settings[name]]
    command = " ".join(
        [f"bothways pretrain stand-in -o FOLDER --seed {seed}", *(f"--without {name}" for name in left_out)]
    )
    rows = [f"| {what} | {measured[name]:.3f} |" for name, what in ASKED.items()]
    return "\n".join(
        [
            "---",
            "library_name: transformers",
            "tags: [bothways, reversal-curse, synthetic]",
            "---",
            "",
            f"# Stand-in, {half.replace('_', ' ')}",
            "",
            "A small model of invented people, made to try fine-tuning on without a download. It knows nothing else.",
            ABOUT[half],
            "",
            "## What it can do",
            "",
            "| asked | exact answers |",
            "|---|---|",
            *rows,
            "",
            f"Perplexity of general text it never read: {measured['perplexity']:.2f} per token.",
            "",
            "## How it was made",
            "",
            f"`{command}`, {measured['step']} steps. Settings: "
            + ", ".join(f"{name} {value}" for name, value in settings.items())
            + ".",
            "",
        ]
    )
