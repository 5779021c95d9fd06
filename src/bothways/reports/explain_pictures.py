"""What is drawn of the probes of a model, or of a model before and after: pictures, which are data."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bothways.reports.explain_words import Looked, reverse_kind
from bothways.reports.words import KINDS
from bothways.studies.base import Picture

Rows = list[tuple[Any, ...]]
WAYS = {"forward": "B from A", "reverse": "A from B", "last_from_first": "B from A", "first_from_last": "A from B"}
"""Directions as the page calls them."""
PLACES = {"asked": "where it is asked", "given": "at the given entity"}


def pictures(models: Mapping[str, Looked]) -> list[Picture]:
    """Return every picture, a panel for each model; what was not measured has no rows.

    Args:
        models: the model under an empty label, or before and after under theirs.
    """
    return [draw(models) for draw in PICTURES]


def every(models: Mapping[str, Looked], probe: str, row_of: Callable[[str, Mapping[str, Any], Looked], Any]) -> Rows:
    """Return what is drawn of each row of a probe's tables; None leaves a row out."""
    found = [
        row_of(label, row, looked) for label, looked in models.items() for row in looked["tables"].get(probe) or []
    ]
    return [row for row in found if row is not None]


def joined(*parts: str) -> str:
    """Return the parts that are there, with commas.

    >>> joined("", "after"), joined("before", "storage")
    ('after', 'before, storage')
    """
    return ", ".join(part for part in parts if part)


def answers(models: Mapping[str, Looked]) -> Picture:
    """Draw the accuracy of each kind of question."""
    rows = every(
        models,
        "answers",
        lambda label, row, _: (
            (label, "", kind_label(row["kind"]), row["accuracy"], None, None) if row["kind"] != "flip" else None
        ),
    )
    return Picture(
        name="answers", title="Answers both ways", form="bars", rows=rows, y="accuracy",
        caption="Share of test questions whose answer comes first among its candidates.",
    )  # fmt: skip


def kind_label(kind: str) -> str:
    """Return how the reports call a kind of question."""
    found = KINDS.get(kind)
    return found.label if found is not None else kind.replace("_", " ")


def lens(models: Mapping[str, Looked]) -> Picture:
    """Draw the answer's probability after each block."""

    def row_of(label: str, row: Mapping[str, Any], looked: Looked) -> Any:
        way = {"forward": "forward", reverse_kind(looked): "reverse"}.get(row["kind"])
        return None if way is None else (label, WAYS[way], row["blocks"], row["probability"], None, None)

    return Picture(
        name="logit-lens", title="Logit lens", form="curves", rows=every(models, "logit_lens", row_of),
        x="blocks passed", y="probability of the answer's first token",
        caption="What the output matrix would say of the stream after each block, where the answer is asked.",
    )  # fmt: skip


def linear_probe(models: Mapping[str, Looked]) -> Picture:
    """Draw the accuracy of a linear map from the stream to the partner."""

    def row_of(label: str, row: Mapping[str, Any], _: Looked) -> Any:
        panel = joined(label, PLACES[row["place"]])
        return panel, WAYS[row["direction"]], row["blocks"], row["accuracy"], None, None

    def control(label: str, row: Mapping[str, Any], _: Looked) -> Any:
        if row["direction"] != "forward":
            return None
        return joined(label, PLACES[row["place"]]), "chance", row["blocks"], row["chance"], None, None

    return Picture(
        name="linear-probe", title="Linear probes", form="curves",
        rows=[*every(models, "linear_probe", row_of), *every(models, "linear_probe", control)],
        x="blocks passed", y="accuracy",
        caption="Facts whose partner a linear map finds that was fitted to other facts.",
    )  # fmt: skip


def attention(models: Mapping[str, Looked]) -> Picture:
    """Draw the correlation of attention in the two texts, by block and head."""
    return Picture(
        name="attention", title="Attention in both texts", form="heat_map",
        rows=every(
            models,
            "attention_routes",
            lambda label, row, _: (label, f"{row['block'] + 1}", f"{row['head'] + 1}", row["correlation"]),
        ),
        x="head", y="block",
        caption="Correlation, over pairs, of how the asked place attends to the given entity in both texts; "
        "hatched where it does not vary. Read left to right, a model is given A in one text and B in the other, and "
        "nothing need go together.",
    )  # fmt: skip


