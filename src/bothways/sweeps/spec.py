"""A sweep's YAML file: what is trained on what, and which settings are varied."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from math import prod
from pathlib import Path
from typing import Any, NoReturn

from bothways.arms import DEFAULT_ARMS
from bothways.config import Scalar
from bothways.errors import BothwaysError
from bothways.registry import unknown
from bothways.sweeps.plan import safe_name
from bothways.sweeps.yaml_file import load_yaml

KEYS = ("name", "facts", "exam", "arms", "seeds", "split", "set", "grid", "zip")
MOST_RUNS = 100_000
"""Runs of the largest sweep: what one folder, one manifest and one table still bear."""
MOST_SEED = 2**32
DECIDED = ("seeds.", "objective.", "seeds", "objective")
"""What every arm and seed decides anew."""


@dataclass(frozen=True, kw_only=True)
class SweepSpec:
    """What a sweep's file says, checked by itself."""

    name: str
    """Of the sweep, and of its folder."""
    facts: str = "family"
    """A file, a folder or a world."""
    exam: str = "directions"
    """What is asked of them, as `bothways ls exams` lists it, with options."""
    arms: tuple[str, ...] = DEFAULT_ARMS
    """Objectives and mitigations."""
    seeds: int = 5
    """Runs per arm and cell."""
    split: int = 0
    """Seed of the exam, and of a world's facts."""
    settings: Mapping[str, Scalar] = field(default_factory=dict)
    """Changes to the recipe in every cell."""
    grid: Mapping[str, tuple[Scalar, ...]] = field(default_factory=dict)
    """Axes of which every combination is tried."""
    zipped: Mapping[str, tuple[Scalar, ...]] = field(default_factory=dict)
    """Axes that are walked side by side, as one more axis of the grid."""

    @property
    def axes(self) -> tuple[str, ...]:
        """The name of every axis."""
        return (*self.grid, *self.zipped)

    @property
    def n_cells(self) -> int:
        """How many combinations there are."""
        return prod(len(values) for values in self.grid.values()) * max(map(len, self.zipped.values()), default=1)

    def cells(self) -> Iterator[dict[str, Scalar]]:
        """Yield every combination once, as a value for each axis; the last axis varies fastest."""
        sides = list(zip(*self.zipped.values(), strict=True)) if self.zipped else [()]
        for cell in product(*self.grid.values()):
            for side in sides:
                yield dict(zip(self.axes, (*cell, *side), strict=True))

    def to_json(self) -> dict[str, Any]:
        """Return the specification under the keys of its file."""
        return {
            "name": self.name,
            "facts": self.facts,
            "exam": self.exam,
            "arms": list(self.arms),
            "seeds": self.seeds,
            "split": self.split,
            "set": dict(self.settings),
            "grid": {key: list(values) for key, values in self.grid.items()},
            "zip": {key: list(values) for key, values in self.zipped.items()},
        }


def read_spec(path: Path) -> SweepSpec:
    """Read a sweep's file.

    Raises:
        BothwaysError: it cannot be read, or says something that cannot be; the message names the file and the key.
    """
    return parse_spec(load_yaml(path), str(path), safe_name(path.stem))


def parse_spec(data: Any, file: str, name: str) -> SweepSpec:
    """Check what a sweep's file holds.

    Args:
        data: plain data, such as YAML gives.
        file: what messages call the file.
        name: the sweep's, where it does not say.

    Raises:
        BothwaysError: as `read_spec`.
    """
    if not isinstance(data, Mapping):
        refuse(file, "the file", "must hold names and values", data, "Write for example 'arms: [causal]'")
    for key in data:
        if key not in KEYS:
            raise BothwaysError(f"{file}: {unknown('key', str(key), KEYS)}")
    readers: dict[str, tuple[str, Callable[[str, str, Any], Any]]] = {
        "name": ("name", _name),
        "facts": ("facts", _text),
        "exam": ("exam", _text),
        "arms": ("arms", _arms),
        "seeds": ("seeds", _seeds),
        "split": ("split", _split),
        "set": ("settings", _settings),
        "grid": ("grid", _axes),
        "zip": ("zipped", _axes),
    }
    found = {readers[key][0]: readers[key][1](file, key, value) for key, value in data.items()}
    spec = SweepSpec(**{"name": name, **found})
    _check_together(file, spec)
    return spec


