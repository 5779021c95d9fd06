"""The question of word order on a graph that a user brings, such as CoDEx: half of each tested pair is withheld."""

from collections.abc import Iterator
from functools import lru_cache, partial
from typing import Any

import numpy as np

from bothways.batches.batches import BatchConfig
from bothways.config import RunConfig
from bothways.facts.find import find_facts
from bothways.facts.graphs.exam import SORTS
from bothways.facts.semantics import semantics_exam
from bothways.mechanisms.tasks import Tasks
from bothways.models.transformer import TransformerConfig
from bothways.studies.base import Group, Picture
from bothways.studies.drawing import around
from bothways.studies.evidence import Evidence, NothingMeasured
from bothways.training.loop import TrainingConfig
from bothways.training.speed import fast_precision
from bothways.types import Exam

ARMS = {"facts causal": "causal", "facts diffusion": "masked_diffusion"}


@lru_cache(maxsize=16)
def exam_of_facts(facts: str, seed: int) -> Exam:
    """Return the exam of a seed on a file or folder of facts; see `facts/semantics.py`."""
    return semantics_exam(find_facts(facts, seed), seed)


def on_facts(facts: str) -> Iterator[Group]:
    """Yield causal training and masked diffusion on a user's facts, each fact a sentence of its own."""
    config = RunConfig(
        batches=BatchConfig(batch_size=256),
        model=TransformerConfig(n_layers=2, d_model=128, d_mlp=256, tied=True, positions="rotary"),
        training=TrainingConfig(steps=4000, learning_rate=3e-3, weight_decay=0.1, precision=fast_precision()),
        probes=(Tasks(max_queries=200),),
    )
    for name, arm in ARMS.items():
        exam = partial(exam_of_facts, facts)
        yield Group(name=name, arm=arm, config=config, exam=exam, axes={"form": "facts"})


def draw_facts(evidence: Evidence) -> Picture:
    """Draw what follows and was never stated, by word order, on the user's facts."""
    rows: list[tuple[Any, ...]] = []
    for group in ARMS:
        for sort in SORTS:
            for direction in ("forward", "reverse"):
                try:
                    found = evidence.found(group, "tasks", f"logic_{sort}_{direction}_exact")
                except NothingMeasured:
                    continue
                rows.append((sort, direction, group, *around(np.array(found))))
    return Picture(
        name="facts", title="What follows and was never stated, on your facts", form="bars", rows=rows,
        y="right answers", caption="Forward asks in the order in which the text names the two entities.",
    )  # fmt: skip
