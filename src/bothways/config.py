"""What decides a run: one frozen tree of settings, to and from plain data.

YAML is read only at the edge. Every value is checked by type, unknown keys are refused with the
nearest known one, and components are written with the name of their class.
"""

import contextlib
import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, cast, get_type_hints

from bothways.batches.batches import BatchConfig
from bothways.batches.tokenizers import TokenizerConfig
from bothways.errors import BothwaysError
from bothways.models.transformer import TransformerConfig
from bothways.objectives.causal import Causal
from bothways.options import convert, make
from bothways.registry import unknown
from bothways.tensors import Objective
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
    model: TransformerConfig = field(default_factory=TransformerConfig)
    objective: Objective = field(default_factory=Causal)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    probes: tuple[Any, ...] = ()
    seeds: Seeds = field(default_factory=Seeds)

    @property
    def hash(self) -> str:
        """A digest of every setting."""
        return digest(to_plain(self))


def to_plain(value: Any) -> Any:
    """Return a tree of dataclasses as JSON types; each dataclass says which class it is under `is`."""
    if is_dataclass(value) and not isinstance(value, type):
        plain = {f.name: to_plain(getattr(value, f.name)) for f in fields(value)}
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


def override(config: RunConfig, settings: Sequence[str]) -> RunConfig:
    """Apply `a.b=c` settings of the command line to a configuration.

    Raises:
        BothwaysError: a setting has no `=`, or names no field.
    """
    for setting in settings:
        path, sign, value = setting.partition("=")
        if not sign:
            raise BothwaysError(f"A setting reads a.b=c, got {setting!r}. Write for example training.steps=3000.")
        config = _replace_at(config, path.strip().split("."), value.strip(), path)
    return config


def part_names(node: Any) -> list[str]:
    """Return the names of a component's fields."""
    return [f.name for f in fields(node)]


def _replace_at(node: Any, path: Sequence[str], value: str, whole: str) -> Any:
    names = part_names(node)
    if path[0] not in names:
        raise BothwaysError(unknown(f"setting in '{whole}'", path[0], names))
    current = getattr(node, path[0])
    if len(path) > 1:
        if not is_dataclass(current):
            raise BothwaysError(f"Setting '{whole}' goes too deep: {path[0]} has no parts. Stop there.")
        return replace(node, **{path[0]: _replace_at(current, path[1:], value, whole)})
    if is_dataclass(current):
        inner = ", ".join(part_names(current))
        raise BothwaysError(f"Setting '{whole}' is a group of settings. Name one of its parts: {inner}.")
    hints: dict[str, Any] = get_type_hints(node.__class__)
    return replace(node, **{path[0]: convert(hints[path[0]], value, whole)})
