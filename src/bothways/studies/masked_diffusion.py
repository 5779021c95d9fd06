"""Masked-diffusion mechanisms: what is stored is found from the other side, if attention leads there.

Every claim of Jeon et al., arXiv 2602.02133, and of its neighbours that is listed beside it. What is run stands in
`diffusion_runs.py`. All regions below were written down before the first run.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from bothways.mechanisms.identities import (
    left_to_right,
    mirror_parity,
    mismatched_pairs,
    rotary_routes,
    storage_gradient,
)
from bothways.studies.base import Group, Picture, Study
from bothways.studies.claims import Claim, Part, Region
from bothways.studies.diffusion_runs import PAIRS, all_groups
from bothways.studies.evidence import Evidence

Values = Callable[[Evidence], Sequence[float]]
CHANCE = 1 / PAIRS
ROUNDING = 1e-6
"""How exact an identity must hold, relative to what is compared."""
MODELS = "bothways study masked-diffusion --model LLaDA-8B-Base --model Meta-Llama-3.1-8B, with both folders on disk."
OUR_TOY = "The toy is ours: the source's is not described where we could read it."


@dataclass(frozen=True, kw_only=True)
class MaskedDiffusionStudy(Study):
    """Why masked diffusion escapes: storage, routes, aligned gradients (Jeon et al., arXiv 2602.02133)."""

    models: tuple[str, ...] = ()
    """Folders of real models to measure too."""

    title = "Masked diffusion and the reversal curse"
    source = "Jeon et al., arXiv 2602.02133, and the papers named at each claim; MD-T1 to MD-T5 are identities of ours."

    def groups(self, quick: bool) -> Sequence[Group]:
        """Return the runs of `diffusion_runs.py`."""
        return all_groups(quick)

    def computations(self) -> Mapping[str, Callable[[int], Mapping[str, float]]]:
        """Return the identities."""
        parity = {f"parity {p}": partial(mirror_parity, positions=p) for p in ("none", "alibi", "rotary")}
        return {
            "routes": rotary_routes,
            "storage gradient": storage_gradient,
            **parity,
            "left to right": left_to_right,
            "mismatched": lambda seed: mismatched_pairs(20, first_seed=20 * seed),
        }

    def claims(self, quick: bool) -> Sequence[Claim]:
        """Return MD-1 to MD-19 and MD-T1 to MD-T5."""
        return [*mechanisms(), *ablations(), *identities(), *elsewhere()]

    def pictures(self, evidence: Evidence, quick: bool) -> Sequence[Picture]:
        """Return curves of every mechanism, and the ablations."""
        from bothways.studies.diffusion_pictures import draw

        return draw(evidence)


def part(what: str, region: Region, values: Values, n: int | None = None, exact: bool = False) -> Part:
    """Return a part of a claim."""
    return Part(what=what, region=region, values=values, n=n, exact=exact)


def final(group: str, probe: str, name: str) -> Values:
    """Return what reads a probe's number at the end of a group's runs."""
    return lambda evidence: evidence.found(group, probe, name)


def minus(first: Values, second: Values) -> Values:
    """Return the difference of two readings, seed by seed."""
    return lambda evidence: [a - b for a, b in zip(first(evidence), second(evidence), strict=False)]


def over(first: Values, second: Values) -> Values:
    """Return the quotient of two readings, seed by seed."""
    return lambda evidence: [a / b for a, b in zip(first(evidence), second(evidence), strict=False)]


def restored(group: str, context: str) -> Values:
    """Return what reads the probability of the asked entity."""
    return final(group, "restoration", context)


def mechanisms() -> Iterable[Claim]:
    """Yield what is said of storage, routes and gradients: MD-2 to MD-7 and MD-9."""
    stored = final("masked mixed", "storage_evidence", "first_from_last")
    yield Claim(
        id="MD-2",
        sentence="Masks in any order do not explain the escape by themselves: with causal attention the same objective does not reverse.",
        paper="forward and reverse conditionals are different quantities",
        sure="high",
        scale="smaller",
        parts=(
            part(
                "reverse probability with full minus with causal attention",
                Region(low=0.2),
                minus(restored("masked mixed", "reverse"), restored("attention causal", "reverse")),
            ),
        ),
        why=OUR_TOY,
    )
    yield Claim(
        id="MD-3",
        sentence="Forward masked training stores, in values, evidence for A in B that a reversed question can use.",
        paper="value-side token-pair evidence is strengthened",
        sure="high",
        scale="smaller",
        parts=(
            part(
                "evidence for A in B, logits: after training minus before",
                Region(low=2.0),
                minus(stored, final("start", "storage_evidence", "first_from_last")),
            ),
            part(
                "share of pairs whose partner comes first",
                Region(low=0.9),
                final("masked mixed", "storage_evidence", "first_from_last_best"),
                60,
            ),
            part(
                "the causal model's evidence as a share of it",
                Region(-0.2, 0.2),
                over(final("causal mixed", "storage_evidence", "first_from_last"), stored),
            ),
        ),
        why=OUR_TOY,
    )
    routes = final("masked mixed", "attention_routes", "correlation")
    yield Claim(
        id="MD-4",
        sentence="Forward training makes the attention routes of the two contexts alike.",
        paper="correlated forward and reverse routes",
        sure="high",
        scale="smaller",
        parts=(
            part("correlation of the scores over pairs, after training", Region(low=0.4), routes),
            part(
                "its change by training",
                Region(low=0.05),
                minus(routes, final("start", "attention_routes", "correlation")),
            ),
        ),
        why="A random model's routes are alike already, as the fixed-query formula says, so the change is what training does.",
    )
    yield Claim(
        id="MD-5",
        sentence="The correlation of forward and reverse scores is above 0.4 for independent isotropic queries and keys.",
        paper="a constant above 0.4 (ICLR version, theorem 4.1)",
        sure="medium",
        scale="same",
        parts=(
            part(
                "least correlation over distances 1 to 100, head width 64, base 10,000",
                Region(low=0.4),
                least_correlation,
                exact=True,
            ),
        ),
        why="It holds up to distance 35 at this width and base, and not beyond.",
    )
    aligned = "gradient_alignment"
    yield Claim(
        id="MD-6",
        sentence="The storage part of the gradients is aligned, and a step on the forward loss lowers the reverse loss as it predicts.",
        paper="positively aligned; lowers the reverse loss to first order",
        sure="high",
        scale="smaller",
        parts=(
            part(
                "before training, cosine of storage gradients: matched minus the best mismatched",
                Region(low=0.05),
                minus(final("start", aligned, "storage_cosine"), final("start", aligned, "storage_cosine_mismatched")),
            ),
            part(
                "measured change of the reverse loss over the predicted one, rate 0.0001",
                Region(0.95, 1.05),
                final("start", aligned, "storage_change_over_predicted_at_0.0001"),
            ),
        ),
        why="The sign of the product is nearly an identity; its size against mismatched pairs is what tells.",
    )
    yield Claim(
        id="MD-7",
        sentence="The reverse probability improves by training and stays below the forward one.",
        paper="it improves but stays below",
        sure="medium",
        scale="smaller",
        parts=(
            part(
                "reverse minus forward probability",
                Region(high=-0.01),
                minus(restored("masked mirror", "reverse"), restored("masked mirror", "forward")),
            ),
            part("reverse probability after training", Region(low=5 * CHANCE), restored("masked mirror", "reverse")),
        ),
        why="Every pair in one order only. " + OUR_TOY,
    )
    yield Claim(
        id="MD-9",
        sentence="Over training both attention weights rise, then fall to a plateau.",
        paper="both rise, then fall to a plateau",
        sure="medium",
        scale="smaller",
        parts=tuple(
            part(f"{name} weight: fall from its peak, as a share", Region(low=0.1), partial(fall, f"{name}_weight"))
            for name in ("forward", "reverse")
        ),
        why=OUR_TOY,
    )


def least_correlation(evidence: Evidence) -> list[float]:
    """Return the least correlation over distances, which no seed decides."""
    return [min(rotary_routes(0, distance=d, samples=2)["formula"] for d in range(1, 101))]


def fall(name: str, evidence: Evidence) -> list[float]:
    """Return how far a watched attention weight fell from its peak, as a share of the peak; 0 if it peaks at the end."""
    _, weights_ST = evidence.curve("masked mixed", "attention_routes", name)
    peaks_S = weights_ST.max(axis=1)
    return ((peaks_S - weights_ST[:, -1]) / peaks_S).tolist()


def ablations() -> Iterable[Claim]:
    """Yield the verdicts of the ablations: MD-8 and MD-10."""

    def reverse(positions: str, world: str) -> Values:
        return restored(f"positions {positions} {world}", "reverse")

    def gained(world: str) -> Values:
        return lambda evidence: np.subtract(
            np.mean([reverse(p, world)(evidence) for p in ("rotary", "alibi")], axis=0),
            np.max([reverse(p, world)(evidence) for p in ("learned", "none")], axis=0),
        ).tolist()

    yield Claim(
        id="MD-8",
        sentence="Relative positions carry the escape: with rotary or ALiBi positions the reverse is known better than with learned ones or none.",
        paper="RoPE and ALiBi are load-bearing",
        sure="medium",
        scale="smaller",
        parts=(
            part(
                "broken mirror: reverse probability, relative minus the better of learned and none",
                Region(low=0.1),
                gained("broken"),
            ),
            part("exact mirror: the same", Region(low=0.1), gained("mixed")),
        ),
        why="Where the prompts are exact mirrors a model without positions cannot tell the two apart, so it must know the reverse as well as the forward.",
    )
    full = restored("masked mixed", "reverse")
    yield Claim(
        id="MD-10",
        sentence="Masked objective and bidirectional attention are both needed, and the attention matters more.",
        paper="both are needed; the architecture is the critical piece (an author's slides)",
        sure="high",
        scale="smaller",
        parts=(
            part(
                "reverse probability lost with causal attention",
                Region(low=0.2),
                minus(full, restored("attention causal", "reverse")),
            ),
            part(
                "lost with the causal objective too", Region(low=0.2), minus(full, restored("causal mixed", "reverse"))
            ),
            part(
                "lost where A is never masked",
                Region(low=0.2),
                minus(full, restored("objective keep A", "reverse")),
            ),
        ),
        why="With the causal objective the reverse context asks for A after the prompt B R. " + OUR_TOY,
    )


def identities() -> Iterable[Claim]:
    """Yield the identities: MD-T1 to MD-T5."""

    def computed(name: str, number: str) -> Values:
        return lambda evidence: evidence.computation(name, number)

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
        "Scores of one key left and right of a query correlate by (2/d) Σ cos(2Dθ), and for a fixed query by its own weights.",
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
        "The storage gradients' product is <h, h'> [(1-a)(1-b) + Σ p p'], and predicts one step's change of the reverse loss.",
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
        "Without positions, or with a symmetric bias by distance, a text and its exact mirror give the same logits at any depth.",
        part("largest difference of two logits, no positions", rounding, computed("parity none", "gap"), exact=True),
        part("the same, ALiBi", rounding, computed("parity alibi", "gap"), exact=True),
        part(
            "the same, rotary, where it must not hold", Region(low=0.01), computed("parity rotary", "gap"), exact=True
        ),
    )
    yield identity(
        "MD-T4",
        "Left to right, the product of the two gradients is <p - e_B, p' - e_A> <x_A, x_B>, and about 0 for near-orthogonal embeddings.",
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


def elsewhere() -> Iterable[Claim]:
    """Yield what needs weights, data or a scale that is not at hand here."""
    for number, sentence, paper, sure, why in (
        ("MD-1", "Masked-diffusion models of 7 to 8 B parameters reverse better than causal ones of their size.",
         "LLaDA-8B against LLaMA-3.1-8B and Qwen-2.5-7B; accuracies not available to us", "medium", f"It needs their weights: {MODELS}"),
        ("MD-11", "LLaDA finds the line before a line of verse almost as well as the line after.",
         "496 couplets: 51.8 forward, 45.6 reverse; GPT-4o 82.7 and 34.3", "high", f"It needs LLaDA-8B-Instruct and its poems: {MODELS}"),
        ("MD-12", "A masked-diffusion model of 1.1 B parameters breaks the curse that causal models of 13 and 175 B show.",
         "97 and 92, 49 and 37 (same, reverse; recalled)", "low", f"It needs SMDM's weights: {MODELS}"),
        ("MD-13", "In a two-stage protocol LLaDA is cursed as well.", "92.00 % forward, 21.28 % reverse", "medium",
         f"It needs LLaDA-8B and a fine-tune of it: {MODELS}"),
        ("MD-14", "Split entities, one-sided data and missing inverses cause it; whole-entity masks and symmetric data help.",
         "abstract of DiffER", "high", "It is a question of fine-tuning a real model, which the verb inject is for: bothways inject."),
        ("MD-15", "Sentences A → A lift a causal model's reverse.", "from about 0 to 40 or 50 % in a model of 1 B", "high",
         "At 1 B it needs weights. Small: bothways compare bijection --arms causal,identity_bridge,neutral_mention."),
        ("MD-16", "Any-order masks solve retrieval both ways where left-to-right and fixed-rate masks do not.",
         "100 and 100; fixed rate 21 and 22", "high",
         "Other data and an encoder-decoder. Small: bothways compare bijection --arms causal,any_order,masked_lm."),
        ("MD-17", "On biographies any-order masks answer backwards where causal training does not.", "100 and 68, causal 100 and 0",
         "high", "It needs 10,000 biographies and a model of 109 M parameters on an accelerator: bothways sweep."),
        ("MD-18", "Backward accuracy still rises long after the facts are known.", "after 20,000 to 300,000 steps", "high",
         "At that length it needs an accelerator. The delay itself is measured by BW-5: bothways study open-questions."),
        ("MD-19", "A model that predicts concepts instead of tokens breaks the curse without either.", "no accuracies known", "high",
         "That architecture is not built here: it needs a contrastive loss over entities and 3 M steps."),
    ):  # fmt: skip
        yield Claim(id=number, sentence=sentence, paper=paper, sure=sure, scale="smaller", why=why)  # type: ignore[arg-type]
