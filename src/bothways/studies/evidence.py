"""What a study's runs and computations gave, as its claims and pictures read them: from run folders alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bothways.disk import read_json
from bothways.runs import Run


class NothingMeasured(Exception):
    """A claim asks for runs that are not there; the message says which."""


@dataclass
class Evidence:
    """Finished runs by group, and computations by name; one entry per seed, in the order of seeds."""

    groups: Mapping[str, Sequence[Run]]
    """Every run of a group, or none where some are not finished: claims compare groups seed by seed."""
    computed: Mapping[str, Sequence[Mapping[str, float]]] = field(default_factory=dict)
    computed_seconds: Mapping[str, float] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    """The groups and computations that were asked for since this was emptied."""

    def runs(self, group: str) -> Sequence[Run]:
        """Return a group's finished runs.

        Raises:
            NothingMeasured: there is none.
        """
        self.used.add(group)
        found = self.groups.get(group, ())
        if not found:
            raise NothingMeasured(f"runs of '{group}' are not finished")
        return found

    def score(self, group: str, kind: str, name: str = "accuracy") -> list[float]:
        """Return one number of a kind of question, over the test questions of each run."""
        return [self._in(run, f"{kind} questions", run.result["scores"].get(kind), name) for run in self.runs(group)]

    def found(self, group: str, probe: str, name: str) -> list[float]:
        """Return a probe's number at the end of each run."""
        rows = ({f["probe"]: f["numbers"] for f in run.result["findings"]} for run in self.runs(group))
        return [
            self._in(run, f"finding '{probe}'", row.get(probe), name)
            for run, row in zip(self.runs(group), rows, strict=True)
        ]

    def table(self, group: str, probe: str) -> list[Sequence[Mapping[str, Any]]]:
        """Return a probe's table at the end of each run."""
        found = ([f["table"] for f in run.result["findings"] if f["probe"] == probe] for run in self.runs(group))
        tables = [rows[0] for rows in found if rows]
        if len(tables) < len(self.runs(group)):
            raise NothingMeasured(f"'{group}' has no finding '{probe}'")
        return tables

    def curve(self, group: str, probe: str, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Return a watched probe's number over training: steps (T), and values (S, T), a row per run."""
        histories = [[row for row in run.history if probe in row.get("watched", {})] for run in self.runs(group)]
        if not all(histories):
            raise NothingMeasured(f"'{group}' was not watched by '{probe}'")
        values = [[row["watched"][probe].get(name, np.nan) for row in history] for history in histories]
        n = min(map(len, values))
        return np.array([row["step"] for row in histories[0]][:n]), np.array([row[:n] for row in values], float)

    def computation(self, name: str, number: str) -> list[float]:
        """Return one number of a computation, per seed.

        Raises:
            NothingMeasured: it was not made.
        """
        self.used.add(name)
        if not self.computed.get(name):
            raise NothingMeasured(f"the computation '{name}' was not made")
        if not all(number in found for found in self.computed[name]):
            raise NothingMeasured(f"'{name}' does not show '{number}'")
        return [float(found[number]) for found in self.computed[name]]

    def n_tokens(self, group: str) -> int:
        """Return how many tokens the models of a group know; the same in every run."""
        (n,) = {int(read_json(run.folder / "model" / "model.json")["n_tokens"]) for run in self.runs(group)}
        return n

    @staticmethod
    def exam_of(run: Run) -> Path:
        """Return the file of the exam a run sat."""
        return run.folder.parent / "exams" / f"{run.result['exam'][:12]}.json"

    def seconds(self) -> float:
        """Return how long everything took that was asked for: training of runs, and computations."""
        runs = {run.folder: run for group in self.used for run in self.groups.get(group, ())}
        trained = [float(run.history[-1]["seconds"]) for run in runs.values()]
        return sum(trained, 0.0) + sum((self.computed_seconds.get(name, 0.0) for name in self.used), 0.0)

    @staticmethod
    def _in(run: Run, what: str, found: Mapping[str, Any] | None, name: str) -> float:
        if found is None or name not in found:
            raise NothingMeasured(f"{run.folder.name} has no {what} with '{name}'")
        return float(found[name])
