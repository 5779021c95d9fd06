"""The page of an audit: the table, what it is worth in words, and the command that gives the same numbers."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bothways.disk import read_json, write_text
from bothways.errors import RunError
from bothways.reports.audit_words import HEADERS, LEGEND, audit_headline, audit_sentences, table_of
from bothways.reports.html import fill, flat, unbroken_words

CONTENTS = (("numbers", "Numbers"), ("facts", "Facts and model"), ("repeat", "Repeat it"))


def write_audit(folder: Path, data: Mapping[str, Any]) -> Path:
    """Write `audit.json` and `report.html` of what a model was found to know, and return the page's path."""
    write_text(folder / "audit.json", json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False))
    return write_audit_page(folder)


def write_audit_page(folder: Path) -> Path:
    """Write `report.html` from a folder's `audit.json` alone, and return its path.

    Raises:
        RunError: the file is missing or damaged.
    """
    data = read_json(folder / "audit.json")
    try:
        context = context_of(data)
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise RunError(
            f"{folder / 'audit.json'} was altered ({type(error).__name__}). Remove {folder} and audit again."
        ) from None
    path = folder / "report.html"
    write_text(path, fill("audit.html.jinja", context))
    return path


def context_of(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the template shows."""
    facts = {key: data["facts"][key] for key in ("source", "facts", "entities", "asked", "hash")}
    about = {key: data[key] for key in ("model", "family", "objective", "form", "shots")}
    return {
        "run": str(data["model"]),
        "headline": audit_headline(data),
        "lede": audit_sentences(data),
        "contents": CONTENTS,
        "headers": HEADERS,
        "rows": table_of(data),
        "legend": LEGEND,
        "about": [(name, str(value)) for name, value in {**about, **facts}.items()],
        "versions": flat({"versions": data["versions"]}),
        "command": unbroken_words(data["command"]),
    }
