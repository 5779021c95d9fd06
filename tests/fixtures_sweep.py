"""A made-up sweep's folder (docs/how-to/read_a_sweep.md), for tests of its report and for looking at a page.

No number here was measured: right answers are drawn from a known logistic surface by a seeded generator.
To look at a page: `python tests/fixtures_sweep.py FOLDER`.
"""

import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

ARMS = ("causal", "masked_diffusion", "causal+both_directions")
AXES: Mapping[str, Sequence[Any]] = {
    "training.learning_rate": [0.0005, 0.001, 0.002, 0.004, 0.008],
    "model.d_model": [20, 32, 64, 128],
}
KINDS = ("forward", "reverse_tested", "reverse_partner")
HOSTILE = (
    "</script><script>alert(1)</script>",
    "=cmd()",
    r"$\frac$ {{7*7}}",
    "long " + "name" * 40,
    "bell\x07 \u202eא",
)
ERROR = "The loss is not a number at <step> 300; lower the learning rate."
N = 120
"""Questions of each kind."""
SPREAD = 0.25
"""Standard deviation of a run's own shift, in log-odds."""
Place = Mapping[str, Any]


def crossing(place: Place) -> float:
    """Return the learning rate at which masked diffusion truly crosses one half: a wider model needs less."""
    return 0.002 * (64 / float(place.get("model.d_model", 64))) ** 0.5


def log_odds(arm: str, kind: str, place: Place) -> float:
    """Return the true log-odds of a right answer, before a run's own shift."""
    if kind == "forward" or "both_directions" in arm:
        return 5.0
    if arm == "causal":
        return -5.0
    rate = place.get("training.learning_rate", 0.004)
    return 3.0 * math.log2(rate / crossing(place)) if isinstance(rate, int | float) else 1.0


def make_sweep(
    folder: Path,
    *,
    arms: Sequence[str] = ARMS,
    axes: Mapping[str, Sequence[Any]] = AXES,
    seeds: int = 3,
    failed: Callable[[str, int, Place], bool] = lambda arm, seed, place: False,
    empty: Callable[[str, int, Place], bool] = lambda arm, seed, place: False,
    surface: Callable[[str, str, Place], float] = log_odds,
    error: str = ERROR,
    name: str = "made-up sweep",
) -> Path:
    """Write a made-up sweep into `folder` and return it.

    Args:
        folder: where to.
        arms: names of the arms.
        axes: what is varied.
        seeds: runs per arm and setting.
        failed: which runs failed.
        empty: which runs are done but have no number.
        surface: log-odds of a right answer by arm, kind and place.
        error: what failed runs say.
        name: of the sweep.
    """
    import pandas

    random = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    places = [dict(zip(axes, levels, strict=True)) for levels in product(*axes.values())]
    rows = []
    for index, (arm, place, seed) in enumerate(product(arms, places, range(seeds))):
        row = {"run_id": f"{index:06x}", "arm": arm, "seed": seed, **place, "status": "done", "error": None}
        if failed(arm, seed, place):
            row |= {"status": "failed", "error": error}
        elif not empty(arm, seed, place):
            row |= scores(arm, place, surface, random)
        rows.append(row)
        run = folder / row["run_id"]
        run.mkdir(exist_ok=True)
        if row["status"] == "done":
            (run / "result.json").write_text(json.dumps({"schema": 1, "run_id": row["run_id"]}))
    leaves = ("accuracy", "nll", "median_rank", "n")
    numbers = ["loss", "steps", "known_at", "held_out_nll", *(f"{k}.{leaf}" for k in KINDS for leaf in leaves)]
    columns = ["run_id", "arm", "seed", *axes, "status", "error", *numbers]
    pandas.DataFrame(rows, columns=columns).astype(dict.fromkeys(numbers, float)).to_parquet(folder / "results.parquet")
    about = {
        "schema": 1,
        "name": name,
        "arms": list(arms),
        "seeds": seeds,
        "axes": {key: list(values) for key, values in axes.items()},
        "command": "bothways sweep made-up.yaml  --jobs 2",
        "versions": {"bothways": "0.0.0", "python": "3.11.0"},
        "spec": {"facts": "family", "training": {"steps": 2000}},
    }
    (folder / "sweep.json").write_text(json.dumps(about))
    return folder


def scores(
    arm: str, place: Place, surface: Callable[[str, str, Place], float], random: np.random.Generator
) -> dict[str, float]:
    """Return the numbers of one run."""
    row = {"loss": 0.4, "steps": 2000.0, "known_at": 700.0, "held_out_nll": 2.0 + float(random.uniform(0, 0.2))}
    for kind in KINDS:
        share = 1 / (1 + math.exp(-surface(arm, kind, place) - float(random.normal(0, SPREAD))))
        accuracy = random.binomial(N, share) / N
        row |= {
            f"{kind}.accuracy": accuracy,
            f"{kind}.nll": 0.05 + 6 * (1 - accuracy),
            f"{kind}.median_rank": 1.0 if accuracy > 0.5 else 170.5,
            f"{kind}.n": float(N),
        }
    return row


def make_hostile(folder: Path) -> Path:
    """Write a made-up sweep whose facts, arms and errors try to break the page."""
    return make_sweep(
        folder,
        arms=("causal", HOSTILE[0], "masked_diffusion" + HOSTILE[3]),
        axes={"facts": list(HOSTILE), "training.learning_rate": [0.001, 0.002, 0.004, 0.008], "x<b>": [1, 2]},
        seeds=2,
        failed=lambda arm, seed, place: place["facts"] == HOSTILE[1] and seed == 1,
        error=" ".join(HOSTILE),
        name=HOSTILE[0],
    )


if __name__ == "__main__":
    from bothways.reports.sweep_page import write_sweep_report

    print(write_sweep_report(make_sweep(Path(sys.argv[1]))))
