"""Stand-ins that are made in seconds and know nothing: what folders, loaders and commands need."""

from dataclasses import replace
from pathlib import Path
from typing import Any


def recipe(*without: str, **changes: Any) -> Any:
    """Return the recipe of tiny stand-ins, without some tasks and with some settings changed."""
    from bothways.bases.stand_in.recipe import SIZES

    return replace(SIZES["tiny"].without(*without), **changes)


def make_bases(folder: Path, *without: str, **changes: Any) -> Path:
    """Make a tiny pair in a folder, `causal` and `masked_diffusion`, and return the folder."""
    from bothways.bases.stand_in.recipe import HALVES

    for half in HALVES:
        recipe(*without, **changes).make(half, folder / half, 0)
    return folder
