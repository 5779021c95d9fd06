"""The page of a fine-tune: both ways before and after, curves, the guard; and the card of the model."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write_injection(folder: Path, data: Mapping[str, Any]) -> Path:
    """Write `report.html` and `README.md` of a fine-tune, and return the page's path."""
    return folder / "report.html"
