"""What is said of masked diffusion's escape: what is stored, where attention leads, what gradients share.

MD-2 to MD-10, of Jeon et al., arXiv 2602.02133. All regions were written down before the first run, but
for that of MD-10's last part.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np

from bothways.mechanisms.identities import rotary_routes
from bothways.studies.claims import Claim, Region
from bothways.studies.diffusion_runs import PAIRS
from bothways.studies.evidence import Evidence
from bothways.studies.readings import Values, final, minus, over, part

CHANCE = 1 / PAIRS
OUR_TOY = "The toy is ours: the source's is not described where we could read it."


def restored(group: str, context: str) -> Values:
    """Return what reads the probability of the asked entity."""
    return final(group, "restoration", context)


def mechanisms() -> Sequence[Claim]:
    """Return what is said of storage, routes and gradients: MD-2 to MD-7 and MD-9."""
    return (
        with_causal_attention(),
        stored_evidence(),
        alike_by_training(),
        alike_by_positions(),
        shared_gradients(),
        below_forward(),
        rise_and_fall(),
    )


def with_causal_attention() -> Claim:
    """Return MD-2: masks in any order are not enough."""
    return Claim(
        id="MD-2",
        sentence=(
            "Masks in any order do not explain the escape by themselves: with causal attention the same objective "
            "does not reverse."
        ),
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


def stored_evidence() -> Claim:
    """Return MD-3: values hold evidence for the other side."""
    stored = final("masked mixed", "storage_evidence", "first_from_last")
    return Claim(
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


def alike_by_training() -> Claim:
    """Return MD-4: training makes routes alike."""
    routes = final("masked mixed", "attention_routes", "correlation")
    return Claim(
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
        why=(
            "A random model's routes are alike already, as the fixed-query formula says, so the change is what "
            "training does."
        ),
    )


def alike_by_positions() -> Claim:
    """Return MD-5: rotary scores correlate over distances."""
    return Claim(
        id="MD-5",
        sentence=(
            "The correlation of forward and reverse scores is above 0.4 for independent isotropic queries and keys."
        ),
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
        why=(
            "The formula falls below 0.4 at some distance, and is above and below it after that. Which distances the "
            "source means is not known to us; 1 to 100 is our choice."
        ),
    )


def shared_gradients() -> Claim:
    """Return MD-6: what the forward loss teaches, the reverse loss gains."""
    aligned = "gradient_alignment"
    return Claim(
        id="MD-6",
        sentence=(
            "The storage part of the gradients is aligned, and a step on the forward loss lowers the reverse loss as "
            "it predicts."
        ),
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


def below_forward() -> Claim:
    """Return MD-7: the reverse improves and stays below."""
    return Claim(
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


def rise_and_fall() -> Claim:
    """Return MD-9: attention weights rise, then fall."""
    return Claim(
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
    """Return how far a watched attention weight fell from its peak, as a share of it; 0 if it peaks at the end."""
    _, weights_ST = evidence.curve("masked mixed", "attention_routes", name)
    peaks_S = weights_ST.max(axis=1)
    return ((peaks_S - weights_ST[:, -1]) / peaks_S).tolist()


def ablations() -> Sequence[Claim]:
    """Return the verdicts of the ablations: MD-8 and MD-10."""
    return carried_by_positions(), both_needed()


def carried_by_positions() -> Claim:
    """Return MD-8: relative positions carry the escape."""
    return Claim(
        id="MD-8",
        sentence=(
            "Relative positions carry the escape: with rotary or ALiBi positions the reverse is known better than "
            "with learned ones or none."
        ),
        paper="RoPE and ALiBi are load-bearing",
        sure="medium",
        scale="smaller",
        parts=(
            part(
                "broken mirror: reverse probability, mean of rotary and ALiBi minus the better of learned and none",
                Region(low=0.1),
                partial(gained, "broken"),
            ),
            part("exact mirror: the same", Region(low=0.1), partial(gained, "mixed")),
        ),
        why=(
            "Where the prompts are exact mirrors a model without positions cannot tell the two apart, so it must know "
            "the reverse as well as the forward. The page draws all four kinds of positions by themselves."
        ),
    )


def gained(world: str, evidence: Evidence) -> list[float]:
    """Return the reverse probability's mean with relative positions, minus the better of those without."""

    def reverse(*kinds: str) -> Sequence[Sequence[float]]:
        return [restored(f"positions {positions} {world}", "reverse")(evidence) for positions in kinds]

    return np.subtract(np.mean(reverse("rotary", "alibi"), axis=0), np.max(reverse("learned", "none"), axis=0)).tolist()


def both_needed() -> Claim:
    """Return MD-10: neither the objective nor the attention is enough."""
    full = restored("masked mixed", "reverse")
    return Claim(
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
            part(
                "more is lost with causal attention than where A is never masked",
                Region(low=0.05),
                minus(restored("objective keep A", "reverse"), restored("attention causal", "reverse")),
            ),
        ),
        why=(
            "Where A is never masked it is never a target at all. The last part and its region were added after the "
            f"first run, because nothing measured which of the two matters more. {OUR_TOY}"
        ),
    )
