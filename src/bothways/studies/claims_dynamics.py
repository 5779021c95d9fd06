"""What is said of pairs, chains and weight decay in trained transformers: TD-1 to TD-9 and TD-14 to TD-18.

Of Zhu et al., arXiv 2405.04669, of measurements of its released code, and of arXiv 2509.21993. All regions were written
down before the first run; what changed later stands at its claim.
"""

import math
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from bothways.facts.chains import find_chains
from bothways.runs import load_exam
from bothways.studies.claims import Claim, Region
from bothways.studies.dynamics_runs import (
    DECAYS,
    DEEP,
    FAMILY_STEPS,
    IN_CONTEXT,
    IN_CONTEXT_FULL,
    QUICK,
    RELEASED,
    WIDE,
)
from bothways.studies.dynamics_speed import RELEASED_SPEED
from bothways.studies.evidence import Evidence
from bothways.studies.readings import answered, asked, final, minus, part, right

UNIFORM = math.log(408)
"""Nats of a uniform guess over our vocabulary: 400 entities, two arrows and six special tokens."""
ANOTHER_RULE = (
    "The rule of intervals changed after the first whole quick study: by the first rule, over one seed's questions "
    "instead of all seeds', it stood there as partly (LOG.md)."
)
CUT = "The quick budget was cut after trial runs, before the first whole one."
RESCALED = "It was called a test at the source's own size until a review after the first run."
FULL = "Run without --quick: bothways study training-dynamics, on an accelerator or a cluster."
SMALLER = "One layer of width 20 and no dropout instead of 24 layers of width 768."


def reversal(before: str, quick: bool) -> Sequence[Claim]:
    """Return what is said of pairs: TD-1, 2, 7, 8, 14."""
    group = f"{before}reversal"
    return (
        unseen_direction(group, quick),
        in_the_weights(group, quick),
        in_other_shapes(),
        nearly_orthogonal(group, quick),
        wrong_for_sure(),
    )


def unseen_direction(group: str, quick: bool) -> Claim:
    """Return TD-1: what is not stated is not known."""
    why, scale = (f"{SMALLER} {CUT}", "smaller") if quick else ("No dropout.", "same")
    return Claim(
        id="TD-1",
        sentence=(
            "Trained on pairs both ways, a model learns the others as stated and not turned round: no better than a "
            "guess."
        ),
        paper="train NLL about 0; the unseen direction no better than uniform",
        sure="high",
        scale=scale,
        parts=(
            part(
                "accuracy of the unseen direction",
                Region(high=0.05),
                right(group, "reverse_tested"),
                asked(group, "reverse_tested"),
            ),
            part("NLL of the unseen direction, nats", Region(low=UNIFORM), answered(group, "reverse_tested_nll")),
            part("NLL of what was trained, nats", Region(high=0.1), answered(group, "stated_nll")),
        ),
        why=f"{why} {ANOTHER_RULE}",
    )


def in_the_weights(group: str, quick: bool) -> Claim:
    """Return TD-2: the weights hold what was stated."""
    why, scale = (f"{SMALLER} {CUT}", "smaller") if quick else ("No dropout.", "same")
    return Claim(
        id="TD-2",
        sentence=(
            "Weights hold what was stated: A alone calls for B in every stated direction, and hardly in the unseen one."
        ),
        paper="diagonals large but for the unseen direction, close to zero there",
        sure="high",
        scale=scale,
        parts=(
            part("height of the unseen diagonal as a share of the seen", Region(-0.2, 0.2), partial(height, group)),
            *(
                part(
                    f"standard deviations by which the {name.replace('_', ' ')} diagonal stands out",
                    Region(low=2.0),
                    final(group, "weight_map", f"{name}_z"),
                )
                for name in ("train_forward", "train_backward", "seen")
            ),
        ),
        why=why,
    )


def in_other_shapes() -> Claim:
    """Return TD-7: depth and width do not help."""
    return Claim(
        id="TD-7",
        sentence="Depth and width do not lift the curse.",
        paper="1 layer x 20, 1 x 768 and 24 x 20: it persists",
        sure="medium",
        scale="smaller",
        parts=tuple(
            one
            for name in ("reversal", "shape 1 x 768", "shape 24 x 20")
            for one in (
                part(
                    f"{name}: accuracy of the unseen direction",
                    Region(high=0.05),
                    right(name, "reverse_tested"),
                    asked(name, "reverse_tested"),
                ),
                part(
                    f"{name}: accuracy of what was stated",
                    Region(low=0.95),
                    right(name, "forward"),
                    asked(name, "forward"),
                ),
            )
        ),
        why=(
            f"{QUICK} epochs at 1 x 20, {WIDE} at 1 x 768 and {DEEP} at 24 x 20 instead of {RELEASED:,}. {CUT} "
            f"{ANOTHER_RULE}"
        ),
    )


