"""The recipe of the stand-ins: how many people, how large a model, how long it learns, from what."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from bothways.bases.stand_in.corpus import StandInCorpus, write_texts
from bothways.bases.stand_in.folder import is_finished, write_folder
from bothways.bases.stand_in.lessons import Lessons
from bothways.bases.stand_in.llama import build_llama
from bothways.bases.stand_in.measure import measure
from bothways.bases.stand_in.people import Known, make_people
from bothways.bases.stand_in.tokenizer import as_lines, train_tokenizer
from bothways.batches.huggingface import HuggingFaceTokenizer
from bothways.batches.tokenizers import Tokenizer
from bothways.disk import write_text
from bothways.errors import BothwaysError
from bothways.objectives.causal import Causal
from bothways.objectives.masked_diffusion import MaskedDiffusion
from bothways.registry import unknown
from bothways.tensors import Objective
from bothways.training.checkpoint import remove_checkpoints
from bothways.training.loop import Member, TrainingConfig, train

GENERAL = "general.txt"
"""What the model never read, a text a line: a guard measures perplexity on it where nobody names another file."""
REPLAY = "replay.txt"
"""What the model has read, a text a line: to be read along while something new is learned."""
Half = Literal["causal", "masked_diffusion"]
HALVES: Mapping[Half, Objective] = {"causal": Causal(), "masked_diffusion": MaskedDiffusion(mask="either")}
"""What each model of the pair learns by."""


@dataclass(frozen=True, kw_only=True)
class StandIn:
    """A pair of small chat models of one corpus, to try a fine-tune on without a download.

    Source: our own design; the recover task's words and ratios are those of masked fine-tuning (Pan et al.).
    """

    recover: bool = True
    """Whether it has learned to give back a passage that was shown to it with masks, on people of its own."""
    both_ways: bool = True
    """Whether questions asked for the heads of its facts, too."""
    circles: int = 4
    """Circles of people."""
    each: int = 1
    """Under how many relations a circle lives."""
    circle: int = 100
    """People in a circle."""
    n_tokens: int = 1600
    """Largest size of the vocabulary."""
    width: int = 96
    """Of the stream."""
    layers: int = 3
    """Blocks."""
    steps: int = 8000
    """Optimiser steps of the causal model."""
    diffusion_times: int = 2
    """How many times as many the diffusion model takes: of a text it learns only what was hidden at that visit."""
    rows: int = 64
    """Short texts in a batch."""
    learning_rate: float = 3e-3
    """Peak of AdamW."""
    recover_share: float = 0.5
    """Share of the steps that read passages to recover."""
    told_first: float = 0.0
    """Share of the steps before the first that asks questions."""
    weight_decay: float = 0.1
    """Of AdamW."""
    measurements: int = 10
    """How often it is asked on the way."""

    def make(self, half: Half, folder: Path, seed: int, stop: Callable[[], bool] = lambda: False) -> None:
        """Train one model of the pair in a folder, or go on with it; a finished one is left alone.

        Args:
            half: which of the two.
            folder: gets the model, or what it takes to go on.
            seed: the only source of chance.
            stop: asked after every step; True saves the state and ends.

        Raises:
            Interrupted: it was asked to stop.
            GuardError: the loss became no number.
        """
        if is_finished(folder):
            return
        folder.mkdir(parents=True, exist_ok=True)
        known, corpus = self.text(seed)
        library = train_tokenizer(corpus, self.n_tokens)
        tokenizer = HuggingFaceTokenizer(library)
        lessons = self.lessons(half, corpus, tokenizer, seed)
        model = build_llama(len(library), self.width, self.layers, seed, masked=half == "masked_diffusion")
        look = partial(measure, tokenizer=tokenizer, known=known, corpus=corpus)
        config = TrainingConfig(
            steps=self.steps_of(half),
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            measurements=self.measurements,
        )
        (rows,) = train([Member(model, HALVES[half], lessons, config, folder, look, seed)], folder, stop)
        if isinstance(rows, BothwaysError):
            raise rows
        measured = {name: value for name, value in rows[-1].items() if name not in ("seconds", "speed", "warnings")}
        write_text(folder / GENERAL, "\n".join(corpus.held_out) + "\n")
        write_text(folder / REPLAY, "\n".join(as_lines(corpus)) + "\n")
        write_folder(folder, model, library, half, self.to_json(), seed, measured)
        remove_checkpoints(folder)

    def lessons(self, half: Half, corpus: StandInCorpus, tokenizer: Tokenizer, seed: int) -> Lessons:
        """Return what one model of the pair reads, step by step; to fill in masks is itself the task to recover."""
        recover = self.recover_share if self.recover and half == "causal" else 0.0
        switch = round(self.told_first * self.steps_of(half))
        return Lessons(corpus, tokenizer, rows=self.rows, recover=recover, switch=switch, seed=seed)

    def steps_of(self, half: Half) -> int:
        """Return the optimiser steps of one model of the pair."""
        return self.steps * (self.diffusion_times if half == "masked_diffusion" else 1)

    def text(self, seed: int) -> tuple[Known, StandInCorpus]:
        """Return the people and everything that is written about them."""
        known = make_people(self.circles, self.circle, seed, each=self.each)
        return known, write_texts(known, self.both_ways, seed)

    def without(self, *parts: str) -> "StandIn":
        """Return the same without some of the tasks.

        Raises:
            BothwaysError: there is no such task.
        """
        tasks = ("recover", "both_ways")
        for part in parts:
            if part not in tasks:
                raise BothwaysError(unknown("task", part, tasks))
        return replace(self, **dict.fromkeys(parts, False))

    def to_json(self) -> dict[str, Any]:
        """Return the settings as plain data."""
        return asdict(self)


SIZES: Mapping[str, StandIn] = {
    "full": StandIn(),
    "quick": StandIn(circle=13, width=64, learning_rate=5e-3, steps=1500),
    "tiny": StandIn(circles=2, circle=9, width=32, layers=2, steps=60, rows=32, measurements=2),
}
"""Recipes by how long they take: a quarter of an hour, minutes, and the seconds of a test."""
