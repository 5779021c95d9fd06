"""ls: what exists, with one line each."""

import inspect
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any

from bothways.errors import BothwaysError
from bothways.registry import SINGULAR, lookup, names, unknown

if TYPE_CHECKING:
    import pandas

ROOMS: Mapping[str, tuple[str, ...]] = {
    "arms": ("objectives", "mitigations"),
    "objectives": ("objectives",),
    "mitigations": ("mitigations",),
    "facts": ("facts", "readers"),
    "exams": ("exams",),
    "probes": ("probes",),
    "models": ("models",),
    "studies": ("studies",),
    "executors": ("executors",),
}

SAYS: Mapping[str, Mapping[str, str]] = {"studies": {"about": "title", "source": "source"}}
"""What components say of themselves in attributes rather than in their docstring."""


@dataclass(frozen=True)
class Listing:
    """Names with what they are and their options."""

    rows: tuple[Mapping[str, str], ...]

    def to_pandas(self) -> "pandas.DataFrame":
        """One row per name."""
        import pandas

        return pandas.DataFrame(list(self.rows))


def ls(what: str) -> Listing:
    """List the arms, objectives, mitigations, facts, exams, models, probes, studies or executors there are.

    Raises:
        BothwaysError: there is no such list.
    """
    if what not in ROOMS:
        raise BothwaysError(unknown("list", what, ROOMS))
    rows = [describe(room, name) for room in ROOMS[what] for name in names(room)]
    return Listing(tuple(rows))


def describe(room: str, name: str) -> dict[str, str]:
    """Return a registered name's room, first line and options, and of a study its title, source and presets."""
    component = lookup(room, name)
    return {
        "name": name,
        "is": SINGULAR.get(room, room.removesuffix("s")),
        "options": options(component),
        "about": (inspect.getdoc(component) or "").splitlines()[0],
        **{key: getattr(component, attribute) for key, attribute in SAYS.get(room, {}).items()},
        **({"presets": presets} if (presets := ", ".join(getattr(component, "presets", ()))) else {}),
    }


def options(component: Any) -> str:
    """Return a component's options as `name=default`."""
    if not is_dataclass(component):
        return ""
    return " ".join(f"{f.name}={f.default if f.default is not MISSING else '?'}" for f in fields(component))
