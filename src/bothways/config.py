"""What decides a run: one frozen tree of settings, to and from plain data.

YAML is read only at the edge. Every value is checked by type, unknown keys are refused with the
nearest known one, and components are written with the name of their class.
"""

import contextlib
import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, TypeVar, cast, get_type_hints

from bothways.batches.batches import BatchConfig
from bothways.batches.tokenizers import TokenizerConfig
from bothways.errors import BothwaysError
from bothways.models.transformer import TransformerConfig
from bothways.objectives.causal import Causal
from bothways.options import convert, make
from bothways.registry import unknown
from bothways.tensors import ModelConfig, Objective
from bothways.text.corpus import TextConfig
from bothways.training.loop import TrainingConfig
from bothways.types import digest


@dataclass(frozen=True, kw_only=True)
class Seeds:
    """One seed for each thing that is drawn; the exam has its own."""

    text: int = 0
    """Draws within text edits."""
    init: int = 0
    """Initial weights."""
    order: int = 0
    """Order of documents, and of units where they are permuted."""
    masks: int = 0
    """Masks of the objective."""

    @classmethod
    def all(cls, seed: int) -> "Seeds":
        """Derive four different seeds from one."""
        return cls(text=4 * seed, init=4 * seed + 1, order=4 * seed + 2, masks=4 * seed + 3)


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """Everything that decides one training run, but for the exam."""

    text: TextConfig = field(default_factory=TextConfig)
    tokenizer: TokenizerConfig = field(default_factory=TokenizerConfig)
    batches: BatchConfig = field(default_factory=BatchConfig)
    model: ModelConfig = field(default_factory=TransformerConfig)
    objective: Objective = field(default_factory=Causal)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    probes: tuple[Any, ...] = ()
    """Looks inside the trained model."""
    watch: tuple[Any, ...] = ()
    """Probes whose numbers are written down at every measurement while it trains."""
    seeds: Seeds = field(default_factory=Seeds)

    @property
    def hash(self) -> str:
        """A digest of every setting."""
        return digest(to_plain(self))


def to_plain(value: Any) -> Any:
    """Return a tree of dataclasses as JSON types; each dataclass says which class it is under `is`.

    A field marked as quiet is left out at its default, so that runs keep the names they had before it was there.
    """
    if is_dataclass(value) and not isinstance(value, type):
        said = [f.name for f in fields(value) if not (f.metadata.get("quiet") and getattr(value, f.name) == f.default)]
        plain = {name: to_plain(getattr(value, name)) for name in said}
        return {"is": f"{type(value).__module__}:{type(value).__qualname__}", **plain}
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in cast(Mapping[Any, Any], value).items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in cast(Sequence[Any], value)]
    return value


def from_plain(data: Any) -> Any:
    """Return what `to_plain` was given. Only dataclasses of this package are ever made.

    Raises:
        BothwaysError: the data names a class that is not one of ours, or does not fit it.
    """
    if isinstance(data, Mapping) and "is" in data:
        plain = cast(Mapping[str, Any], data)
        options = {key: from_plain(value) for key, value in plain.items() if key != "is"}
        return make(_own_class(str(plain["is"])), options)
    if isinstance(data, list):
        return tuple(from_plain(item) for item in cast(list[Any], data))
    return cast(Any, data)


def _own_class(path: str) -> type:
    module, _, name = path.partition(":")
    if module.split(".")[0] == "bothways" and name.isidentifier():
        with contextlib.suppress(ModuleNotFoundError):
            found = getattr(importlib.import_module(module), name, None)
            if isinstance(found, type) and is_dataclass(found):
                return found
    raise BothwaysError(f"The configuration names {path!r}, which is no component of bothways. Repair config.yaml.")


Tree = TypeVar("Tree")
Scalar = str | int | float | bool
"""What a single setting can be, before it is converted to its field's type."""


def override(config: Tree, settings: Sequence[str]) -> Tree:
    """Apply `a.b=c` settings of the command line to a configuration.

    Raises:
        BothwaysError: a setting has no `=`, or names no field.
    """
    chosen: dict[str, Scalar] = {}
    for setting in settings:
        path, sign, value = setting.partition("=")
        if not sign:
            raise BothwaysError(f"A setting reads a.b=c, got {setting!r}. Write for example training.steps=3000.")
        chosen[path.strip()] = value.strip()
    return change(config, chosen)


def change(config: Tree, settings: Mapping[str, Scalar]) -> Tree:
    """Apply settings by their paths, all at once: a width and a number of heads may fit only each other.

    >>> change(RunConfig(), {"model.d_model": 18, "model.n_heads": 3}).model.d_model
    18

    Raises:
        BothwaysError: a path names no setting, or a value does not fit.
    """
    return _replace_at(config, [(path.split("."), value, path) for path, value in settings.items()])


def value_at(config: RunConfig, path: str) -> Any:
    """Return the setting that a path names.

    >>> value_at(RunConfig(), "training.warmup")
    0.05
    """
    found: Any = config
    for name in path.split("."):
        found = getattr(found, name)
    return found


def part_names(node: Any) -> list[str]:
    """Return the names of a component's fields."""
    return [f.name for f in fields(node)]


Setting = tuple[Sequence[str], Scalar, str]
"""The rest of a path, the value, and the whole path for messages."""


def _replace_at(node: Any, settings: Sequence[Setting]) -> Any:
    hints: dict[str, Any] = get_type_hints(node.__class__)
    changed: dict[str, Any] = {}
    below: dict[str, list[Setting]] = {}
    for (name, *rest), value, whole in settings:
        _check_name(node, name, rest, whole)
        if rest:
            below.setdefault(name, []).append((rest, value, whole))
        else:
            changed[name] = convert(hints[name], value, whole)
    for name, deeper in below.items():
        changed[name] = _replace_at(getattr(node, name), deeper)
    return replace(node, **changed)


def _check_name(node: Any, name: str, rest: Sequence[str], whole: str) -> None:
    if name not in part_names(node):
        raise BothwaysError(unknown(f"setting in '{whole}'", name, part_names(node)))
    current = getattr(node, name)
    if rest and not is_dataclass(current):
        raise BothwaysError(f"Setting '{whole}' goes too deep: {name} has no parts. Stop there.")
    if not rest and is_dataclass(current):
        inner = ", ".join(part_names(current))
        raise BothwaysError(f"Setting '{whole}' is a group of settings. Name one of its parts: {inner}.")