def nearly_orthogonal(group: str, quick: bool) -> Claim:
    """Return TD-8: embeddings hardly overlap."""
    wide = "shape 1 x 768" if quick else group
    return Claim(
        id="TD-8",
        sentence="Embeddings of entities are nearly orthogonal after training, even at width 20.",
        paper="off-diagonal cosine near 0",
        sure="high",
        scale="smaller",
        parts=(
            part(
                "mean |cosine|, width 20 (at random: 0.18)",
                Region(high=0.25),
                final("reversal", "embedding_cosine", "apart_mean"),
            ),
            part("mean |cosine|, width 768", Region(high=0.1), final(wide, "embedding_cosine", "apart_mean")),
        ),
        why=f"{QUICK} epochs of one layer of width 20; one layer at width 768 too if quick. {CUT}",
    )


def wrong_for_sure() -> Claim:
    """Return TD-14: the unseen direction is worse than a guess."""
    return Claim(
        id="TD-14",
        sentence="The unseen direction is not guessed but wrong for sure: its NLL goes far above a uniform guess.",
        paper="33.4 nats against 6.69 for a uniform guess (1 layer x 768, epoch 80); 30.8 at width 20",
        sure="high",
        scale="smaller",
        parts=(
            part(
                f"NLL of the unseen direction, nats (uniform: {UNIFORM:.2f})",
                Region(low=2 * UNIFORM),
                answered("reversal", "reverse_tested_nll"),
            ),
            part("its median rank among 200", Region(low=100.0), answered("reversal", "reverse_tested_rank")),
        ),
        why=(
            "None of the 60 answers is ever a target in that place, so much of this is suppression of targets, not "
            f"the curse. No dropout, our own initial weights, and 408 tokens instead of 802. {CUT} {RESCALED}"
        ),
    )


def height(group: str, evidence: Evidence) -> list[float]:
    """Return how far the unseen diagonal stands above its map, as a share of how far the seen one does."""
    above = {
        name: [
            a - b
            for a, b in zip(
                *(evidence.found(group, "weight_map", f"{name}_{w}") for w in ("diagonal", "rest")), strict=True
            )
        ]
        for name in ("unseen", "seen")
    }
    return [a / b for a, b in zip(above["unseen"], above["seen"], strict=True)]


def chain(before: str, quick: bool) -> Iterable[Claim]:
    """Yield what is said of chains and of context: TD-3, 9, 17."""
    group, rows = f"{before}chain", f"{before}in context"
    yield Claim(
        id="TD-3",
        sentence="Trained on A → B and B → C, a model does not know A ⇝ C, though it can write the chain out.",
        paper="weights of the unseen A ⇝ C stay small; its probability low",
        sure="medium",
        scale="smaller" if quick else "same",
        parts=(
            part("accuracy of the implied A ⇝ C", Region(high=0.05), right(group, "implied"), asked(group, "implied")),
            part(
                "share of chains that are right with B written out",
                Region(low=0.95),
                partial(written_out, group),
                asked(group, "implied"),
            ),
        ),
        why=f"{f'{SMALLER} {CUT}' if quick else 'No dropout.'} {ANOTHER_RULE}",
    )
    yield Claim(
        id="TD-9",
        sentence="In context reversal does happen: x → y ; y ← is answered with x, for pairs no text names.",
        paper="it does (Appendix E.2.3); no value available",
        sure="medium",
        scale="smaller",
        parts=(part("accuracy of unseen rows", Region(low=0.9), right(rows, "implied"), asked(rows, "implied")),),
        why=f"Two layers of width 64, {IN_CONTEXT} steps at a rate of 0.002. {CUT}"
        if quick
        else f"24 layers of width 768, {IN_CONTEXT_FULL:,} steps at a rate of 0.002.",
    )
    few, many = "related 10", "related 500"
    yield Claim(
        id="TD-17",
        sentence="With words shared between the parts of a chain, more training chains make the implied step known.",
        paper="10 to 500 training triples, 50 asked; the outcome was not available to us",
        sure="low",
        scale="smaller",
        parts=()
        if quick
        else (
            part(
                "gain in accuracy from 10 to 500 triples",
                Region(low=0.3),
                minus(right(many, "implied"), right(few, "implied")),
            ),
        ),
        why=FULL if quick else SMALLER,
    )