def storage(models: Mapping[str, Looked]) -> Picture:
    """Draw what the value maps of each block write of a partner."""
    rows: Rows = []
    few = all(blocks <= FEW_BLOCKS for blocks in blocks_of(models))
    for label, looked in models.items():
        table = looked["tables"].get("storage_evidence") or []
        sides = {side: [row for row in table if row["side"] == side] for side in ("left", "right")}
        by_side = [row["evidence"] for row in sides["left"]] != [row["evidence"] for row in sides["right"]]
        for side, members in sides.items():
            if side == "left" or by_side:
                panel = joined(label, f"read on the {side}" if by_side else "")
                rows += [
                    (
                        panel,
                        WAYS[way],
                        f"block {row['block'] + 1}" if few else row["block"] + 1,
                        row["evidence"],
                        None,
                        None,
                    )
                    for way in ("last_from_first", "first_from_last")
                    for row in members
                    if row["direction"] == way
                ]
    return Picture(
        name="storage", title="Storage", form="bars" if few else "curves", rows=rows, x="block",
        y="logits above other pairs",
        caption="Logit of the partner that a block's heads would write of an entity they only looked at, "
        "above those of other pairs.",
    )  # fmt: skip


FEW_BLOCKS = 8
"""Up to so many blocks stand as bars; more as a curve."""


def blocks_of(models: Mapping[str, Looked]) -> list[int]:
    """Return the number of the last block of each model."""
    tables = [looked["tables"].get("storage_evidence") or [] for looked in models.values()]
    return [max((row["block"] + 1 for row in table), default=0) for table in tables]


def asymmetry(models: Mapping[str, Looked]) -> Picture:
    """Draw the asymmetry of each map from token to token."""

    def row_of(label: str, row: Mapping[str, Any], _: Looked) -> Any:
        name, _, block = row["map"].partition(" ")
        panel = joined(label, {"storage": "storage", "routing": "attention"}[row["role"]])
        where = f"block {int(block) + 1}" if block.isdigit() else row["map"]
        return panel, "", where if name in ("value", "attention") else row["map"], row["asymmetry"], None, None

    return Picture(
        name="asymmetry", title="Asymmetry of the weights", form="bars", rows=every(models, "weight_asymmetry", row_of),
        y="asymmetry",
        caption="0: what raises B after A raises A after B as much; 1.41: a random map. "
        "“Direct” goes from embedding to output.",
    )  # fmt: skip


PAIRINGS = {
    "matched": "the same pair",
    "other_last": "A with another B",
    "other_first": "B with another A",
    "other_both": "another pair",
}


def gradients(models: Mapping[str, Looked]) -> Picture:
    """Draw the cosines of forward and reverse gradients."""
    return Picture(
        name="gradients", title="Gradients of both directions", form="bars",
        rows=every(
            models,
            "gradient_alignment",
            lambda label, row, _: (label, PAIRINGS[row["pairs"]], row["part"], row["cosine"], None, None)
            if "pairs" in row
            else None,
        ),
        y="cosine",
        caption="Above 0, a step that lowers a pair's forward loss lowers the reverse loss it is paired with.",
    )  # fmt: skip


CONDITIONALS = {"first": "p(A)", "last_given_first": "p(B|A)", "last": "p(B)", "first_given_last": "p(A|B)"}
TEXTS = {"between_texts": "left to right, each text", "within_a_text": "within the stated text"}


def factorisation(models: Mapping[str, Looked]) -> Picture:
    """Draw the four conditionals of the two factorisations."""
    rows = [
        (joined(label, TEXTS[row["asked"]]), "", said, row[name], None, None)
        for label, looked in models.items()
        for row in looked["tables"].get("factorisation_gap") or []
        for name, said in CONDITIONALS.items()
    ]
    return Picture(
        name="factorisation", title="Two ways to one joint probability", form="bars", rows=rows,
        y="mean log-probability, nats",
        caption="The first two add up to one way of writing p(A, B), the last two to the other.",
    )  # fmt: skip


def embeddings(models: Mapping[str, Looked]) -> Picture:
    """Draw the cosines of partners and of other pairs."""
    return Picture(
        name="embeddings", title="Likeness of the embeddings", form="bars",
        rows=every(
            models, "embedding_cosine", lambda label, row, _: (label, "", row["pairs"], row["cosine"], None, None)
        ),
        y="mean cosine", caption="Input embeddings of the two entities of a fact, and of entities that no fact joins.",
    )  # fmt: skip


PICTURES: Sequence[Callable[[Mapping[str, Looked]], Picture]] = (
    answers, lens, linear_probe, attention, storage, asymmetry, gradients, factorisation, embeddings,
)  # fmt: skip
"""In the order of the page."""
