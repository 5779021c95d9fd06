"""Facts by whatever a user wrote: a file, a folder, or the name of a world."""

from pathlib import Path

from bothways.errors import FactsError
from bothways.facts.read import read_facts
from bothways.options import component
from bothways.registry import names, unknown
from bothways.types import FactSet


def find_facts(source: str | Path, seed: int = 0) -> FactSet:
    """Return the facts of a file or folder, or of a world such as `family` or `relations:n_entities=100`.

    A file wins over a world of the same name; `seed` draws a world.

    Raises:
        FactsError: there is no such file or world, or the facts cannot be read.
        BothwaysError: an option of a world is unknown or does not fit.
    """
    path, name = Path(source), str(source).partition(":")[0]
    if not path.exists() and name in names("facts"):
        return make_world(str(source), seed)
    if not path.exists() and not path.suffix and "/" not in str(source):
        raise FactsError(f"{source}: no such file or folder. {unknown('world', name, names('facts'))}")
    return read_facts(path)


def make_world(text: str, seed: int) -> FactSet:
    """Make a world from `name:key=value:…` and a seed.

    Raises:
        BothwaysError: the name or an option is unknown, or a value does not fit.
    """
    return component("facts", text).make(seed)