def written_out(group: str, evidence: Evidence) -> list[float]:
    """Return the share of implied questions of which both written steps are right."""
    shares = []
    for run in evidence.runs(group):
        exam = load_exam(evidence.exam_of(run))
        right_at = {score.query: score.correct for score in run.scores}
        chains = find_chains(exam)
        shares.append(sum(right_at[c.first] and right_at[c.second] for c in chains) / len(chains))
    return shares


def swept(quick: bool) -> Iterable[Claim]:
    """Yield what is said of vocabulary, length and positions: TD-4, 5, 6."""

    def cursed(groups: Sequence[str]) -> dict[str, Any]:
        kind, what = "reverse_tested", "accuracy of the unseen direction"
        parts = (part(f"{name}: {what}", Region(high=0.1), right(name, kind), asked(name, kind)) for name in groups)
        return {"scale": "smaller", "parts": () if quick else tuple(parts), "why": FULL if quick else SMALLER}

    yield Claim(
        id="TD-4",
        sentence="The size of the vocabulary does not lift the curse.",
        paper="V = 20, 50, 200, 2000",
        sure="high",
        **cursed([f"vocabulary {size}" for size in (50, 200, 2000)]),
    )
    yield Claim(
        id="TD-5",
        sentence="Entities of two or three words are cursed too.",
        paper="lengths 2 and 3: it persists",
        sure="medium",
        **cursed(["length 2", "length 3"]),
    )
    yield Claim(
        id="TD-6",
        sentence="Neither no, learned nor rotary positions lift the curse.",
        paper="swept; outcomes not available to us",
        sure="low",
        **cursed([f"positions {positions}" for positions in ("none", "learned", "rotary")]),
    )


def decay() -> Iterable[Claim]:
    """Yield what is said of weight decay: TD-15 and TD-16."""
    yield Claim(
        id="TD-15",
        sentence=(
            "The decay of 0.9 that the paper lists, passed to AdamW, stops the model from fitting what it is trained "
            "on."
        ),
        paper="train NLL 4.11 with 0.9 against 0.50 with 0.01 (one seed, 600 epochs)",
        sure="high",
        scale="smaller",
        parts=(
            part(
                "train NLL with decay 0.9 minus with 0.01, nats",
                Region(low=1.0),
                minus(answered("decay 0.9", "stated_nll"), answered("reversal", "stated_nll")),
            ),
        ),
        why=(
            "The source reads the train NLL with dropout 0.1 on; here there is none, 408 tokens instead of 802, and "
            f"our own initial weights. {CUT} {RESCALED}"
        ),
    )
    weak, strong = "family decay 0", "family decay 8"
    yield Claim(
        id="TD-16",
        sentence="Weight decay breaks the curse: reverse accuracy is low without it and high with much of it.",
        paper="19.7, 90.4 and 99.1 % at decay 0, 1 and 8; below 1 under 40 %",
        sure="high",
        scale="smaller",
        parts=(
            part(
                "reverse accuracy gained by the strongest decay",
                Region(low=0.3),
                minus(right(strong, "reverse_tested"), right(weak, "reverse_tested")),
            ),
            part(
                "reverse accuracy without decay",
                Region(high=0.4),
                right(weak, "reverse_tested"),
                asked(weak, "reverse_tested"),
            ),
        ),
        why=(
            "Families of this project and a model of width 64 instead of 206 M parameters. Decays "
            f"{', '.join(map(str, DECAYS.values()))} at a rate of 0.001 make the source's product a step, but for "
            f"{FAMILY_STEPS:,} steps instead of about 97,000: what decay removes in all is far less. {CUT}"
        ),
    )


def speed(quick: bool) -> Iterable[Claim]:
    """Yield TD-18, for which a few steps of the released shape are timed."""
    measured = part(
        "training tokens a second of one core",
        Region(low=3 * RELEASED_SPEED),
        lambda evidence: evidence.computation("released speed", "tokens_per_second"),
    )
    command = "python -m bench dynamics times it beside a peer."
    yield Claim(
        id="TD-18",
        sentence="The full default trains at least three times faster a core here than in the released code.",
        paper=f"{RELEASED_SPEED:g} training tokens a second on one core, 17.0 s an epoch, 14.2 h a seed",
        sure="high",
        scale="same",
        parts=() if quick else (measured,),
        why=f"{FULL} {command}"
        if quick
        else f"No dropout, in bf16 where the processor has it. Machines differ: {command}",
    )
