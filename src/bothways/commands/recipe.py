"""The recipe: one budget for every arm, declared before anything is trained.

Frozen on the project's own family world (LOG.md tells what was tried), never tuned on a user's facts.
"""

import math
from dataclasses import replace

import torch

from bothways.batches.batches import BatchConfig
from bothways.batches.tokenizers import TokenizerConfig
from bothways.config import RunConfig
from bothways.errors import BothwaysError
from bothways.facts.wording import orders
from bothways.models.transformer import TransformerConfig
from bothways.options import component
from bothways.registry import unknown
from bothways.subjects import exam_config
from bothways.training.loop import Device, TrainingConfig
from bothways.training.speed import fast_precision
from bothways.types import Exam, ExamSource

BATCH = 256
VISITS = 150
"""How often each sentence of the base text is read."""
FEWEST_STEPS = 1200
"""So that small sets of facts are trained several times longer than it takes to know them."""


def recipe(exam: Exam, device: str = "auto") -> RunConfig:
    """Return the settings every arm shares, sized by the number of sentences in the base text.

    Raises:
        BothwaysError: there is no such device here.
    """
    chosen = choose_device(device)
    sentences = sum(len(orders(fact)) for fact in exam.facts.facts)
    steps = max(FEWEST_STEPS, math.ceil(VISITS * sentences / BATCH))
    return RunConfig(
        batches=BatchConfig(batch_size=BATCH),
        model=TransformerConfig(d_model=64, n_heads=4, d_mlp=256),
        training=TrainingConfig(
            steps=steps, learning_rate=4e-3, device=chosen, precision="bf16" if chosen == "cuda" else fast_precision()
        ),
    )


def choose_exam(text: str, tokenizer: TokenizerConfig) -> ExamSource:
    """Return the exam that `name:key=value:…` describes, as wide as `exam_config` where it leaves that open.

    Raises:
        BothwaysError: the name or an option is unknown, or a value does not fit.
    """
    made = component("exams", text)
    return made if made.max_candidates else replace(made, max_candidates=exam_config(tokenizer).max_candidates)


def choose_device(name: str) -> Device:
    """Return where to train: `auto` is an accelerator where there is one.

    Raises:
        BothwaysError: there is no such device here.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise BothwaysError(unknown("device", name, ("auto", "cpu", "cuda")))
    if name == "cuda" and not torch.cuda.is_available():
        raise BothwaysError(
            "torch finds no CUDA device here, got device=cuda. Use --device cpu, or install its driver."
        )
    return "cuda" if torch.cuda.is_available() and name != "cpu" else "cpu"
