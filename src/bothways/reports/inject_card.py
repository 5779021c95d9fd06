"""The model card: what was taught, what came of it, and how to ask the model; Markdown under a YAML head.

Names and paths are others' text: in YAML they are written by its own library, in Markdown every mark that means
something is escaped, and in code they stand as Python literals.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

from bothways.reports.audit_words import WAYS
from bothways.reports.escape import plain
from bothways.reports.inject_words import (
    GUARD_HEADERS,
    HEADERS,
    guard_rows,
    inject_headline,
    inject_rows,
    inject_sentences,
)

MARKS = re.compile(r"([!-/:-@\[-`{-~])")
"""Every ASCII character that may mean something to Markdown; a backslash before it takes that meaning."""
HARMLESS = re.compile(r"\\([,;%'\".?()+=-]|:(?= ))")
"""Of these, what means nothing after the first word of a line: it is left as it is, so that the text can be read."""
FIRST = re.compile(r"[\W\d_]*")
"""How a line may begin that Markdown takes for a list, a rule or a heading."""
NUMBERS = re.compile("[-\u2013\u2212\u00d7+0-9.,\\[\\] ]*")
"""A cell that holds nothing but numbers."""
ABOUT = "It measures whether a model that has read a fact in one order answers when it is asked the other way round."
MOST = 20
"""Tokens that the model may answer in the example."""


def card(data: Mapping[str, Any]) -> str:
    """Return a fine-tune's README.md."""
    taught = f"{code(data['model'])} was taught {data['facts']['facts']} facts ({code(data['facts']['name'])})"
    parts = [
        f"---\n{head(data)}---",
        f"# {marked(title_of(data))}",
        f"{marked(inject_headline(data, chr(0x2192)))}.",
        f"{taught} with {code(data['method'])} by bothways. {ABOUT}",
        "## Both directions",
        table(HEADERS, inject_rows(data)),
        "Right: the answer is the likeliest of its candidates, with the 95 % interval over facts.",
        "## What it kept",
        table(GUARD_HEADERS, guard_rows(data)),
        *map(marked, inject_sentences(data)),
        "## Ask it",
        fenced("python", script(data)) if data["reads"] == "causal" else "",
        "" if data["reads"] == "causal" else "It fills in masks and is not asked left to right: use `bothways audit`.",
        "## Repeat it",
        fenced("sh", plain(data["command"])),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def title_of(data: Mapping[str, Any]) -> str:
    """Return what the model is called: its folder's name."""
    return plain(str(data["out"])).rstrip("/").rpartition("/")[2] or "model"


def head(data: Mapping[str, Any]) -> str:
    """Return the card's YAML: the base, and the accuracies of both directions."""
    source = {"name": plain(data["facts"]["name"]), "type": plain(data["facts"]["name"])}
    metrics = [
        {"type": "accuracy", "name": f"{way} accuracy", "value": data["after"][way]["accuracy"]}
        for way in WAYS
        if data["after"][way]["accuracy"] is not None
    ]
    result = {"task": {"type": "text-generation"}, "dataset": source, "metrics": metrics}
    found = {
        "base_model": plain(str(data["model"])),
        "library_name": "transformers" if data["training"]["lora"] is None else "peft",
        "tags": ["bothways", "reversal-curse", "knowledge-injection"],
        "model-index": [{"name": title_of(data), "results": [result]}],
    }
    return str(yaml.safe_dump(found, sort_keys=False, allow_unicode=True, width=float("inf")))


def script(data: Mapping[str, Any]) -> str:
    """Return three lines of Python that ask the model what it was taught."""
    asked, turn = data["example"]["text"], data["example"]["turn"]
    given = f'[{{"role": "user", "content": {asked!r}}}]' if turn else repr(asked)
    answer = '["generated_text"]' + ('[-1]["content"]' if turn else "")
    return "\n".join(
        (
            "from transformers import pipeline",
            f'ask = pipeline("text-generation", model={plain(str(data["out"]))!r})',
            f"print(ask({given}, max_new_tokens={MOST}, do_sample=False)[0]{answer})",
        )
    )


def marked(text: str) -> str:
    r"""Return text in which nothing is markup.

    >>> print(marked("<b> | *bold* [x](y), 0.5"))
    \<b\> \| \*bold\* \[x\](y), 0.5
    """
    escaped = MARKS.sub(r"\\\1", plain(text))
    first = FIRST.match(escaped)
    start = first.end() if first else 0
    return escaped[:start] + HARMLESS.sub(r"\1", escaped[start:])


def code(text: Any) -> str:
    r"""Return text as code, between more backticks than it holds.

    >>> print(code("a``b"))
    ``` a``b ```
    """
    shown = plain(str(text))
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    edge, space = "`" * (longest + 1), " " if longest else ""
    return f"{edge}{space}{shown}{space}{edge}"


def fenced(language: str, text: str) -> str:
    """Return lines as a block of code, under a fence that none of them can close."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table whose cells are text."""
    lines = [
        headers,
        ["---"] * len(headers),
        *([cell if NUMBERS.fullmatch(cell) else marked(cell) for cell in row] for row in rows),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
