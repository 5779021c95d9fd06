"""The pictures of the training-dynamics study."""

from collections.abc import Iterator, Sequence
from typing import Any

from bothways.studies.base import Picture
from bothways.studies.drawing import bars, curves
from bothways.studies.evidence import Evidence, NothingMeasured

MAPS = {"train_forward": "both ways, A to B", "train_backward": "both ways, B to A", "seen": "one way, as stated",
        "unseen": "one way, turned round"}  # fmt: skip


BOTH = {"as stated": "forward_accuracy", "turned round": "reverse_tested_accuracy"}
WEIGHTS = {"Θ": "theta", "Y": "Y", "Z": "Z", "heads of block 1": "value_0", "attention of block 1": "attention_0",
           "embedding to output": "direct"}  # fmt: skip


def draw(evidence: Evidence, before: str) -> Sequence[Picture]:
    """Return every picture; groups that were not measured are left out of them."""

    def beginning(*words: str) -> list[str]:
        return [name for name in evidence.groups if name.startswith(words)]

    return [
        curves(
            evidence, "nll", "What is stated, what is turned round, what is implied",
            [f"{before}{name}" for name in ("reversal", "chain", "in context")],
            {"stated": "stated_nll", "turned round": "reverse_tested_nll", "implied": "implied_nll"}, y="NLL, nats",
            caption="Of questions in the stated order, in the other order, and of what is implied.",
        ),
        *weight_maps(evidence, f"{before}reversal"),
        curves(
            evidence, "theory", "The models of theory", beginning("bilinear", "pairwise"),
            {"stated": "stated_nll", "unstated": "unstated_nll"}, y="NLL, nats",
            caption="Gradient descent on all rows at once; both start from a uniform guess.",
        ),
        curves(
            evidence, "asymmetry", "Asymmetry of the weights over training",
            beginning("bilinear", "pairwise", f"{before}reversal")[:12], WEIGHTS, probe="weight_asymmetry",
            y="‖M - Mᵀ‖ / ‖M‖", caption="0 is symmetric, √2 is what random weights have.",
        ),
        bars(
            evidence, "cures", "Every mitigation on the reversal data", beginning(f"{before}reversal"), BOTH,
            y="accuracy", caption="The 60 questions in the unseen direction, under each edit of the training text.",
        ),
        bars(
            evidence, "open", "What the paper leaves open", beginning("open "), BOTH, y="accuracy",
            caption="Other losses, penalties, attention without softmax, no residual stream, a recurrent model.",
        ),
        bars(
            evidence, "open-rank", "What the paper leaves open: rank of the unseen answer", beginning("open "),
            {"turned round": "reverse_tested_rank"}, y="median rank among 200", caption="100 is a guess.",
        ),
    ]  # fmt: skip


def weight_maps(evidence: Evidence, group: str) -> Iterator[Picture]:
    """Yield the heat maps of one run: the logit of each partner after each entity alone."""
    try:
        table = evidence.table(group, "weight_map")[0]
    except NothingMeasured:
        return
    rows: list[tuple[Any, ...]] = []
    for name, title in MAPS.items():
        found = [row for row in table if row["map"] == name]
        rows += [
            (title, row["input"], other["partner"], logit)
            for row in found
            for other, logit in zip(found, row["logits"], strict=True)
        ]
    yield Picture(
        name="weight-maps", title="Logits of every partner after one entity alone", form="heat_map", rows=rows,
        x="partner", y="given entity", caption="The diagonal holds the true partners. One run, seed 0.",
    )  # fmt: skip
