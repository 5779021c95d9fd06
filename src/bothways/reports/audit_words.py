"""What an audit says in words and rows: the table of a terminal, and what its page shows. Standard library only."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from bothways.reports.escape import fold, plain
from bothways.reports.words import NOTHING, count, interval, number, percent, plural, share, two

WIDTH = 100
"""Columns of a terminal that are used."""
WAYS = ("forward", "reverse")
HEADERS = ("asked by", "direction", "right (rank 1)", "named first", "exact", "rank", "nats", "copied")
LEGEND = (
    ("forward, reverse", "asked for the tail of a fact, and for its head; or as the facts say they are stated."),
    ("right (rank 1)", "the answer is the likeliest of the candidates, with the 95 % interval over facts."),
    ("named first", "the model writes the answer before any other candidate; exact: it writes just that."),
    ("rank, nats", "the answer's median rank, and minus its mean log-probability."),
    ("copied", "share of a question's words that stand in the fact's own statement as one run."),
    ("control", "the same with the fact itself, and one other, in the prompt: shows that the question is understood."),
    ("rephrased", "some facts asked again, in the relation's second question."),
)
AGAIN = ("control", "rephrased")
"""What is asked again in every form."""
BLIND = 0.2
"""Share of blind answers from which an association is said."""


def audit_headline(data: Mapping[str, Any]) -> str:
    """Say in one sentence what came out.

    >>> way = {"accuracy": 0.5}
    >>> print(audit_headline({"model": "base", "forward": way, "reverse": {"accuracy": 0}, "form": "question"}))
    base answers 50 % of the facts forward and 0 % in reverse
    """
    ways = [data[way]["accuracy"] for way in WAYS]
    shares = [NOTHING if value is None else percent(value).replace("\u00a0", " ") for value in ways]
    return f"{plain(data['model'])} answers {shares[0]} of the facts forward and {shares[1]} in reverse"


def audit_table(data: Mapping[str, Any]) -> str:
    """Return an audit as text for a terminal: a row for each form and direction, baselines, and what they are worth."""
    rows = grid(HEADERS, audit_rows(data))
    return "\n".join(
        [f"{audit_headline(data)}.", "", *rows, "", *folded(audit_sentences(data)), "", *explained(LEGEND)]
    )


def grid(headers: Sequence[str], rows: Iterable[Sequence[str]], left: int = 2) -> list[str]:
    """Set a table as lines: its header, a rule, its rows; so many columns from the left hold names."""
    table = [headers, *rows]
    widths = [max(len(row[n]) for row in table) for n in range(len(headers))]
    header, *lines = [aligned(row, widths, left) for row in table]
    return [header, "-" * max(map(len, lines)), *lines]


def folded(sentences: Iterable[str]) -> list[str]:
    """Return sentences as lines of a terminal."""
    return [line for sentence in sentences for line in fold(sentence, WIDTH)]


def explained(legend: Iterable[tuple[str, str]]) -> list[str]:
    """Return a table's legend as lines of a terminal."""
    return folded(f"{term}: {words}" for term, words in legend)


def aligned(row: Sequence[str], widths: Sequence[int], left: int = 2) -> str:
    """Set one row: names to the left, numbers to the right."""
    cells = zip(row, widths, strict=True)
    return "  ".join(
        cell.ljust(wide) if n < left else cell.rjust(wide) for n, (cell, wide) in enumerate(cells)
    ).rstrip()


def audit_rows(data: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield the rows of the table: forms with their controls, then what answering without any model gives."""
    for form, found in data["forms"].items():
        for way in WAYS:
            yield row_of(form, way, found[way])
        for name, numbers in found["others"].items():
            yield row_of(form, name.replace("_", " "), numbers)
        for again in AGAIN:
            for way in WAYS if found[again] else ():
                yield (*row_of(f"  {again}", way, found[again][way])[:-1], "")
    yield from baseline_rows(data)


def baseline_rows(data: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield what answering both directions without any model gives."""
    by_name: dict[str, dict[str, Any]] = {}
    kinds = {data[way]["kind"]: way for way in WAYS}
    for row in data["baselines"]:
        if row["kind"] in kinds:
            by_name.setdefault(row["baseline"].replace("_", " "), {})[kinds[row["kind"]]] = row["accuracy"]
    for name, accuracies in by_name.items():
        for way in WAYS:
            yield (name, way, share(accuracies.get(way)), *[""] * (len(HEADERS) - 3))


def row_of(form: str, way: str, numbers: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the row of one kind of question."""
    return (
        form,
        way,
        f"{two(numbers['accuracy'])} {interval(numbers['low'], numbers['high'])}".strip(),
        two(numbers["first_mention"]),
        two(numbers["exact"]),
        count(numbers["median_rank"]),
        number(numbers["nll"]),
        two(numbers["shared_words"]),
    )


def audit_sentences(data: Mapping[str, Any]) -> list[str]:
    """Say what the numbers are worth: what is known, relation or association, what copies a text, and the notes."""
    known = data["known"]
    said = [
        f"Known already: {known['forward']} of {plural(known['of'], 'fact')} forward, {known['reverse']} in reverse, "
        f"{known['both']} both ways" + (": an injection has nothing to add to these." if known["both"] else ".")
    ]
    said.append(f"Relation or association: {says_relation(data)}.")
    said += says_copied(data)
    return [*said, *(f"Note: {plain(note)}" for note in data["notes"])]


def says_relation(data: Mapping[str, Any]) -> str:
    """Say whether answers are heard from the relation, or go with the name whatever is asked; ends no sentence."""
    flip = data["flip"]
    if flip["why"]:
        return str(flip["why"])
    blind = f"{two(flip['blind'])} {interval(flip['blind_low'], flip['blind_high'])}"
    specific = f"{two(flip['specific'])} {interval(flip['specific_low'], flip['specific_high'])}"
    what = "an association more than a relation" if flip["blind"] > BLIND else "the relation is heard"
    said = f"right and specific to the relation {specific}, the partner named under another relation {blind}"
    return said + (f": {what}" if data["reverse"]["accuracy"] else "")


def says_copied(data: Mapping[str, Any]) -> Iterator[str]:
    """Yield, for each direction that has both, how questions do that copy a statement, and others."""
    for way in WAYS:
        parts = [(name, (data[way].get(name) or {})) for name in ("templated", "generic")]
        if all(part.get("n") for _, part in parts):
            both = ", ".join(f"{name} {two(part['accuracy'])} (n={part['n']})" for name, part in parts)
            yield f"Questions that copy a statement and others, {way}: {both}."


def table_of(data: Mapping[str, Any]) -> Sequence[Sequence[str]]:
    """Return the table's rows as a page shows them."""
    return [[cell.strip() for cell in row] for row in audit_rows(data)]
