"""pretrain: make small models to try a fine-tune on, where there is no network or no time for large ones."""

import json
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bothways.commands.output import is_begun
from bothways.disk import disk_errors, own, read_json, write_text
from bothways.errors import BothwaysError, RunError, Stopped
from bothways.options import at_least
from bothways.registry import lookup, unknown
from bothways.sweeps.executors.process import one_worker, spawning, work
from bothways.sweeps.signals import stop_on_signals
from bothways.sweeps.work import DIED
from bothways.training.loop import Interrupted, read_rows
from bothways.types import SCHEMA

if TYPE_CHECKING:
    import pandas

    from bothways.bases.stand_in.recipe import Half, StandIn

BEGUN = "pretrain.json"
"""Says what a folder's models are made by; written first."""
STOPPED = "Stopped. Finished models are kept, the others saved their state; go on with --resume."


@dataclass(frozen=True)
class Pretrained:
    """Models made by `pretrain`: where they are, what they can do, and how long all took."""

    folder: Path
    models: tuple[dict[str, Any], ...]
    """Of each what its stand_in.json says, with its folder."""
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return {"schema": SCHEMA, "folder": str(self.folder), "models": list(self.models), "seconds": self.seconds}

    def to_pandas(self) -> "pandas.DataFrame":
        """One row per model."""
        import pandas

        return pandas.DataFrame([{"half": model["half"], **model["measured"]} for model in self.models])

    def text(self) -> str:
        """Return what a terminal shows."""
        return "\n".join(f"{model['folder']}: {in_words(model['measured'])}" for model in self.models)


def pretrain(
    base: str = "stand-in",
    *,
    out: str | Path,
    seed: int = 0,
    without: Sequence[str] = (),
    size: str = "full",
    steps: int | None = None,
    only: str | None = None,
    resume: bool = False,
    watch: Callable[[str], None] = lambda said: None,
) -> Pretrained:
    """Make the models of a base, side by side where there are two cores.

    Args:
        base: which models, a registered name.
        out: folder to write; each model gets a folder in it that `from_pretrained` reads.
        seed: the same seed makes the same models on the same processor.
        without: tasks to leave out of their text: `recover`, `both_ways`.
        size: `full`, `quick` or `tiny`.
        steps: optimiser steps of each model; those of the size if None.
        only: `causal` or `masked_diffusion`, to make one model alone.
        resume: go on with a half-made folder.
        watch: told a sentence whenever a model was measured.

    Raises:
        BothwaysError: a name or number does not fit, or the folder is in use, not empty or of other settings.
        Stopped: the user asked to stop.
    """
    at_least(0, "Choose another seed.", seed=seed)
    recipe, halves = settle(base, size, without, steps, only)
    folder = Path(out)
    is_begun(folder, "pretrained base", (folder / BEGUN).exists(), resume)
    began = time.monotonic()
    with disk_errors(folder), own(folder):
        begin(folder, {"schema": SCHEMA, "base": base, "seed": seed, "settings": recipe.to_json()})
        make([Job(recipe, half, folder / half, seed) for half in halves], watch)
        models = tuple({"folder": str(folder / half), **read_json(folder / half / "stand_in.json")} for half in halves)
    return Pretrained(folder, models, round(time.monotonic() - began, 1))


def settle(
    base: str, size: str, without: Sequence[str], steps: int | None, only: str | None
) -> "tuple[StandIn, tuple[Half, ...]]":
    """Return the recipe and which of its models are made.

    Raises:
        BothwaysError: a name is unknown, or there are no steps.
    """
    lookup("bases", base)
    from bothways.bases.stand_in.recipe import HALVES, SIZES

    if size not in SIZES:
        raise BothwaysError(unknown("size", size, SIZES))
    if only is not None and only not in HALVES:
        raise BothwaysError(unknown("model of the pair", only, HALVES))
    recipe = SIZES[size].without(*without)
    if steps is not None:
        at_least(recipe.measurements, "Raise it.", steps=steps)
        recipe = replace(recipe, steps=steps, diffusion_times=1)
    return recipe, tuple(half for half in HALVES if only in (None, half))


