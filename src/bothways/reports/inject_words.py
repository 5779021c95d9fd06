"""What a fine-tune says in words and rows."""

from collections.abc import Mapping
from typing import Any


def inject_table(data: Mapping[str, Any]) -> str:
    """Return a fine-tune as text for a terminal."""
    rows = [
        f"{way:8} {data['before'][way]['accuracy']:.2f} -> {data['after'][way]['accuracy']:.2f}"
        for way in ("forward", "reverse")
    ]
    return "\n".join(rows)
