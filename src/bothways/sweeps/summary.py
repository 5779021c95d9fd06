"""The numbers of a comparison, from its finished runs: intervals, baselines, differences, the flip control."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bothways.arms import CONTROL, Arm
from bothways.evaluation.baselines import shallow_baselines
from bothways.evaluation.statistics import crossed_bootstrap, holm, paired_difference
from bothways.runs import Run
from bothways.types import Exam, Kind, QueryScore

KINDS: tuple[Kind, ...] = ("forward", "reverse_tested", "reverse_partner", "reverse_stated", "implied")
CONTROL_BLIND_LIMIT = 0.2
"""Above this share of flips answered with the partner by the control itself, nobody can tell anything."""
CONTROL_KNOWS = 0.5
"""Below this share of reverse questions right, the control shows nothing about flips: it may just know too little."""
LEAVES = ("accuracy", "low", "high", "mrr", "nll", "exact", "median_rank", "n")
SEED = 0
"""Of the bootstrap."""


@dataclass(frozen=True)
class ArmScores:
    """What the finished runs of one arm scored on the whole exam: rows are seeds, columns queries."""

    arm: Arm
    runs: Sequence[Run]
    seeds: Sequence[int]
    correct_SQ: np.ndarray
    exact_SQ: np.ndarray
    rank_SQ: np.ndarray
    log_prob_SQ: np.ndarray

    @classmethod
    def of(cls, arm: Arm, runs: Sequence[Run], exam: Exam) -> "ArmScores":
        """Read every run's samples."""
        rows: list[list[QueryScore]] = [sorted(run.scores, key=lambda s: s.query) for run in runs]

        def matrix(name: str) -> np.ndarray:
            return np.array([[getattr(s, name) for s in row] for row in rows], float).reshape(
                len(rows), len(exam.queries)
            )

        seeds = [int(run.result["seed"]) for run in runs]
        return cls(arm, runs, seeds, matrix("correct"), matrix("exact"), matrix("rank"), matrix("log_prob"))


def summarise(exam: Exam, arms: Sequence[ArmScores], failed: Mapping[str, int]) -> dict[str, Any]:
    """Return the parts of `summary.json` that come from scores.

    Args:
        exam: the questions.
        arms: every arm with its finished runs, maybe none.
        failed: how many runs of each arm failed.
    """
    columns = {kind: columns_of(exam, kind) for kind in KINDS}
    clusters_Q = np.array([query.cluster for query in exam.queries])
    control = next((a for a in arms if a.arm.name == CONTROL and a.runs), None)
    why = cannot_tell(exam, control)
    return {
        "arms": [
            {
                "arm": a.arm.name,
                "objective": a.arm.parts[0],
                "mitigation": a.arm.parts[1],
                "seeds": len(a.runs),
                "failed": failed.get(a.arm.name, 0),
                **{kind: headline(a, columns[kind], clusters_Q) for kind in KINDS},
                "flip": flip(exam, a, clusters_Q, why),
                "held_out_nll": _median([run.result["held_out_nll"] for run in a.runs]),
                "known_at": _median([run.result["known_at"] for run in a.runs]),
                "steps": _median([run.result["steps"] for run in a.runs]),
                "seconds": _median([run.history[-1]["seconds"] for run in a.runs]),
            }
            for a in arms
        ],
        "baselines": [asdict(baseline) for baseline in shallow_baselines(exam)],
        "differences": differences(arms, columns, clusters_Q),
        "relations": per_relation(exam, arms, columns),
    }


def columns_of(exam: Exam, kind: Kind) -> np.ndarray:
    """Return the indices of the test questions of one kind."""
    return np.array([n for n, q in enumerate(exam.queries) if q.kind == kind and q.split == "test"], int)


def headline(a: ArmScores, columns: np.ndarray, clusters_Q: np.ndarray) -> dict[str, Any]:
    """Return one kind's numbers with the interval of its accuracy; nulls where nothing was asked."""
    if not len(columns) or not a.runs:
        return {**dict.fromkeys(LEAVES), "n": len(columns)}
    interval = crossed_bootstrap(a.correct_SQ[:, columns], clusters_Q[columns], SEED)
    return {
        "accuracy": interval.mean,
        "low": finite(interval.low),
        "high": finite(interval.high),
        "mrr": float((1 / a.rank_SQ[:, columns]).mean()),
        "nll": finite(float(-a.log_prob_SQ[:, columns].mean())),
        "exact": float(a.exact_SQ[:, columns].mean()),
        "median_rank": float(np.median(a.rank_SQ[:, columns])),
        "n": len(columns),
    }


def flip_pairs(exam: Exam) -> tuple[np.ndarray, np.ndarray]:
    """Return (flips, the reverse questions they repeat): of the isolated stratum, else of the partner stratum."""
    for kind in ("reverse_tested", "reverse_partner"):
        pairs = [
            (n, q.of)
            for n, q in enumerate(exam.queries)
            if q.kind == "flip" and q.split == "test" and q.of is not None and exam.queries[q.of].kind == kind
        ]
        if pairs:
            return np.array([n for n, _ in pairs]), np.array([of for _, of in pairs])
    return np.array([], int), np.array([], int)


