"""Training dynamics: weights that learn A → B say nothing about B → A, a chain A → C, or the words of its parts.

Every claim of Zhu et al., arXiv 2405.04669, with its theorems, and two measurements of weight decay. What is run
stands in `dynamics_runs.py`. All regions below were written down before the first run.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import numpy as np

from bothways.facts.chains import find_chains
from bothways.mechanisms.reversal_bound import least_epsilon
from bothways.runs import load_exam
from bothways.studies.base import Group, Picture, Study
from bothways.studies.claims import Claim, Part, Region
from bothways.studies.dynamics_runs import DECAYS, WIDTHS, all_groups, quick_groups
from bothways.studies.evidence import Evidence, NothingMeasured

TESTED = 60
"""Unseen questions of the released reversal and chain data."""
UNIFORM = math.log(408)
"""Nats of a uniform guess over our vocabulary: 400 entities, two arrows and six special tokens."""
FULL = "Run without --quick: bothways study training-dynamics, on an accelerator or a cluster."
SMALLER = "One layer of width 20 and no dropout instead of 24 layers of width 768."


class TrainingDynamics(Study):
    """The reversal curse and intransitivity as training dynamics (Zhu et al., arXiv 2405.04669)."""

    title = "Training dynamics of the reversal curse"
    source = "Zhu et al., arXiv 2405.04669; TD-14, TD-15 and TD-18 are measurements of its released code, TD-16 is of arXiv 2509.21993."

    def groups(self, quick: bool) -> Sequence[Group]:
        """Return the runs of `dynamics_runs.py`."""
        return quick_groups() if quick else all_groups()

    def claims(self, quick: bool) -> Sequence[Claim]:
        """Return TD-1 to TD-18."""
        before = "" if quick else "full "
        return [*reversal(before, quick), *chain(before, quick), *swept(quick), *theorems(), *decay(), *speed()]

    def pictures(self, evidence: Evidence, quick: bool) -> Sequence[Picture]:
        """Return the curves, the heat maps and the sweeps."""
        from bothways.studies.dynamics_pictures import draw

        return draw(evidence, "" if quick else "full ")


def part(what: str, region: Region, values: Callable[[Evidence], Sequence[float]], n: int | None = None) -> Part:
    """Return a part of a claim."""
    return Part(what=what, region=region, values=values, n=n)


def final(group: str, probe: str, name: str) -> Callable[[Evidence], list[float]]:
    """Return what reads a probe's number at the end of a group's runs."""
    return lambda evidence: evidence.found(group, probe, name)


def right(group: str, kind: str) -> Callable[[Evidence], list[float]]:
    """Return what reads the accuracy of a kind of question."""
    return lambda evidence: evidence.score(group, kind)


def reversal(before: str, quick: bool) -> Iterable[Claim]:
    """Yield what is said of pairs: TD-1, 2, 7, 8, 14."""
    group, why = f"{before}reversal", SMALLER if quick else "No dropout."
    scale = "smaller" if quick else "same"
    yield Claim(
        id="TD-1",
        sentence="Trained on pairs both ways, a model learns the others as stated and not turned round: no better than a guess.",
        paper="train NLL about 0; the unseen direction no better than uniform",
        sure="high",
        scale=scale,
        parts=(
            part("accuracy of the unseen direction", Region(high=0.05), right(group, "reverse_tested"), TESTED),
            part(
                "NLL of the unseen direction, nats", Region(low=UNIFORM), final(group, "answers", "reverse_tested_nll")
            ),
            part("NLL of what was trained, nats", Region(high=0.1), final(group, "answers", "stated_nll")),
        ),
        why=why,
    )
    yield Claim(
        id="TD-2",
        sentence="Weights hold what was stated: A alone calls for B in every stated direction, and hardly in the unseen one.",
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
    yield Claim(
        id="TD-7",
        sentence="Depth and width do not lift the curse.",
        paper="1 layer x 20, 1 x 768 and 24 x 20: it persists",
        sure="medium",
        scale="smaller" if quick else "same",
        parts=tuple(
            one
            for name in ("reversal", "shape 1 x 768", "shape 24 x 20")
            for one in (
                part(
                    f"{name}: accuracy of the unseen direction",
                    Region(high=0.05),
                    right(name, "reverse_tested"),
                    TESTED,
                ),
                part(f"{name}: accuracy of what was stated", Region(low=0.95), right(name, "forward"), 200),
            )
        ),
        why="The wide and the deep model train for a fraction of the 3,000 epochs." if quick else "",
    )
    wide = "shape 1 x 768" if quick else group
    yield Claim(
        id="TD-8",
        sentence="Embeddings of entities are nearly orthogonal after training, even at width 20.",
        paper="off-diagonal cosine near 0",
        sure="high",
        scale=scale,
        parts=(
            part(
                "mean |cosine|, width 20 (at random: 0.18)",
                Region(high=0.25),
                final("reversal", "embedding_cosine", "apart_mean"),
            ),
            part("mean |cosine|, width 768", Region(high=0.1), final(wide, "embedding_cosine", "apart_mean")),
        ),
    )
    yield Claim(
        id="TD-14",
        sentence="The unseen direction is not guessed but wrong for sure: its NLL goes far above a uniform guess.",
        paper="33.4 nats against 6.69 for a uniform guess (1 layer x 768, epoch 80); 30.8 at width 20",
        sure="high",
        scale="same",
        parts=(
            part(
                f"NLL of the unseen direction, nats (uniform: {UNIFORM:.2f})",
                Region(low=2 * UNIFORM),
                final("reversal", "answers", "reverse_tested_nll"),
            ),
            part("its median rank among 200", Region(low=100.0), final("reversal", "answers", "reverse_tested_rank")),
        ),
        why="None of the 60 answers is ever a target in that place, so much of this is suppression of targets, not the curse.",
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
    group = f"{before}chain"
    yield Claim(
        id="TD-3",
        sentence="Trained on A → B and B → C, a model does not know A ⇝ C, though it can write the chain out.",
        paper="weights of the unseen A ⇝ C stay small; its probability low",
        sure="medium",
        scale="smaller" if quick else "same",
        parts=(
            part("accuracy of the implied A ⇝ C", Region(high=0.05), right(group, "implied"), TESTED),
            part(
                "share of chains that are right with B written out",
                Region(low=0.95),
                partial(written_out, group),
                TESTED,
            ),
        ),
        why=SMALLER if quick else "No dropout.",
    )
    yield Claim(
        id="TD-9",
        sentence="In context reversal does happen: x → y ; y ← is answered with x, for pairs no text names.",
        paper="it does (Appendix E.2.3); no value available",
        sure="medium",
        scale="smaller" if quick else "same",
        parts=(part("accuracy of unseen rows", Region(low=0.9), right(f"{before}in context", "implied"), 300),),
        why="Two layers of width 64." if quick else "",
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
        else (part("gain in accuracy from 10 to 500 triples", Region(low=0.3), partial(gain, few, many, "implied")),),
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


def gain(first: str, second: str, kind: str, evidence: Evidence) -> list[float]:
    """Return how much more of a kind of question the second group answers, seed by seed."""
    before, after = evidence.score(first, kind), evidence.score(second, kind)
    return [b - a for a, b in zip(before, after, strict=False)]


def swept(quick: bool) -> Iterable[Claim]:
    """Yield what is said of vocabulary, length and positions: TD-4, 5, 6."""
    for number, sentence, paper, sure, groups in (
        ("TD-4", "The size of the vocabulary does not lift the curse.", "V = 20, 50, 200, 2000", "high",
         [f"vocabulary {v}" for v in (50, 200, 2000)]),
        ("TD-5", "Entities of two or three words are cursed too.", "lengths 2 and 3: it persists", "medium",
         ["length 2", "length 3"]),
        ("TD-6", "Neither no, learned nor rotary positions lift the curse.", "swept; outcomes not available to us", "low",
         [f"positions {p}" for p in ("none", "learned", "rotary")]),
    ):  # fmt: skip
        parts = tuple(
            part(f"{name}: accuracy of the unseen direction", Region(high=0.1), right(name, "reverse_tested"), 15)
            for name in groups
        )
        yield Claim(
            id=number, sentence=sentence, paper=paper, sure=sure, scale="smaller",  # type: ignore[arg-type]
            parts=() if quick else parts, why=FULL if quick else SMALLER,
        )  # fmt: skip


def theorems() -> Iterable[Claim]:
    """Yield what is proved of small models: TD-10 to TD-13."""
    narrow, wide = WIDTHS[0], WIDTHS[-1]
    yield Claim(
        id="TD-10",
        sentence="In the bilinear model the reverse loss falls at most as the trained loss to the power ε, with ε small for wide embeddings.",
        paper="L_rev(t) / L_rev(0) ≥ (L(t) / L(0))^ε (Theorem 1)",
        sure="medium",
        scale="smaller",
        parts=(
            part("slope of log ε over log dimension", Region(high=-0.25), exponent_slope),
            part(f"smallest ε at dimension {wide}", Region(high=0.1), partial(exponent, wide)),
        ),
        why="With ε unknown the bound itself cannot fail; what can is that the smallest ε that makes it true falls with the dimension.",
    )
    yield Claim(
        id="TD-11",
        sentence="In the bilinear model there is a time when what is trained is known and the reverse loss is still large.",
        paper="L ≤ c and L_rev ≥ C for any c, C below log(m/2) (Theorem 2)",
        sure="low",
        scale="smaller",
        parts=(
            part(
                "largest L_rev once L ≤ 0.1, as a share of log(m/2)", Region(low=0.95), partial(still_large, wide, 0.1)
            ),
        ),
        why=f"m is the number of tokens; c is 0.1 nats, C is 0.95 log(m/2). Dimension {wide}; narrow ones ({narrow}) are drawn beside it.",
    )
    yield Claim(
        id="TD-12",
        sentence="In the one-layer transformer of theory trained sentences become certain while the reverse stays a uniform guess.",
        paper="p(B | A →) → 1, p(A | B ←) about 1/M (Theorem 3)",
        sure="medium",
        scale="smaller",
        parts=(
            part(
                "M · p of the unseen answer (geometric mean)",
                Region(0.1, 2.0),
                partial(guesses, "pairwise reversal", "reverse_tested_nll"),
            ),
            part(
                "NLL of what was trained, nats", Region(high=0.05), final("pairwise reversal", "answers", "stated_nll")
            ),
        ),
    )
    yield Claim(
        id="TD-13",
        sentence="In the one-layer transformer of theory A → B and B → C become certain while A ⇝ C stays a uniform guess.",
        paper="p(B | A), p(C | B) → 1, p(C | A ⇝) about 1/M (Theorem 4)",
        sure="medium",
        scale="smaller",
        parts=(
            part(
                "M · p of the implied answer (geometric mean)",
                Region(0.1, 2.0),
                partial(guesses, "pairwise chain", "implied_nll"),
            ),
            part("NLL of what was trained, nats", Region(high=0.05), final("pairwise chain", "answers", "stated_nll")),
        ),
    )


def curves(width: int, evidence: Evidence) -> tuple[np.ndarray, np.ndarray]:
    """Return the trained and the reverse loss of the bilinear model, each (S, T), from before the first step on.

    It starts from Θ = 0, and so from a uniform guess.
    """
    group = f"bilinear {width}"
    start = math.log(evidence.n_tokens(group))
    stated_ST, unstated_ST = (evidence.curve(group, "answers", name)[1] for name in ("stated_nll", "unstated_nll"))
    return tuple(np.insert(one_ST, 0, start, axis=1) for one_ST in (stated_ST, unstated_ST))  # type: ignore[return-value]


def exponent(width: int, evidence: Evidence) -> list[float]:
    """Return the smallest ε of each run."""
    trained_ST, reverse_ST = curves(width, evidence)
    return [least_epsilon(a_T.tolist(), b_T.tolist()) for a_T, b_T in zip(trained_ST, reverse_ST, strict=True)]


def exponent_slope(evidence: Evidence) -> list[float]:
    """Return the slope of log mean ε over log dimension, as pseudo-values of leaving out one seed (the jackknife).

    A single run's ε is 0 wherever chance makes the two embeddings repel each other, so the mean over seeds is what
    has a logarithm.
    """
    epsilon_WS = np.array([exponent(width, evidence) for width in WIDTHS])
    n_seeds = epsilon_WS.shape[1]
    whole = slope_of(epsilon_WS.mean(1))
    if n_seeds == 1:
        return [whole]
    without = [slope_of(np.delete(epsilon_WS, seed, axis=1).mean(1)) for seed in range(n_seeds)]
    return [n_seeds * whole - (n_seeds - 1) * one for one in without]


def slope_of(epsilon_W: np.ndarray) -> float:
    """Return the slope of a straight line through logarithms."""
    return float(np.polyfit(np.log(WIDTHS), np.log(np.maximum(epsilon_W, 1e-9)), 1)[0])


def still_large(width: int, limit: float, evidence: Evidence) -> list[float]:
    """Return the largest reverse loss once the trained loss is below a limit, as a share of log(m/2)."""
    trained_ST, reverse_ST = curves(width, evidence)
    if not (trained_ST <= limit).any(axis=1).all():
        raise NothingMeasured(f"a bilinear run of dimension {width} never came below {limit:g} nats")
    tokens = math.log(evidence.n_tokens(f"bilinear {width}") / 2)
    return [float(b_T[a_T <= limit].max() / tokens) for a_T, b_T in zip(trained_ST, reverse_ST, strict=True)]


def guesses(group: str, name: str, evidence: Evidence) -> list[float]:
    """Return the answer's probability in units of a uniform guess, as a geometric mean over questions."""
    n_tokens = evidence.n_tokens(group)
    return [n_tokens * math.exp(-nats) for nats in evidence.found(group, "answers", name)]


