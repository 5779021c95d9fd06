"""The recipe of a fine-tune: one budget for every method, declared before anything is trained."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from bothways.arms import Arm
from bothways.batches.batches import BatchConfig, make_batches
from bothways.batches.tokenizers import Tokenizer, TokenizerConfig, fit_tokenizer
from bothways.config import RunConfig
from bothways.cross_entropy import stack
from bothways.evaluation.scoring import room_needed
from bothways.facts.wording import orders
from bothways.models.pretrained import Pretrained
from bothways.text.corpus import write_corpus
from bothways.training.loop import Device, TrainingConfig
from bothways.types import Exam

BATCH = 64
"""Texts a step, as masked fine-tuning's source has it (Pan et al., arXiv 2510.09885, appendix A.4)."""
VISITS = 600
"""How often each text is read. Masked fine-tuning's source is at 95 % of its plateau after 440 to 940 visits of short
texts, by the rates it prints (table 7)."""
FEWEST_STEPS = 400
RATES = ((5e7, 1e-3), (1e9, 5e-5), (math.inf, 5e-6))
"""Peak learning rates for models of at most so many weights; the last is the source's for 3 to 8 billion."""
LORA_TIMES = 20
"""How many times that rate adapters learn at."""
TRIED = 6
"""Steps whose rows are counted to know what a step reads."""


def injection_recipe(
    folder: Path,
    exam: Exam,
    *,
    n_weights: int,
    chat: bool,
    device: Device = "cpu",
    lora: bool = False,
    mask: str = "",
) -> RunConfig:
    """Return the settings every method shares, sized by the model and the number of texts.

    Args:
        folder: of the model.
        exam: the facts that are taught.
        n_weights: how many numbers the model has.
        chat: whether the model is asked in a chat, or by completion.
        device: where it learns.
        lora: whether adapters learn alone.
        mask: the token that hides others; empty for the tokenizer's own.
    """
    texts = sum(len(orders(fact)) for fact in exam.facts.facts)
    rate = next(rate for most, rate in RATES if n_weights <= most)
    return RunConfig(
        batches=BatchConfig(batch_size=BATCH),
        tokenizer=TokenizerConfig(kind="chat" if chat else "pretrained", folder=str(folder), mask=mask),
        model=Pretrained.of(folder, mask),
        training=TrainingConfig(
            steps=max(FEWEST_STEPS, math.ceil(VISITS * texts / BATCH)),
            learning_rate=rate * (LORA_TIMES if lora else 1),
            weight_decay=0.1,
            warmup=0.02,
            measurements=10,
            device=device,
            precision="bf16" if device == "cuda" else "fp32",
        ),
    )


def tokens_a_step(config: RunConfig, exam: Exam, tokenizer: Tokenizer | None = None) -> float:
    """Return how many tokens the model reads in a step of a run, on average over the first ones.

    What stands behind the last token that counts is not read where nothing before it depends on it. What an objective
    asks the model before a step counts as so many tokens more.

    Args:
        config: the run's.
        exam: whose facts it reads; where fillers are read, rows have room for the questions too.
        tokenizer: that of the settings, unless another one is given.
    """
    corpus = write_corpus(exam, config.text, config.seeds.text)
    tokenizer = tokenizer or fit_tokenizer(corpus, exam, config.tokenizer)
    room = room_needed(exam, tokenizer)
    batches = make_batches(corpus, tokenizer, config.batches, config.seeds.order, room_for=room)
    objective = config.objective.worded(tokenizer.turns)
    read = [stack([objective.prepare(batches.at(step), generator(step))])[0].numel() for step in range(TRIED)]
    return objective.cost * sum(read) / TRIED


def generator(seed: int) -> torch.Generator:
    """Return a generator of a seed."""
    return torch.Generator().manual_seed(seed)


def equal_cost(arms: list[Arm], base: RunConfig, exam: Exam) -> Callable[[Arm], RunConfig]:
    """Return what gives each arm its settings: so many steps that all read as many tokens as the base does of raw text.

    A token costs a model of one shape about the same under every objective, so equal tokens are equal FLOPs, but for
    attention, which costs longer rows more, and for the output matrix, which is read where something is predicted.
    """
    plain = tokens_a_step(base, exam)
    steps = {
        arm.name: max(1, round(base.training.steps * plain / tokens_a_step(arm.config(base, 0), exam))) for arm in arms
    }
    return lambda arm: replace(base, training=replace(base.training, steps=steps[arm.name]))
