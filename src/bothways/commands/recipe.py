"""The recipe: one budget for every arm, declared before anything is trained.

Frozen on the project's own worlds (LOG.md), never tuned on a user's facts.
"""

from bothways.batches.batches import BatchConfig
from bothways.config import RunConfig
from bothways.models.transformer import TransformerConfig
from bothways.training.loop import TrainingConfig
from bothways.types import Exam


def recipe(exam: Exam) -> RunConfig:
    """Return the settings every arm shares."""
    return RunConfig(
        batches=BatchConfig(batch_size=128),
        model=TransformerConfig(d_model=64, n_heads=2, d_mlp=256),
        training=TrainingConfig(steps=3000, learning_rate=3e-3, precision="bf16"),
    )
