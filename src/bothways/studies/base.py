"""What a study is: groups of runs, a few exact computations, claims with regions, and pictures. It is data."""

import abc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from bothways.bases.stand_in.recipe import Half, StandIn
from bothways.config import RunConfig, Scalar
from bothways.studies.claims import Claim
from bothways.studies.evidence import Evidence
from bothways.types import Exam


@dataclass(frozen=True, kw_only=True)
class Group:
    """Runs that differ in nothing but their seed."""

    name: str
    """How claims and pictures call it."""
    arm: str
    """An objective and a mitigation, as `--arms` has them."""
    config: RunConfig
    """Everything else: model, budget, probes. Objective, text and seeds are the arm's and the seed's."""
    exam: Callable[[int], Exam]
    """The exam of a seed: facts and split of their own, or the same for all."""
    repeat: int = 1
    """How many times as many seeds it gets as the study's other groups."""
    axes: Mapping[str, Scalar] = field(default_factory=dict[str, Scalar])
    """Where the group stands in a grid; columns of the study's table."""


@dataclass(frozen=True, kw_only=True)
class Base:
    """Pre-trained models that runs begin with, made once in the study's folder, before the first run."""

    folder: str
    """Where, below `bases` in the study's folder; each model has a folder of its own in it."""
    recipe: StandIn
    halves: Sequence[Half]
    """Which models of the pair."""
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Picture:
    """Something to draw: rows of numbers and the form they take; small multiples by `panel`."""

    name: str
    """Of its files."""
    title: str
    form: Literal["curves", "heat_map", "bars"]
    """What a row holds.

    curves: (panel, series, x, y, low, high); a band where low and high are finite.
    heat_map: (panel, row, column, value); rows and columns in the order they first come.
    bars: (panel, series, label, y, low, high).
    """
    rows: Sequence[tuple[Any, ...]]
    x: str = ""
    """What the axis across shows, with its unit; of a heat map, what its columns are."""
    y: str = ""
    """What the axis upwards shows, with its unit; of a heat map, what its rows are."""
    caption: str = ""
    """What a reader should see in it, in a sentence or two."""
    log_x: bool = False
    log_y: bool = False


@dataclass(frozen=True, kw_only=True)
class Scale:
    """A scale at which a study can be run."""

    about: str
    """What is trained and what that takes, in words that end no sentence."""
    seeds: int
    """How often everything is repeated unless a user says otherwise."""


class Study(abc.ABC):
    """One paper or question: everything that is run for it, and what that must show.

    Most studies have two scales, `quick` and whole. One that has more names them in `presets`, is a dataclass with the
    field `preset`, and reads `at_scale`; `quick` then stands for the first of them.
    """

    title: ClassVar[str]
    source: ClassVar[str]
    """The paper, or that the questions are ours."""
    presets: ClassVar[Mapping[str, Scale]] = {}
    """By name, from small to large: the first is what `--quick` means, the second what no option means."""
    preset: str = ""
    """The name of the scale it was made for."""

    def at_scale(self, quick: bool) -> str:
        """Return the preset that is run: the one it was made for, or what `quick` stands for."""
        return self.preset or tuple(self.presets)[:2][0 if quick else -1]

    def check(self) -> None:  # noqa: B027 - most studies need nothing
        """Refuse to begin where something that is needed is missing.

        Raises:
            BothwaysError: the message says what.
        """

    def at(self, folder: Path) -> "Study":
        """Return the study as it stands in its folder; only what begins with models made there needs to know it."""
        return self

    def bases(self, quick: bool) -> Sequence[Base]:
        """Return the models to make before the first run; what is made already is left alone."""
        return ()

    @abc.abstractmethod
    def groups(self, quick: bool) -> Sequence[Group]:
        """Return the groups of runs: with `quick` those that two cores train in minutes, else all."""

    @abc.abstractmethod
    def claims(self, quick: bool) -> Sequence[Claim]:
        """Return every claim, decided or not; regions are constants of the file."""

    def computations(self, quick: bool) -> Mapping[str, Callable[[int], Mapping[str, float]]]:
        """Return what is computed without a whole training run, such as identities; each takes a seed."""
        return {}

    def pictures(self, evidence: Evidence, quick: bool) -> Sequence[Picture]:
        """Return what to draw; what was not measured is left out."""
        return ()
