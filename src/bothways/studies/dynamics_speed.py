"""How fast the released shape of the training-dynamics study trains here."""

import itertools
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bothways.arms import parse_arm
from bothways.facts.worlds.arrows import Arrows
from bothways.models.transformer import TransformerConfig
from bothways.pipeline import begin
from bothways.studies.dynamics_runs import ARM, as_released, epochs, shape
from bothways.studies.setups import exam_of
from bothways.training.loop import Lesson
from bothways.training.speed import Precision, fast_precision

RELEASED_SPEED = 60.0
"""Training tokens a second of the released code on one core: 1,020 in the 17.0 s of an epoch, evaluation included."""
RELEASED_SHAPE = shape(24, 768, 12)
SENTENCE = 3
"""Tokens of a sentence, as the source counts them: an entity, an arrow, an entity."""
TIMED = 4
"""Steps that are timed, after one that is not."""


def released_step(
    seed: int, folder: Path, precision: Precision, model: TransformerConfig = RELEASED_SHAPE
) -> tuple[Callable[[], object], int]:
    """Return what takes the next step of the default run, and how many tokens that counts.

    Args:
        seed: of the run.
        folder: gets the run's file of measurements.
        precision: in which it trains.
        model: another shape.
    """
    config = as_released(epochs(3000, 340), model, training__precision=precision)
    member = begin(parse_arm(ARM).config(config, seed), exam_of(Arrows())(seed), folder).member
    lesson, steps = Lesson([replace(member, measure=lambda *_: {})], folder), itertools.count()
    return lambda: lesson.take(next(steps)), config.batches.batch_size * SENTENCE


def tokens_per_second(seed: int, model: TransformerConfig = RELEASED_SHAPE) -> dict[str, float]:
    """Return how many training tokens a second of one core takes, in the fastest precision of this processor.

    Processor time is counted, so other work on the machine, or several threads, change little.
    """
    with tempfile.TemporaryDirectory() as folder:
        step, tokens = released_step(seed, Path(folder), fast_precision(), model)
        step()
        began = time.process_time()
        for _ in range(TIMED):
            step()
        return {"tokens_per_second": TIMED * tokens / (time.process_time() - began)}