def refuse(file: str, key: str, rule: str, value: Any, advice: str) -> NoReturn:
    """Refuse a value of the file in one sentence.

    Raises:
        BothwaysError: always.
    """
    shown = repr(value)
    shown = shown if len(shown) <= 60 else f"{shown[:59]}…"
    raise BothwaysError(f"{file}, {key}: {rule}, got {shown}. {advice}.")


def _text(file: str, key: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        refuse(file, key, "must be a text", value, f"To vary it, write '{key}: [...]' under grid")
    return value.strip()


def _name(file: str, key: str, value: Any) -> str:
    if not isinstance(value, str) or value != safe_name(value):
        refuse(file, key, "must be made of letters, digits, '-', '_' and '.'", value, "It names the folder below runs/")
    return value


def _whole(file: str, key: str, value: Any, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        refuse(file, key, f"must be a whole number from {least} to {most}", value, "Correct it")
    return value


def _seeds(file: str, key: str, value: Any) -> int:
    return _whole(file, key, value, 1, MOST_RUNS)


def _split(file: str, key: str, value: Any) -> int:
    return _whole(file, key, value, 0, MOST_SEED - 1)


def _arms(file: str, key: str, value: Any) -> tuple[str, ...]:
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, list) or not names or not all(isinstance(n, str) and n.isprintable() for n in names):
        refuse(file, key, "must be a list of names", value, "Write for example [causal, masked_diffusion]")
    return tuple(name.strip() for name in names)


def _settings(file: str, key: str, value: Any) -> dict[str, Scalar]:
    settings = _named(file, key, value)
    for path, setting in settings.items():
        _check_path(file, f"{key}: {path}", path)
        if path in ("facts", "exam", "split") or path.startswith("facts."):
            refuse(file, f"{key}: {path}", "is no setting of the recipe", setting, "Write it at the top of the file")
        _scalar(file, f"{key}: {path}", setting)
    return settings


def _axes(file: str, key: str, value: Any) -> dict[str, tuple[Scalar, ...]]:
    axes = {}
    for path, values in _named(file, key, value).items():
        where = f"{key}: {path}"
        _check_path(file, where, path)
        if not isinstance(values, list) or not values:
            refuse(file, where, "must be a list of at least one value", values, "Write for example [0.001, 0.004]")
        axes[path] = tuple(_axis_value(file, where, path, each) for each in values)
        repeated = [each for each, n in Counter(map(repr, axes[path])).items() if n > 1]
        if repeated and key == "grid":
            raise BothwaysError(f"{file}, {where}: the value {repeated[0]} comes twice. Keep one.")
    return axes


def _axis_value(file: str, where: str, path: str, value: Any) -> Scalar:
    if path == "split":
        return _split(file, where, value)
    return _text(file, where, value) if path == "facts" else _scalar(file, where, value)


def _named(file: str, key: str, value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        refuse(file, key, "must hold names and values", value, "Write for example 'training.steps: ...' below it")
    return value


def _scalar(file: str, where: str, value: Any) -> Scalar:
    if not isinstance(value, (str, int, float)) or (isinstance(value, str) and not value.isprintable()):
        refuse(file, where, "a value must be a number, a text or true or false", value, "Correct it")
    return value


def _check_path(file: str, where: str, path: str) -> None:
    if path.startswith(DECIDED) or path in ("arm", "arms", "seed"):
        raise BothwaysError(
            f"{file}, {where}: each arm and seed decides this anew. Write 'seeds: 5' and "
            "'arms: [name:option=value, ...]' at the top of the file."
        )


def _check_together(file: str, spec: SweepSpec) -> None:
    """Refuse what is wrong only in sight of the rest."""
    for path in spec.zipped:
        if path in spec.grid:
            raise BothwaysError(f"{file}, zip: {path} is an axis of grid too. Keep one of them.")
    lengths = {path: len(values) for path, values in spec.zipped.items()}
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{path} has {n}" for path, n in lengths.items())
        raise BothwaysError(f"{file}, zip: the lists must be equally long, got: {found}. Make them so.")
    if "facts" in spec.axes and any(path.startswith("facts.") for path in spec.axes):
        raise BothwaysError(f"{file}: both facts and an option of them are axes. Write the options into facts.")
    n_runs = spec.n_cells * len(spec.arms) * spec.seeds
    if n_runs > MOST_RUNS:
        raise BothwaysError(f"{file}: plans {n_runs:,} runs, more than {MOST_RUNS:,}. Split the sweep.")
