"""What a fine-tune says in words and rows: the tables of a terminal, of its page and of its card."""

from collections.abc import Iterator, Mapping
from typing import Any

from bothways.reports import audit_words
from bothways.reports.audit_words import (
    AGAIN,
    WAYS,
    baseline_rows,
    explained,
    folded,
    grid,
    row_of,
    says_copied,
    says_relation,
)
from bothways.reports.escape import plain
from bothways.reports.words import NOTHING, count, duration, number, plural, two

WHEN = ("before", "after")
HEADERS = ("when", *audit_words.HEADERS[1:])
LEGEND = audit_words.LEGEND
READINGS: Mapping[str, tuple[str, str, str]] = {
    "perplexity": ("perplexity", "\u00d7", "of general text that was not taught; it may rise by a factor."),
    "kl": ("KL", "+", "divergence from the model before, in nats per token of that text."),
    "repetition": (
        "repetition",
        "+",
        "share of 4-grams that stood there before, in greedy continuations of that text.",
    ),
    "locality": ("locality", "\u2212", "accuracy on questions whose answers must not change; it may fall."),
}
"""What the guard reads: its name, the sign of its move, and what it is."""
GUARD_HEADERS = ("guard", "before", "after", "moved", "limit", "kept")


def inject_headline(data: Mapping[str, Any], arrow: str = "->") -> str:
    """Say in one sentence what came out.

    >>> old, new = ({"forward": {"accuracy": 1.0}, "reverse": {"accuracy": n}} for n in (0.02, 0.86))
    >>> found = {"method": "masked_finetuning", "before": old, "after": new, "guard": {"passed": True}}
    >>> inject_headline(found)
    'masked_finetuning: reverse 0.02 -> 0.86, forward 1.00 -> 1.00'
    """
    moved = ", ".join(
        f"{way} {' '.join((two(data['before'][way]['accuracy']), arrow, two(data['after'][way]['accuracy'])))}"
        for way in reversed(WAYS)
    )
    return f"{plain(data['method'])}: {moved}" + ("" if data["guard"]["passed"] else "; the guard ended it")


def inject_table(data: Mapping[str, Any]) -> str:
    """Return a fine-tune as text for a terminal: both ways before and after, the guard, and what they are worth."""
    legend = [*LEGEND, *((READINGS[name][0], READINGS[name][2]) for name in measured(data))]
    parts = (
        [f"{inject_headline(data)}."],
        grid(HEADERS, inject_rows(data)),
        grid(GUARD_HEADERS, guard_rows(data), left=1),
        folded(inject_sentences(data)),
        explained(legend),
    )
    return "\n\n".join("\n".join(lines) for lines in parts)


def inject_rows(data: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield both directions before and after, all other kinds of question, and what no model at all gives."""
    for when in WHEN:
        for way in WAYS:
            yield row_of(when, way, data[when][way])
        for name, numbers in data[when]["others"].items():
            yield row_of(when, name.replace("_", " "), numbers)
        for again in AGAIN:
            for way in WAYS if data[when].get(again) else ():
                yield (*row_of(f"  {again}", way, data[when][again][way])[:-1], "")
    yield from baseline_rows(data["after"])


def measured(data: Mapping[str, Any]) -> list[str]:
    """Return which readings the guard had."""
    guard = data["guard"]
    return [name for name in READINGS if guard["before"][name] is not None or guard["after"][name] is not None]


def guard_rows(data: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield the guard's readings, each before and after, how far it moved, and how far it might."""
    guard = data["guard"]
    for name in measured(data):
        label, sign, _ = READINGS[name]
        limit, moved = guard["limits"][name], guard["moved"][name]
        fits = limit is None or (moved is not None and moved <= limit)
        yield (
            label,
            number(guard["before"][name]),
            number(guard["after"][name]),
            signed(sign, moved) if moved is not None else NOTHING,
            signed(sign, limit) if limit is not None else "none",
            "yes" if fits else "no",
        )


def signed(sign: str, value: float) -> str:
    """Write how far a reading has moved, in the direction in which it is limited; the other sign where it went back.

    >>> signed("+", 0.25), signed("\u2212", -0.25), signed("+", -0.25) == "\u22120.25"
    ('+0.25', '+0.25', True)
    """
    turned = {"+": "\u2212", "\u2212": "+"}
    return f"{turned.get(sign, sign) if value < 0 else sign}{number(abs(value))}"


def inject_sentences(data: Mapping[str, Any]) -> list[str]:
    """Say what the numbers are worth: the guard first, then relation or association, what was known, cost, notes."""
    before, after = (data[when] for when in WHEN)
    known = "; ".join(
        f"{when}, {data[when]['known']['forward']} forward, {data[when]['known']['reverse']} in reverse, "
        f"{data[when]['known']['both']} both ways"
        for when in WHEN
    )
    return [
        says_guard(data),
        f"Relation or association, before: {says_relation(before)}.",
        f"Relation or association, after: {says_relation(after)}.",
        f"Facts known (ranked first and written too), of {after['known']['of']}: {known}.",
        *says_copied(after),
        says_cost(data),
        *(f"Note: {plain(note)}" for note in data["notes"]),
    ]


def says_guard(data: Mapping[str, Any]) -> str:
    """Say whether the model kept what it knew, and if not, what broke; and whose weights it has, if not the last."""
    guard = data["guard"]
    if guard["passed"]:
        early = guard["kept_step"] != data["training"]["steps"]
        best = f" The model is that of step {count(guard['kept_step'])}, which answered best on the way."
        return f"Guard: passed at every measurement.{best if early else ''}"
    broke = " ".join(plain(breach) for breach in guard["breaches"])
    return (
        f"Guard: {broke} Training was ended there; the model is that of step {count(guard['kept_step'])}, before it "
        "broke."
    )


def says_cost(data: Mapping[str, Any]) -> str:
    """Say what the fine-tune took."""
    training = data["training"]
    lora = "" if training["lora"] is None else f", adapters of rank {training['lora']['rank']}"
    took = f"{duration(data['seconds'])} in all; " if data.get("seconds") is not None else ""
    return (
        f"Cost: {took}{plural(training['steps'], 'step')} of {plural(training['rows'], 'text')}, learning rate "
        f"{training['learning_rate']:g}{lora}; about {number(data['memory']['total'] / 1e6)} MB of memory."
    )