def begin(folder: Path, about: dict[str, Any]) -> None:
    """Write down what a folder's models are made by, or see that they are made by the same.

    Raises:
        RunError: they are made by other settings.
    """
    path = folder / BEGUN
    if not path.exists():
        write_text(path, json.dumps(about, indent=1) + "\n")
        return
    before = read_json(path)
    if before != about:
        was = {**before.get("settings", {}), "seed": before.get("seed")}
        now = {**about["settings"], "seed": about["seed"]}
        other = next((name for name in now if was.get(name) != now[name]), "base")
        raise RunError(
            f"{folder} is made with {other}={was.get(other)}, not {now.get(other)}. "
            "Give the same settings, or name another folder with -o."
        )


@dataclass(frozen=True)
class Job:
    """A model that is to be made, or gone on with."""

    recipe: "StandIn"
    half: "Half"
    folder: Path
    seed: int

    def __call__(self, stop: Callable[[], bool]) -> None:
        """Make it."""
        self.recipe.make(self.half, self.folder, self.seed, stop)

    def text(self, row: dict[str, Any]) -> str:
        """Say what was measured on the way."""
        name, steps = f"{self.folder.parent.name}/{self.folder.name}", self.recipe.steps_of(self.half)
        return f"{name}, step {row['step']} of {steps}: loss {row['loss']:.3f}, {in_words(row)}"


def make(jobs: Sequence[Job], watch: Callable[[str], None]) -> None:
    """Make models, each in a process of its own where there are cores, and tell what was measured.

    Raises:
        Stopped: the user asked to stop; every model saved its state.
        RunError: a process died.
    """
    told = [0] * len(jobs)

    def tell() -> None:
        for n, job in enumerate(jobs):
            rows = read_rows(job.folder / "metrics.jsonl")
            for row in rows[told[n] :]:
                watch(job.text(row))
            told[n] = len(rows)

    with stop_on_signals() as asked:
        try:
            if len(jobs) == 1 or (os.cpu_count() or 1) == 1:
                for job in jobs:
                    job(lambda: bool(asked))
                    tell()
            else:
                side_by_side(jobs, asked, tell)
        except Interrupted:
            raise Stopped(STOPPED) from None


def side_by_side(
    jobs: Sequence[Callable[[Callable[[], bool]], None]], asked: list[int], watch: Callable[[], None]
) -> None:
    """Do jobs, each in a process of its own.

    Raises:
        Interrupted: the user asked to stop.
        RunError: a process died.
    """
    pools = [one_worker() for _ in jobs]
    futures: list[Future[None]] = []
    try:
        with spawning():
            futures = [pool.submit(work, job) for pool, job in zip(pools, jobs, strict=True)]
        passed_on = False
        while wait(futures, timeout=0.5).not_done:
            watch()
            if asked and not passed_on:
                passed_on = True
                terminate(pools)
        watch()
        for future in futures:
            future.result()
    except BrokenProcessPool:
        raise RunError(DIED.replace(" and fewer --jobs", "")) from None
    finally:
        terminate(pools)
        for pool in pools:
            pool.shutdown(wait=True, cancel_futures=True)


def terminate(pools: Sequence[Any]) -> None:
    """Ask the processes of pools to save their state and end."""
    for pool in pools:
        for process in list((pool._processes or {}).values()):
            process.terminate()


def in_words(measured: dict[str, Any]) -> str:
    """Say what was measured.

    >>> in_words({"seen_forward": 1, "seen_reverse": 0.9, "held_out_forward": 1, "held_out_reverse": 0.5})
    'questions seen 1.00 forward, 0.90 reverse; held out 1.00 forward, 0.50 reverse'
    """
    seen, held_out = (
        f"{measured[f'{kind}_forward']:.2f} forward, {measured[f'{kind}_reverse']:.2f} reverse"
        for kind in ("seen", "held_out")
    )
    return f"questions seen {seen}; held out {held_out}"
