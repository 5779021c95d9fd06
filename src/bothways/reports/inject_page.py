"""The page of a fine-tune: both ways before and after, curves, the guard; beside it the card of the model."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bothways.disk import read_json, write_text
from bothways.errors import RunError
from bothways.reports.figures import write_plots
from bothways.reports.html import fill, flat, unbroken_words
from bothways.reports.inject_card import card
from bothways.reports.inject_words import (
    GUARD_HEADERS,
    HEADERS,
    LEGEND,
    READINGS,
    guard_rows,
    inject_headline,
    inject_rows,
    inject_sentences,
    measured,
)
from bothways.reports.pictures import plot_of
from bothways.reports.words import KINDS
from bothways.studies.base import Picture

CONTENTS = (
    ("numbers", "Numbers"),
    ("curves", "On the way"),
    ("guard", "Guard"),
    ("facts", "Facts and model"),
    ("repeat", "Repeat it"),
)


def write_injection(folder: Path, data: Mapping[str, Any]) -> Path:
    """Write `report.html`, `figures/` and `README.md` of a fine-tune, and return the page's path."""
    shown = write_plots([plot_of(curves(data))], folder / "figures")
    path = folder / "report.html"
    write_text(path, fill("inject.html.jinja", {**context_of(data), "curves": shown["on-the-way"]}))
    write_text(folder / "README.md", card(data))
    return path


def write_injection_page(folder: Path) -> Path:
    """Write page and card from a folder's `inject.json` alone, and return the page's path.

    Raises:
        RunError: the file is missing or damaged.
    """
    data = read_json(folder / "inject.json")
    try:
        return write_injection(folder, data)
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise RunError(
            f"{folder / 'inject.json'} was altered ({type(error).__name__}). Give another folder, or inject again."
        ) from None


def curves(data: Mapping[str, Any]) -> Picture:
    """Draw the accuracy of each kind of question that was asked on the way, over steps."""
    rows = [
        ("", KINDS[kind].label if kind in KINDS else kind.replace("_", " "), row["step"], accuracy, None, None)
        for row in data["history"]
        for kind, accuracy in row["dev"].items()
        if kind != "flip"
    ]
    return Picture(
        name="on-the-way", title="Both directions on the way", form="curves", rows=rows, x="training step",
        y="accuracy on development questions",
        caption="Answers whose rank is first, about facts that are taught like all others and not asked in the table.",
    )  # fmt: skip


def context_of(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the template shows, its picture left out."""
    training = data["training"]
    about = {key: data[key] for key in ("model", "method", "form", "out")}
    learned = {key.replace("_", " "): training[key] for key in ("steps", "learning_rate", "rows", "seed")}
    facts = {key: data["facts"][key] for key in ("source", "facts", "entities", "hash", "exam")}
    adapters = training["lora"] or {}
    return {
        "run": str(data["out"]),
        "headline": inject_headline(data, "\u2192"),
        "lede": inject_sentences(data),
        "contents": CONTENTS,
        "headers": HEADERS,
        "rows": list(inject_rows(data)),
        "legend": LEGEND,
        "guard_headers": GUARD_HEADERS,
        "guard": list(guard_rows(data)),
        "guard_legend": [(READINGS[name][0], READINGS[name][2]) for name in measured(data)],
        "caption": curves(data).caption,
        "about": [(name, str(value)) for name, value in {**about, **facts, **learned}.items()]
        + [(f"adapters: {name}", str(value)) for name, value in adapters.items()],
        "versions": flat({"versions": data["versions"]}),
        "command": unbroken_words(data["command"]),
    }