def decay() -> Iterable[Claim]:
    """Yield what is said of weight decay: TD-15 and TD-16."""
    yield Claim(
        id="TD-15",
        sentence="The decay of 0.9 that the paper lists, passed to AdamW, stops the model from fitting what it is trained on.",
        paper="train NLL 4.11 with 0.9 against 0.50 with 0.01 (one seed, 600 epochs)",
        sure="high",
        scale="same",
        parts=(
            part(
                "train NLL with decay 0.9 minus with 0.01, nats",
                Region(low=1.0),
                partial(more, "decay 0.9", "reversal", "stated_nll"),
            ),
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
                partial(gain, weak, strong, "reverse_tested"),
            ),
            part("reverse accuracy without decay", Region(high=0.4), right(weak, "reverse_tested"), 50),
        ),
        why=f"Families of this project and a model of width 64 instead of 206 M parameters; decays {', '.join(map(str, DECAYS.values()))} at a rate of 0.001 make the same product.",
    )


def more(first: str, second: str, name: str, evidence: Evidence) -> list[float]:
    """Return how much larger a number of `answers` is in the first group, seed by seed."""
    one, other = (evidence.found(group, "answers", name) for group in (first, second))
    return [a - b for a, b in zip(one, other, strict=False)]


def speed() -> Iterable[Claim]:
    """Yield TD-18, whose measurement is a benchmark."""
    yield Claim(
        id="TD-18",
        sentence="The full default trains at least three times faster a core here than in the released code.",
        paper="60 training tokens a second on one core, 17.0 s an epoch, 14.2 h a seed",
        sure="high",
        scale="same",
        why="A speed depends on machine and load, so it is no verdict of a study: python -m bench dynamics times it.",
    )
