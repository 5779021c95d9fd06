"""Identities behind the escape, derived by us, and exact: MD-T1 to MD-T5.

All regions were written down before the first run.
"""

from collections.abc import Iterable

from bothways.studies.claims import Claim, Part, Region
from bothways.studies.readings import Values, computed, minus, part

ROUNDING = 1e-6
"""How exact an identity must hold, relative to what is compared."""


def identities() -> Iterable[Claim]:
    """Yield the identities: MD-T1 to MD-T5."""

    def apart(name: str, one: str, other: str) -> Values:
        return lambda evidence: [
            abs(a - b) / max(abs(a), abs(b), 1e-12)
            for a, b in zip(evidence.computation(name, one), evidence.computation(name, other), strict=True)
        ]

    def identity(number: str, sentence: str, *parts: Part, why: str = "") -> Claim:
        return Claim(
            id=number, sentence=sentence, paper="derived by us; not a claim of the paper", sure="ours", scale="same",
            parts=parts, why=why,
        )  # fmt: skip

    rounding = Region(high=ROUNDING)
    yield identity(
        "MD-T1",
        (
            "Scores of one key left and right of a query correlate by (2/d) Σ cos(2Dθ), and for a fixed query by its "
            "own weights."
        ),
        part("relative error, random queries", rounding, apart("routes", "formula", "turned"), exact=True),
        part("relative error, one query", rounding, apart("routes", "own_formula", "own_turned"), exact=True),
        part(
            "sampled minus formula",
            Region(-0.05, 0.05),
            minus(computed("routes", "sampled"), computed("routes", "formula")),
        ),
    )
    yield identity(
        "MD-T2",
        (
            "The storage gradients' product is <h, h'> [(1-a)(1-b) + Σ p p'], and predicts one step's change of the "
            "reverse loss."
        ),
        part("relative error of the product", rounding, apart("storage gradient", "product", "formula"), exact=True),
        part(
            "relative error of the predicted change, rate 0.0001",
            Region(high=0.001),
            apart("storage gradient", "change", "predicted"),
            exact=True,
        ),
    )
    yield identity(
        "MD-T3",
        (
            "Without positions, or with a symmetric bias by distance, a text and its exact mirror give the same "
            "logits at any depth."
        ),
        part("largest difference of two logits, no positions", rounding, computed("parity none", "gap"), exact=True),
        part("the same, ALiBi", rounding, computed("parity alibi", "gap"), exact=True),
        part(
            "the same, rotary, where it must not hold", Region(low=0.01), computed("parity rotary", "gap"), exact=True
        ),
    )
    yield identity(
        "MD-T4",
        (
            "Left to right, the product of the two gradients is <p - e_B, p' - e_A> <x_A, x_B>, and about 0 for "
            "near-orthogonal embeddings."
        ),
        part("relative error of the product", rounding, apart("left to right", "product", "formula"), exact=True),
        part("cosine of the two gradients, width 1,024", Region(-0.1, 0.1), computed("left to right", "cosine")),
    )
    yield identity(
        "MD-T5",
        "A pair's own gradients agree more than those of mismatched pairs of all three kinds.",
        *(
            part(f"matched minus mismatched product, {words}", Region(low=0.0), computed("mismatched", kind))
            for kind, words in (
                ("other_last", "(A, B')"),
                ("other_first", "(A', B)"),
                ("other_both", "(A', B')"),
            )
        ),
        why="Each value is a mean over 20 random models.",
    )
