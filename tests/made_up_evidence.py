"""Evidence that nobody measured, and how to turn it until a claim comes out as one wants: so that every claim can fail.

A reading is a number that a claim asks for, or a curve of numbers over training. Its values are drawn from a few that
differ by orders of magnitude, and readings are turned one by one, keeping what brings more parts to the wanted verdict.
"""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

SHARES = (0.001, 0.02, 0.2, 0.5, 0.8, 0.99)
NUMBERS = (-0.5, 1e-9, *SHARES, 2.0, 3.0, 5.0, 20.0, 150.0, 500.0)
SEEDS = 5
STEPS = 10 * np.arange(1, 9)
WATCHED_STEPS = {"tasks": 10 * np.arange(1, 13), "partner_lens": 10 * np.arange(1, 13)}
"""Of probes that watch longer than the others."""
BLOCKS = 3
"""Of every model that is looked into."""
TURNS = 4000
"""After so many a claim is given up."""
KINDS = tuple(
    f"{style}{kind}"
    for style in ("", "ask_")
    for kind in (
        "memory_job",
        "memory_people",
        *(f"{what}_{sort}" for what in ("stated", "flipped", "stated_new") for sort in ("symmetric", "inverse")),
        *(
            f"{what}_{sort}_{direction}"
            for what in ("logic", "context", "new")
            for sort in ("symmetric", "inverse")
            for direction in ("forward", "reverse")
        ),
    )
)
"""Of questions that a table counts."""
Key = tuple[str, ...]


def steps_of(key: Key) -> np.ndarray:
    """Return the steps at which the probe of a curve measured."""
    return WATCHED_STEPS.get(key[2], STEPS)


class Dials:
    """The value of every reading that was asked for, drawn when it is first asked."""

    def __init__(self, seed: int) -> None:
        self.chance, self.at = random.Random(seed), dict[Key, list[float]]()

    def draw(self, key: Key) -> list[float]:
        """Return new values of a reading: one, or one a step of a curve, which changes once."""
        pool = SHARES if is_share(key) else NUMBERS
        if key[0] != "curve":
            return [self.chance.choice(pool)]
        before, after = self.chance.choices([value for value in pool if value > 1e-6], k=2)
        n = len(steps_of(key))
        turn = self.chance.randrange(n)
        return [before] * turn + [after] * (n - turn)

    def read(self, key: Key) -> list[float]:
        """Return a reading's values."""
        return self.at.setdefault(key, self.draw(key))


SHARE_WORDS = ("accuracy", "best", "specific", "blind", "exact", "sampled", "ahead", "nothing", "two_shot", "fact")


def is_share(key: Key) -> bool:
    """Whether a reading lies between 0 and 1."""
    return key[0] in ("score", "chains") or any(word in key[-1] for word in SHARE_WORDS)


