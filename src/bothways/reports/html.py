"""Fill a page's template: everything escaped, one style, one script, and a policy under which only these act."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from bothways.reports.escape import plain, printable

TEMPLATES = Path(__file__).parent / "templates"


def fill(template: str, context: Mapping[str, Any]) -> str:
    """Fill a template of this folder; every text in `context` that is no markup is escaped."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=without_controls,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    css, js = ((TEMPLATES / name).read_text(encoding="utf-8") for name in ("report.css", "report.js"))
    return environment.get_template(template).render(**context, css=Markup(css), js=Markup(js), policy=policy(css, js))


def without_controls(value: Any) -> Any:
    """Take control characters and direction overrides out of every text that is not our own markup."""
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def policy(css: str, js: str) -> str:
    """Return a content security policy under which only the page's own style and script act."""
    style, script = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (css, js))
    return (
        f"default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def name(text: str) -> Markup:
    """Return a name that keeps its own text direction and may break after `_` and `+`.

    >>> name("a+<b>")
    Markup('<bdi>a+<wbr>&lt;b&gt;</bdi>')
    """
    parts = re.split(r"(?<=[_+])", plain(text))
    return Markup("<bdi>{}</bdi>").format(Markup("<wbr>").join(parts))


def unbroken_words(text: str) -> Markup:
    """Return text that breaks between its words only, every character of it kept."""
    return Markup(" ").join(Markup("<span>{}</span>").format(printable(word)) for word in text.split(" "))


def flat(settings: Mapping[str, Any], before: str = "") -> list[tuple[str, str]]:
    """Return nested settings as rows of a dotted name and a value."""
    rows = []
    for name, value in settings.items():
        if isinstance(value, Mapping) and value:
            rows += flat(value, f"{before}{name}.")
        else:
            rows.append((f"{before}{name}", value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)))
    return rows
