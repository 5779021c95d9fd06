"""What `--set` changes of a fine-tune beside its run's own settings, in groups; one option for all of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Literal

from bothways.config import override
from bothways.evaluation.guard import Guard
from bothways.injection.adapters import Lora
from bothways.injection.finetune import TrainerOptions
from bothways.options import at_least


@dataclass(frozen=True, kw_only=True)
class Replay:
    """General text that is read along with the facts, so that a model keeps what it could."""

    file: str = ""
    """A text a line; by default the model's own replay.txt, which stand-ins have, else none."""
    share: float = 0.25
    """How much of each step's texts that is; 0 for none."""


@dataclass(frozen=True, kw_only=True)
class InjectSettings:
    """How a model is taught and asked, the settings of its run apart."""

    seed: int = 0
    """Of order, masks and adapters; a leaderboard has its own."""
    split: int = 0
    """Of the exam, and of a world's facts."""
    form: Literal["", "completion", "question"] = ""
    """How it is asked; questions where the model has a chat template, by default."""
    shots: int = 0
    """Solved examples before each question."""
    mask_token: str = ""
    """The token that hides others, where the tokenizer has none; one that it sets aside, by default."""
    general: str = ""
    """A file of general text for the guard, a text a line; by default the model's own general.txt, which stand-ins
    have, else the project's."""
    equal: Literal["tokens", "steps"] = "tokens"
    """What all methods of a leaderboard get as many of."""
    guard: Guard = field(default_factory=Guard)
    """Limits of what may change."""
    lora: Lora = field(default_factory=Lora)
    """Adapters, where --lora asks for them."""
    replay: Replay = field(default_factory=Replay)
    """General text that is read along."""
    trainer: TrainerOptions = field(default_factory=TrainerOptions)
    """How the library's trainer goes about it."""

    def __post_init__(self) -> None:
        at_least(0, "Choose another seed.", seed=self.seed, split=self.split)
        at_least(0, "Raise it.", shots=self.shots)


def split_settings(settings: Sequence[str]) -> tuple[InjectSettings, list[str]]:
    """Return what settings say of a fine-tune, and those that are its run's own.

    >>> split_settings(["guard.kl=1", "training.steps=9"])[0].guard.kl, split_settings(["training.steps=9"])[1]
    (1.0, ['training.steps=9'])

    Raises:
        BothwaysError: a name is unknown or a value does not fit.
    """
    ours = {one.name for one in fields(InjectSettings)}
    chosen = [setting for setting in settings if setting.partition("=")[0].partition(".")[0].strip() in ours]
    return override(InjectSettings(), chosen), [setting for setting in settings if setting not in chosen]
