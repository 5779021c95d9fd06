"""Real models on facts they know: how well they reverse, how alike their routes are, how aligned their gradients."""

from pathlib import Path

from bothways.batches.huggingface import open_tokenizer
from bothways.errors import BothwaysError
from bothways.facts.exam import ExamConfig, make_exam
from bothways.facts.find import find_facts
from bothways.mechanisms.inside import look_inside
from bothways.models.open import open_model
from bothways.options import component
from bothways.sweeps.plan import safe_name

MOST = 100
"""Facts, or questions of a kind, that a probe looks at."""
CANDIDATES = 32
"""Answers that a question ranks."""


def check_models(models: tuple[str, ...], facts: str) -> None:
    """Refuse models that cannot be there, before anything is run.

    Raises:
        BothwaysError: a folder is no model's, or nobody said which facts the models know.
    """
    if models and not facts:
        raise BothwaysError("--model needs --facts: a file or folder of facts that the models know. Name one.")
    for folder in models:
        if not (Path(folder) / "config.json").is_file():
            raise BothwaysError(f"{folder}: there is no model (config.json). Give --model a model's folder.")


def named(models: tuple[str, ...]) -> dict[str, str]:
    """Return the name of each model's computation, and its folder."""
    return {f"model {n} {safe_name(Path(folder).name)}": folder for n, folder in enumerate(models)}


def measure(folder: str, facts: str, seed: int) -> dict[str, float]:
    """Return what the probes find in one model, on a split of the facts that the seed draws.

    Returns:
        `masked` (1 where it fills in masks), the accuracies of both directions, the correlation of attention scores,
        and the cosine of storage gradients of a pair and of the best mismatched one; what a model does not show is
        left out.
    """
    tokenizer = open_tokenizer(Path(folder))
    model = open_model(Path(folder), tokenizer.special).requires_grad_(False)
    objective = "causal" if model.reads == "causal" else "masked_diffusion"
    exam = make_exam(find_facts(facts, seed), ExamConfig(dev=0.0, max_candidates=CANDIDATES, max_queries=MOST), seed)
    found = look_inside(model, component("objectives", objective), tokenizer, exam, most=MOST).findings
    wanted = {
        "answers": ("forward_accuracy", "reverse_tested_accuracy"),
        "attention_routes": ("correlation",),
        "gradient_alignment": ("storage_cosine", "storage_cosine_mismatched"),
    }
    numbers = {
        name: float(found[probe].numbers[name])
        for probe, names in wanted.items()
        if probe in found
        for name in names
        if name in found[probe].numbers
    }
    return {"masked": float(objective != "causal"), **numbers}