def cannot_tell(exam: Exam, control: ArmScores | None) -> str | None:
    """Say why this world cannot tell relation from association, or None where it can.

    A control that knows the answers and is not blind shows that the relation can be heard. Without one, most
    cues must have a second relation with another partner, so that only the relation tells which to name.
    """
    flips, asked = flip_pairs(exam)
    if not any(query.kind in ("reverse_tested", "reverse_partner") for query in exam.queries):
        return "cannot tell: nothing is asked in reverse"
    if not len(flips):
        return "cannot tell: no other relation's question accepts the answer's kind of entity"
    if control is not None:
        blind = float(control.correct_SQ[:, flips].mean())
        if blind > CONTROL_BLIND_LIMIT:
            return f"cannot tell: the control itself names the partner whatever is asked (blind {blind:.2f})"
        if control.correct_SQ[:, asked].mean() >= CONTROL_KNOWS:
            return None
    told = np.mean([exam.queries[n].stated for n in flips])
    if told < 0.5:
        lacking = "no control ran" if control is None else "the control knows too little itself"
        return f"cannot tell: only {told:.0%} of the cues have a second relation with another partner, and {lacking}"
    return None


def flip(exam: Exam, a: ArmScores, clusters_Q: np.ndarray, why: str | None) -> dict[str, Any]:
    """Return how often an arm names the partner under another relation (blind), and is right without it (specific)."""
    flips, asked = flip_pairs(exam)
    names = ("blind", "blind_low", "blind_high", "specific", "specific_low", "specific_high")
    if why is not None or not a.runs:
        return {**dict.fromkeys(names), "n": len(flips), "why": why}
    blind_SF = a.correct_SQ[:, flips]
    specific_SF = a.correct_SQ[:, asked] * (1 - blind_SF)
    blind = crossed_bootstrap(blind_SF, clusters_Q[flips], SEED)
    specific = crossed_bootstrap(specific_SF, clusters_Q[flips], SEED)
    values = (blind.mean, blind.low, blind.high, specific.mean, specific.low, specific.high)
    return {**dict(zip(names, map(finite, values), strict=True)), "n": len(flips), "why": None}


def differences(
    arms: Sequence[ArmScores], columns: Mapping[str, np.ndarray], clusters_Q: np.ndarray
) -> list[dict[str, Any]]:
    """Return every arm against the first, and every other arm against the control, Holm-corrected together."""
    ran = [a for a in arms if a.runs]
    control = next((a for a in ran if a.arm.name == CONTROL), None)
    pairs = [(a, ran[0]) for a in ran[1:]]
    pairs += [(a, control) for a in ran[1:] if control is not None and a is not control and control is not ran[0]]
    rows = []
    for a, reference in pairs:
        common = [seed for seed in a.seeds if seed in reference.seeds]
        mine, theirs = ([x.seeds.index(seed) for seed in common] for x in (a, reference))
        for kind in ("reverse_tested", "reverse_partner", "implied"):
            chosen = columns[kind]
            if len(common) and len(chosen):
                found = paired_difference(
                    a.correct_SQ[mine][:, chosen], reference.correct_SQ[theirs][:, chosen], clusters_Q[chosen], SEED
                )
                row = {"arm": a.arm.name, "reference": reference.arm.name, "kind": kind, "difference": found.mean}
                rows.append(
                    {
                        **row,
                        "low": finite(found.low),
                        "high": finite(found.high),
                        "p": found.p,
                        "equivalent": found.equivalent,
                    }
                )
    for row, corrected in zip(rows, holm([row["p"] for row in rows]), strict=True):
        row["p_holm"] = corrected
    return rows


def per_relation(exam: Exam, arms: Sequence[ArmScores], columns: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
    """Return each arm's accuracy on every relation it was tested on."""
    rows = []
    for a in arms:
        for kind in ("forward", "reverse_tested", "reverse_partner", "implied"):
            groups: dict[str, list[int]] = {}
            for n in columns[kind].tolist():
                groups.setdefault(exam.queries[n].relation, []).append(n)
            for relation, members in groups.items() if a.runs else ():
                accuracy = float(a.correct_SQ[:, members].mean())
                rows.append(
                    {"arm": a.arm.name, "relation": relation, "kind": kind, "accuracy": accuracy, "n": len(members)}
                )
    return rows


def finite(value: float) -> float | None:
    """Return the number, or None where there is none: an interval without end, the NLL of what is impossible."""
    return value if math.isfinite(value) else None


def _median(values: Sequence[float | int | None]) -> float | None:
    """Return the median, or None where any run has no such number."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    return float(np.median(known)) if known and len(known) == len(values) else None
