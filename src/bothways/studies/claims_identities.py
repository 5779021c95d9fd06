"""Identities behind the escape, derived by us, and exact: MD-T1 to MD-T5.

All regions were written down before the first run.
"""

from collections.abc import Sequence

from bothways.studies.claims import Claim, Part, Region
from bothways.studies.readings import Values, computed, minus, part

ROUNDING = Region(high=1e-6)
"""How exact an identity must hold, relative to what is compared."""


def identities() -> Sequence[Claim]:
    """Return the identities: MD-T1 to MD-T5."""
    return mirrored_scores(), storage_gradients(), mirrored_texts(), left_to_right_gradients(), matched_gradients()


def mirrored_scores() -> Claim:
    """Return MD-T1: how scores left and right of a query correlate."""
    return identity(
        "MD-T1",
        (
            "Scores of one key left and right of a query correlate by (2/d) Σ cos(2Dθ), and for a fixed query by its "
            "own weights."
        ),
        part("relative error, random queries", ROUNDING, apart("routes", "formula", "turned"), exact=True),
        part("relative error, one query", ROUNDING, apart("routes", "own_formula", "own_turned"), exact=True),
        part(
            "sampled minus formula",
            Region(-0.05, 0.05),
            minus(computed("routes", "sampled"), computed("routes", "formula")),
        ),
    )


def storage_gradients() -> Claim:
    """Return MD-T2: the product of the storage gradients."""
    return identity(
        "MD-T2",
        (
            "The storage gradients' product is <h, h'> [(1-a)(1-b) + Σ p p'], and predicts one step's change of the "
            "reverse loss."
        ),
        part("relative error of the product", ROUNDING, apart("storage gradient", "product", "formula"), exact=True),
        part(
            "relative error of the predicted change, rate 0.0001",
            Region(high=0.001),
            apart("storage gradient", "change", "predicted"),
            exact=True,
        ),
    )


def mirrored_texts() -> Claim:
    """Return MD-T3: where a text and its mirror give the same logits."""
    return identity(
        "MD-T3",
        (
            "Without positions, or with a symmetric bias by distance, a text and its exact mirror give the same "
            "logits at any depth."
        ),
        part("largest difference of two logits, no positions", ROUNDING, computed("parity none", "gap"), exact=True),
        part("the same, ALiBi", ROUNDING, computed("parity alibi", "gap"), exact=True),
        part(
            "the same, rotary, where it must not hold", Region(low=0.01), computed("parity rotary", "gap"), exact=True
        ),
    )


def left_to_right_gradients() -> Claim:
    """Return MD-T4: the product of the gradients from left to right."""
    return identity(
        "MD-T4",
        (
            "Left to right, the product of the two gradients is <p - e_B, p' - e_A> <x_A, x_B>, and about 0 for "
            "near-orthogonal embeddings."
        ),
        part("relative error of the product", ROUNDING, apart("left to right", "product", "formula"), exact=True),
        part("cosine of the two gradients, width 1,024", Region(-0.1, 0.1), computed("left to right", "cosine")),
    )


def matched_gradients() -> Claim:
    """Return MD-T5: a pair's own gradients agree most."""
    return identity(
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


def identity(number: str, sentence: str, *parts: Part, why: str = "") -> Claim:
    """Return a claim of ours."""
    return Claim(
        id=number, sentence=sentence, paper="derived by us; not a claim of the paper", sure="ours", scale="same",
        parts=parts, why=why,
    )  # fmt: skip


def apart(name: str, one: str, other: str) -> Values:
    """Return what reads by how much two numbers of a computation differ, relative to the larger."""
    return lambda evidence: [
        abs(a - b) / max(abs(a), abs(b), 1e-12)
        for a, b in zip(evidence.computation(name, one), evidence.computation(name, other), strict=True)
    ]
