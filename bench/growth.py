"""How cost grows: a step with width and length, a run with the size of its pack, preparation with the facts."""

import json
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from bench.rows import packs
from bench.rows.step import our_step
from bothways.commands.recipe import recipe
from bothways.facts.exam import ExamConfig, make_exam
from bothways.facts.worlds.bijection import Bijection
from bothways.pipeline import begin, prepare_run
from bothways.runs import load_exam
from bothways.training.learner import Learner
from bothways.training.loop import prepare

WIDTHS, LENGTHS, PACKS, FACTS = (16, 32, 64, 128, 256), (8, 16, 32, 64, 128), (1, 4, 16, 64), (100, 400, 1600, 6400)


def measure_growth() -> dict[str, dict[str, Any]]:
    """Return, for each curve, its values along x and the seconds there."""
    return {
        "width": curve("width", "a step of 64 x 32 tokens", WIDTHS, lambda width: call(our_step(width, 64, 32)[0])),
        "length": curve(
            "tokens in a row", "a step of 64 rows at width 128", LENGTHS, lambda n: call(our_step(128, 64, n)[0])
        ),
        "pack": curve("runs in a pack", "a step of one run, width 20", PACKS, packed_step),
        "facts": curve("facts", "exam, text and rows", FACTS, preparation),
    }


def curve(x: str, what: str, values: Sequence[int], seconds: Callable[[int], float]) -> dict[str, Any]:
    """Measure a curve."""
    return {"x": x, "what": what, "values": list(values), "seconds": [seconds(value) for value in values]}


def call(work: Callable[[], object], repeats: int = 7) -> float:
    """Return the median seconds of a call, after one that does not count."""
    work()
    marks = [time.perf_counter()]
    for _ in range(repeats):
        work()
        marks.append(time.perf_counter())
    return median(after - before for before, after in pairwise(marks))


def packed_step(n: int) -> float:
    """Return the seconds that one step takes of each run of a pack."""
    planned = packs.plan(Path(tempfile.mkdtemp()), "causal:count=last_entity", n, 100, "fp32")
    members = [begin(one.config, load_exam(one.exam), one.folder).member for one in planned]
    learner = Learner([member.model for member in members], [(0.01, 0.01)] * n)

    def step() -> None:
        learner.loss([prepare(member, 0) for member in members])
        learner.step(1.0, 1.0)

    return call(step) / n


def preparation(n: int) -> float:
    """Return the seconds from facts to rows of tokens and a fresh model."""

    def work() -> None:
        exam = make_exam(Bijection(n=n).make(0), ExamConfig(), 0)
        prepare_run(recipe(exam), exam)

    return call(work, repeats=1)


def draw(growth: Mapping[str, Mapping[str, Any]], folder: Path) -> Path:
    """Draw the curves, both axes logarithmic, as one SVG."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    pyplot.rcParams.update({"svg.hashsalt": "bothways", "font.size": 9})
    figure, places = pyplot.subplots(2, 2, figsize=(8, 5.5), layout="constrained")
    for place, found in zip(places.flat, growth.values(), strict=True):
        place.loglog(found["values"], [1000 * s for s in found["seconds"]], marker="o", color="#31688e")
        place.set_xticks(found["values"], [f"{v:,}" for v in found["values"]], minor=False)
        place.xaxis.set_minor_locator(matplotlib.ticker.NullLocator())
        place.set(xlabel=found["x"], ylabel="milliseconds", title=found["what"])
        place.grid(alpha=0.3)
    path = folder / "performance.svg"
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
    return path


def main() -> None:
    """Print the curves as JSON."""
    print(json.dumps(measure_growth(), indent=1))


if __name__ == "__main__":
    main()
