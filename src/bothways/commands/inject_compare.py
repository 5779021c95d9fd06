"""inject --compare: several methods teach the same model the same facts at the same cost, over seeds."""

from collections.abc import Sequence
from pathlib import Path

from bothways.arms import parse_arms
from bothways.commands.compare import Comparison, Plan, Progress, refuse_decided, run_plan, silent
from bothways.commands.inject import base_of, prepare_teaching, source_of
from bothways.commands.output import command_line
from bothways.commands.recipe import choose_device
from bothways.injection.recipe import equal_cost
from bothways.injection.settings import split_settings
from bothways.options import at_least
from bothways.sweeps.plan import Sitting, plan_run
from bothways.types import FactSet


def inject_compare(
    model: str | Path,
    facts: str | Path | FactSet,
    methods: Sequence[str],
    *,
    out: str | Path,
    seeds: int = 5,
    settings: Sequence[str] = (),
    resume: bool = False,
    jobs: int | None = None,
    device: str = "auto",
    progress: Progress = silent,
) -> Comparison:
    """Teach a model the same facts by several methods, and write a leaderboard with intervals.

    All methods read as many tokens, so that one whose rows are longer takes fewer steps. Weights are learned whole, by
    the loop for small models (`training/loop.py`), whose losses are those of `inject`.

    Args:
        model: a folder with config.json, tokenizer.json and safetensors, or a name on the hub.
        facts: as `inject`.
        methods: arms, such as "causal" or "masked_finetuning:mask=either".
        out: the comparison's folder.
        seeds: runs a method, seeds 0 to seeds - 1.
        settings: as `inject`, for every method; `training.steps` counts for one that reads each text once, and
            `equal=steps` gives every method as many steps instead of as many tokens.
        resume: go on with a half-made folder.
        jobs: runs at a time; the number of cores by default.
        device: cpu, cuda, or auto.
        progress: as `compare`.

    Raises:
        BothwaysError: a bad input or setting; nothing has been written.
        RunError, GuardError, OSError, Stopped: as `compare`.
    """
    at_least(1, "Five give usable intervals.", seeds=seeds)
    arms = parse_arms(list(methods))
    how, own_settings = split_settings(settings)
    refuse_decided(own_settings)
    teaching = prepare_teaching(model, facts, how)
    base = base_of(teaching, how, own_settings, choose_device(device))
    config = (lambda arm: base) if how.equal == "steps" else equal_cost(arms, base, teaching.asked)
    folder = Path(out)
    command = command_line(
        ["bothways", "inject", str(model), source_of(facts, teaching)],
        [("--compare", ",".join(methods)), ("--seeds", seeds), ("-o", folder), *(("--set", one) for one in settings)],
    )
    sitting = Sitting.of(teaching.asked, folder / "exam.json")
    runs = [plan_run(arm, seed, config(arm), sitting, folder, command) for arm in arms for seed in range(seeds)]
    plan = Plan(folder, teaching.facts, teaching.asked, arms, runs, base, command)
    return run_plan(plan, resume=resume, jobs=jobs, progress=progress)


__all__ = ["inject_compare"]
