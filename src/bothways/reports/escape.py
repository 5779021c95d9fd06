"""Make text that others wrote safe to show: in a page, in a figure, in a CSV cell, on a terminal.

Facts are untrusted: a name may hold markup, terminal codes, text-direction overrides or a spreadsheet
formula. HTML itself is escaped by jinja2; what it does not look at is handled here.
"""

import re

SPACES = re.compile("[ \t\r\n\v\f\u2028\u2029]+")
"""White space that breaks lines; the no-break space is none of it."""

UNPRINTABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""Control characters, lone surrogates and non-characters: invalid in XML, codes to a terminal."""

OVERRIDES = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Characters that turn the direction of the text around them; letters of any script need none of them."""

FORMULA = ("=", "+", "-", "@")
"""How a cell starts that a spreadsheet would compute."""


def plain(text: str) -> str:
    r"""Return `text` on one line, without control characters or direction overrides.

    >>> plain("a\x1b[31m  b\n\u202ec")
    'a\ufffd[31m b c'
    """
    return printable(SPACES.sub(" ", text))


def printable(text: str) -> str:
    """Return `text` without control characters or direction overrides, its white space as it is."""
    return OVERRIDES.sub("", UNPRINTABLE.sub("\ufffd", text))


def shorten(text: str, width: int) -> str:
    """Cut the middle out of a text longer than `width` characters; names differ at both ends.

    >>> shorten("a very long name of a relation", 14)
    'a very…elation'
    """
    text = plain(text)
    if len(text) <= width:
        return text
    head = (width - 1) // 2
    return text[:head] + "…" + text[len(text) - (width - 1 - head) :]


def fold(text: str, width: int) -> list[str]:
    """Break a name into lines of at most `width` characters, before a `+` where it can.

    >>> fold("masked_diffusion+both_directions", 24)
    ['masked_diffusion', '+both_directions']
    """
    lines, text = [], plain(text)
    while len(text) > width:
        joints = [found.start() for found in re.finditer(r"\+", text[: width + 1]) if found.start()]
        cut = max(joints or [found.end() for found in re.finditer("[_ ]", text[:width])] or [width])
        lines.append(text[:cut].rstrip())
        text = text[cut:].lstrip()
    return [*lines, text]


def csv_cell(value: object) -> object:
    """Return a cell for `csv.writer`: text never reads as a formula, None is empty, numbers stay.

    >>> csv_cell("=cmd()"), csv_cell(-0.5), csv_cell(None)
    ("'=cmd()", -0.5, '')
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        return value
    text = plain(value)
    return f"'{text}" if text.lstrip().startswith(FORMULA) else text
