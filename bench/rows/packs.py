"""Point 2: whole runs of the training-dynamics setting, in a pack and one after another.

One layer, width 20, one head; 400 pairs, each sentence an entity, an arrow and an entity; loss on the last entity;
batch 64. A run is all of it: text, training, measuring on the way, the final exam, and its folder on the disk. Packs
train in the recipe's precision; one after another, such small models are faster in fp32, and that is what they are
compared with.
"""

import functools
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bench.base import Pair, Row
from bothways.arms import parse_arm
from bothways.config import RunConfig, override
from bothways.facts.exam import ExamConfig, make_exam
from bothways.facts.worlds.bijection import Bijection
from bothways.pipeline import begin, run, run_pack, train
from bothways.runs import Planned, load_exam
from bothways.training.loop import Member
from bothways.training.speed import fast_precision
from bothways.types import FactSet

TOGETHER = 64
ALONE = 4
"""Runs of a call of the peer; a second would only repeat them."""
SHAPE = (
    "model.n_layers=1", "model.d_model=20", "model.n_heads=1", "model.d_mlp=80", "batches.batch_size=64",
    "training.learning_rate=0.01", "training.measurements=4",
)  # fmt: skip
STEPS = {"training": 100, "whole runs": 400}


def arrows(n: int) -> FactSet:
    """Return pairs that are said with an arrow either way."""
    world = Bijection(n=n).make(0)
    relation = replace(world.relations["guide"], head_first=("{head} → {tail}",), tail_first=("{tail} ← {head}",))
    return replace(world, relations={"guide": relation})


def plan(folder: Path, arm: str, n: int, steps: int, precision: str, device: str = "cpu") -> list[Planned]:
    """Return n runs that differ in their seeds."""
    exam = folder / "exam.json"
    if not exam.exists():
        exam.write_text(json.dumps(make_exam(arrows(400), ExamConfig(), 0).to_json()))
    settings = (f"training.steps={steps}", f"training.precision={precision}", f"training.device={device}")
    base = override(RunConfig(), [*SHAPE, *settings])
    return [
        Planned(
            f"s{seed}", arm, seed, parse_arm(arm).config(base, seed), folder / f"s{seed}",
            {"run_id": f"s{seed}", "arm": arm, "seed": seed}, exam,
        )
        for seed in range(n)
    ]  # fmt: skip


def fresh(work: Callable[[Path], object]) -> Callable[[], None]:
    """Return a call that does its work in a folder of its own, each time a new one."""

    def call() -> None:
        folder = Path(tempfile.mkdtemp())
        work(folder)
        shutil.rmtree(folder)

    return call


def whole_runs(arm: str) -> Pair:
    """Everything a run does, from its exam to its folder."""
    steps = STEPS["whole runs"]

    def alone(folder: Path) -> None:
        for one in plan(folder, arm, ALONE, steps, "fp32"):
            run(one.config, load_exam(one.exam), one.folder, one.about)

    packed = fresh(lambda folder: run_pack(plan(folder, arm, TOGETHER, steps, fast_precision()), folder / "pack"))
    return Pair(packed, fresh(alone), units=TOGETHER, peer_units=ALONE, repeats=4)


def only_training(arm: str, device: str = "cpu", together: int = TOGETHER) -> Pair:
    """The steps alone, of runs that are prepared and never examined."""
    steps = STEPS["training"]

    def members(n: int, precision: str) -> list[Member]:
        folder = Path(tempfile.mkdtemp())
        planned = plan(folder, arm, n, steps, precision, device)
        begun = [begin(one.config, load_exam(one.exam), one.folder) for one in planned]
        for one in planned:
            one.folder.mkdir()
        return [replace(one.member, measure=lambda *_: {}) for one in begun]

    packed, alone = members(together, fast_precision()), members(ALONE, "fp32")

    def one_after_another() -> None:
        for member in alone:
            train([member], Path(tempfile.mkdtemp()))

    return Pair(
        lambda: train(packed, Path(tempfile.mkdtemp())),
        one_after_another,
        units=together * steps,
        peer_units=ALONE * steps,
        repeats=7,
    )


ROWS = [
    Row(
        f"packs of {TOGETHER}, width 20, one layer, training", 2, "one batched step", "one after another",
        "step of a run", functools.partial(only_training, "causal:count=last_entity"), 5.0,
    ),
    Row(
        f"packs of {TOGETHER}, width 20, one layer, whole runs", 2, "run_pack", "run, one after another", "run",
        functools.partial(whole_runs, "causal:count=last_entity"), 5.0,
    ),
]  # fmt: skip