def seeds_of(value: float) -> list[float]:
    """Return a value as several seeds would give it: nearly the same."""
    return [value * (1 + 1e-4 * (seed - SEEDS // 2)) for seed in range(SEEDS)]


def evidence_of(dials: Dials, exam: Path) -> Any:
    """Return evidence that reads dials; `exam` is a file with chains, for the claim that counts them."""
    from bothways.facts.chains import find_chains
    from bothways.runs import load_exam
    from bothways.studies.evidence import Evidence

    class MadeUp(Evidence):
        def score(self, group: str, kind: str, name: str = "accuracy") -> list[float]:
            return seeds_of(dials.read(("score", group, kind, name))[0])

        def found(self, group: str, probe: str, name: str) -> list[float]:
            return seeds_of(dials.read(("found", group, probe, name))[0])

        def computation(self, name: str, number: str) -> list[float]:
            return seeds_of(dials.read(("computation", name, number))[0])

        def curve(self, group: str, probe: str, name: str) -> tuple[np.ndarray, np.ndarray]:
            depth = re.search(r"_(\d+)_", name) if probe == "partner_lens" else None
            if depth and int(depth[1]) > BLOCKS:
                return steps_of(("curve", group, probe)), np.full(
                    (SEEDS, len(steps_of(("curve", group, probe)))), np.nan
                )
            values_T = dials.read(("curve", group, probe, name))
            late_T = [values_T[0], *values_T[:-2], values_T[-1]]
            rows_S = (late_T if seed % 2 else values_T for seed in range(SEEDS))
            last = len(values_T) - 1
            return steps_of(("curve", group, probe)), np.array(
                [
                    [v * (1 + 1e-3 * (seed + 1) * (t < last)) for t, v in enumerate(row)]
                    for seed, row in enumerate(rows_S)
                ]
            )

        def table(self, group: str, probe: str) -> list[Sequence[Mapping[str, Any]]]:
            dials.read(("table", group, probe))
            return [[{"kind": kind, "questions": 100} for kind in KINDS]] * SEEDS

        def n_tokens(self, group: str) -> int:
            return 100

        def runs(self, group: str) -> Sequence[Any]:
            wrong, chains = 1 - dials.read(("chains", group))[0], find_chains(load_exam(exam))
            return [SimpleNamespace(scores=scores(chains, round(wrong * len(chains)) + n % 2)) for n in range(SEEDS)]

        @staticmethod
        def exam_of(run: Any) -> Path:
            return exam

        def seconds(self) -> float:
            return 0.0

    return MadeUp({})


def scores(chains: Sequence[Any], n_wrong: int) -> list[SimpleNamespace]:
    """Return how a model did on the steps of chains, of which so many are wrong."""
    steps = {step for chain in chains for step in (chain.first, chain.second)}
    wrong = {chain.second for chain in chains[:n_wrong]}
    return [SimpleNamespace(query=step, correct=step not in wrong) for step in steps]


def verdicts(claim: Any, dials: Dials, exam: Path) -> list[str]:
    """Return what the dials say of each part of a claim; none where a number cannot be computed from them."""
    from bothways.studies.claims import decide

    try:
        with np.errstate(all="raise"):
            return [part.verdict for part in decide(claim, evidence_of(dials, exam), "none").parts]
    except (ArithmeticError, ValueError):
        return ["not_testable"] * len(claim.parts)


def turn_until(claim: Any, dials: Dials, exam: Path, wanted: Mapping[int, str]) -> bool:
    """Turn dials until parts of a claim have the wanted verdicts; say whether that came to be."""

    def reached() -> int:
        found = verdicts(claim, dials, exam)
        return sum(found[place] == verdict for place, verdict in wanted.items())

    best = reached()
    for _ in range(TURNS):
        if best == len(wanted):
            return True
        before = dict(dials.at)
        for key in dials.chance.sample(sorted(dials.at), min(len(dials.at), dials.chance.choice((1, 1, 2)))):
            dials.at[key] = dials.draw(key)
        now = reached()
        if now < best:
            dials.at = before
        best = max(now, best)
    return best == len(wanted)


class Listener:
    """Note every reading that claims ask of evidence, and answer none."""

    def __init__(self) -> None:
        self.heard: set[Key] = set()

    def evidence(self) -> Any:
        """Return evidence that is asked in vain."""
        dials, heard = Dials(0), self.heard

        class Heard(dict[Key, list[float]]):
            def setdefault(self, key: Key, value: Any = None) -> Any:
                heard.add(key)
                return super().setdefault(key, value)

        dials.at = Heard()
        return evidence_of(dials, Path())


def ask(values: Callable[[Any], Any], evidence: Any) -> None:
    """Let a part read its numbers, whatever comes of them."""
    from bothways.errors import BothwaysError
    from bothways.studies.evidence import NothingMeasured

    try:
        with np.errstate(all="ignore"):
            values(evidence)
    except (ArithmeticError, ValueError, NothingMeasured, BothwaysError):
        pass
