"""The pictures of the masked-diffusion study."""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

from bothways.studies.base import Picture
from bothways.studies.diffusion_runs import OBJECTIVES, POSITIONS
from bothways.studies.drawing import bars, curves
from bothways.studies.evidence import Evidence

WATCHED = ("masked mirror", "masked mixed", "masked broken", "masked inverse")
PANELS = (
    ("full", False, 1),
    ("full", False, 2),
    ("full", False, 4),
    ("causal", False, 1),
    ("full", True, 1),
    ("causal", True, 1),
)
"""Attention, tying and depth of each map of the grid."""


def draw(evidence: Evidence) -> Sequence[Picture]:
    """Return every picture; what was not measured is left out of them."""
    single = [n for n in evidence.groups if n.startswith(("objective", "attention", "positions", "sharing", "tied"))]
    contexts = {"forward": "forward", "reverse": "reverse"}
    return [
        curves(
            evidence, "restoration", "Probability of A in both contexts", WATCHED, contexts, probe="restoration",
            y="probability", caption="Forward is the stated text with A masked, reverse the text of the other order.",
        ),
        curves(
            evidence, "attention", "Attention from the mask to the given entity", WATCHED,
            {"forward": "forward_weight", "reverse": "reverse_weight", "correlation of scores": "correlation"},
            probe="attention_routes", y="weight, or correlation",
            caption="Mean attention weights in both contexts, and how alike their scores are over pairs.",
        ),
        curves(
            evidence, "storage", "Evidence in the values", WATCHED,
            {"A in B": "first_from_last", "B in A": "last_from_first"}, probe="storage_evidence", y="logits",
            caption="The logit of a partner that W_U W_O W_V x writes, above the mean over others.",
        ),
        curves(
            evidence, "gradients", "Cosine of forward and reverse gradients", WATCHED,
            {"storage": "storage_cosine", "storage, mismatched": "storage_cosine_mismatched",
             "routing": "routing_cosine", "all": "all_cosine"},
            probe="gradient_alignment", y="cosine",
            caption="Of a pair with itself, and the best of three mismatched pairs.",
        ),
        bars(
            evidence, "ablations", "One thing changed at a time", ["masked mixed", "causal mixed", *single], contexts,
            probe="restoration", y="probability of A",
            caption="70 % of the pairs are stated in both orders; the others are asked.",
        ),
        *grid(evidence),
    ]  # fmt: skip


def grid(evidence: Evidence) -> Iterator[Picture]:
    """Yield the whole grid as small maps: a panel for each attention, tying and depth."""
    rows: list[tuple[Any, ...]] = []
    for name, positions, (attention, tied, layers) in product(OBJECTIVES, POSITIONS, PANELS):
        group = f"grid {name} {attention} {positions} {tied} {layers}"
        if evidence.groups.get(group):
            values = evidence.found(group, "restoration", "reverse")
            panel = f"{attention} attention, {'tied' if tied else 'untied'}, {layers} layers"
            rows.append((panel, name, positions, sum(values) / len(values)))
    if rows:
        yield Picture(
            name="grid", title="Reverse probability over the grid", form="heat_map", rows=rows, x="positions",
            y="objective", caption="Mean over seeds.",
        )  # fmt: skip
