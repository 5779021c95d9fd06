"""The page of a model: where a direction is lost, in words, with every number and picture beside them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bothways.disk import read_json, write_text
from bothways.errors import RunError
from bothways.registry import names
from bothways.reports import words
from bothways.reports.explain_pictures import pictures
from bothways.reports.explain_words import Looked, says
from bothways.reports.html import fill, flat, name, unbroken_words
from bothways.reports.pictures import write_pictures

CONTENTS = (
    ("words", "In words"),
    ("pictures", "Pictures"),
    ("numbers", "Numbers"),
    ("facts", "Facts and model"),
    ("repeat", "Repeat it"),
)
LETTERS = (
    "A is the entity that a fact's statement names first, B the one it names last: forward asks for B, reverse for A."
)
LEDE = ("answers", "logit lens")
"""Sentences that stand below the headline too."""
CAVEAT = "Each sentence is a measurement of this one model, with its numbers; none of them shows what causes what."


def write_explanation(folder: Path, data: Mapping[str, Any]) -> dict[str, Any]:
    """Write `explain.json`, `report.html` and `figures/` of what probes found, and return what the JSON holds."""
    whole = {**data, "words": [sentence.to_json() for sentence in says(data)]}
    if data["before"] is not None:
        whole["before"] = {**data["before"], "words": [one.to_json() for one in says(data["before"])]}
    write_text(folder / "explain.json", json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False))
    write_explain_page(folder)
    return whole


def write_explain_page(folder: Path) -> Path:
    """Write `report.html` and `figures/` from a folder's `explain.json` alone, and return the page's path.

    Raises:
        RunError: the file is missing or damaged.
    """
    data = read_json(folder / "explain.json")
    try:
        models: dict[str, Looked] = {"after": data} if data["before"] is None else {
            "before": data["before"], "after": data,
        }  # fmt: skip
        context = context_of(data, models)
        drawn = pictures(models if len(models) > 1 else {"": data})
    except (LookupError, TypeError, AttributeError) as error:
        raise RunError(
            f"{folder / 'explain.json'} was altered ({type(error).__name__}). Remove {folder} and explain again."
        ) from None
    shown = write_pictures(drawn, folder / "figures")
    context["pictures"] = [picture for picture in shown if picture.plot.wide]
    context["missing"] = [picture.title for picture in shown if not picture.plot.wide]
    path = folder / "report.html"
    write_text(path, fill("explain.html.jinja", context))
    return path


def context_of(data: Mapping[str, Any], models: Mapping[str, Looked]) -> dict[str, Any]:
    """Return what the template shows, its pictures left out."""
    said = {label: {row["about"]: row for row in looked["words"]} for label, looked in models.items()}
    headline = said["after"]["where"]["text"]
    was = [f"Before: {uncapped(said['before']['where']['text'])}"] if "before" in said else []
    facts = {key: data["facts"][key] for key in ("source", "facts", "entities", "split", "exam")}
    about = [(key.replace("_", " "), str(value)) for key, value in facts.items()]
    return {
        "number": words.number,
        "name": name,
        "run": data["model"],
        "headline": headline,
        "lede": [
            " ".join(said["after"][about]["text"] for about in LEDE if about in said["after"]),
            *was,
            LETTERS,
            CAVEAT,
        ],
        "contents": CONTENTS,
        "labels": list(models),
        "rules": [
            (about, said) for about in dict.fromkeys(a for one in said.values() for a in one) if about != "where"
        ],
        "notes": data["notes"],
        "left_out": left_out(models),
        "numbers": numbers_of(models),
        "about": [("model", data["model"]), ("family", data["family"]), ("objective", data["objective"]), *about]
        + ([("before", data["before"]["model"])] if data["before"] is not None else []),
        "versions": flat({"versions": data["versions"]}),
        "command": unbroken_words(data["command"]),
    }


def uncapped(sentence: str) -> str:
    """Return a sentence as it stands after a colon."""
    return sentence[:1].lower() + sentence[1:]


def left_out(models: Mapping[str, Looked]) -> list[tuple[str, str]]:
    """Return each probe that could not look, and why; once, if before and after agree."""
    return list(
        dict.fromkeys(
            (probe.replace("_", " "), why) for one in models.values() for probe, why in one["left_out"].items()
        )
    )


def numbers_of(models: Mapping[str, Looked]) -> list[tuple[str, list[tuple[str, list[Any]]]]]:
    """Return every number of every probe, in the order of the registry: a name, and its value in each model."""
    found = []
    for probe in names("probes"):
        keys = dict.fromkeys(key for one in models.values() for key in one["probes"].get(probe) or {})
        rows = [
            (key.replace("_", " "), [(one["probes"].get(probe) or {}).get(key) for one in models.values()])
            for key in keys
        ]
        if rows:
            found.append((probe.replace("_", " "), rows))
    return found
