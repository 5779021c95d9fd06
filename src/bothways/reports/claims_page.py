"""The page of a study: every claim with its verdict, and the pictures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bothways.disk import write_text
from bothways.reports.html import fill
from bothways.studies.base import Picture


def write_claims_page(folder: Path, data: Mapping[str, Any], pictures: Sequence[Picture]) -> Path:
    """Write `report.html` of a study from what its `claims.json` says."""
    context = {
        "run": data["study"],
        "headline": data["title"],
        "lede": [data["source"]],
        "contents": [("claims", "Claims")],
        "claims": data["claims"],
        "command": data["command"],
    }
    path = folder / "report.html"
    write_text(path, fill("claims.html.jinja", context))
    return path
