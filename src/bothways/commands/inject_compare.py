"""inject --compare: several methods teach the same model the same facts at the same cost, over seeds."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from bothways.arms import parse_arms
from bothways.commands.compare import Comparison, Plan, Progress, refuse_decided, run_plan, silent
from bothways.commands.inject import Teaching, prepare_teaching, with_replay
from bothways.commands.recipe import choose_device
from bothways.config import RunConfig, override
from bothways.injection.memory import count_weights
from bothways.injection.recipe import equal_cost, injection_recipe
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
    split: int = 0,
    form: str = "",
    mask_token: str = "",
    replay: str | Path | None = None,
    replay_share: float = 0.25,
    equal_steps: bool = False,
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
        settings: changes to the recipe, for every method; `training.steps` counts for one that reads each text once.
        split: seed of the exam, and of a world's facts.
        form: completion or question; as the model suggests, by default.
        mask_token: as `inject`.
        replay: general text that is read along.
        replay_share: how much of each step's texts that is.
        equal_steps: give every method as many steps instead of as many tokens.
        resume: go on with a half-made folder.
        jobs: runs at a time; the number of cores by default.
        device: cpu, cuda, or auto.
        progress: as `compare`.

    Raises:
        BothwaysError: a bad input or setting; nothing has been written.
        RunError, GuardError, OSError, Stopped: as `compare`.
    """
    at_least(1, "Five give usable intervals.", seeds=seeds)
    at_least(0, "Choose another seed.", split=split)
    arms = parse_arms(list(methods))
    refuse_decided(settings)
    teaching = prepare_teaching(model, facts, split, form, mask_token)
    base = base_of(teaching, settings, device)
    if replay is not None:
        base = with_replay(base, Path(replay), replay_share)
    config = (lambda arm: base) if equal_steps else equal_cost(arms, base, teaching.asked)
    folder = Path(out)
    words = ["bothways", "inject", str(model), teaching.facts.source or str(facts), "--compare", ",".join(methods)]
    words += ["--seeds", str(seeds), "-o", str(folder), *(word for one in settings for word in ("--set", one))]
    words += ["--split", str(split)] if split else []
    words += ["--mask-token", mask_token] if mask_token else []
    words += ["--replay", str(replay), "--replay-share", str(replay_share)] if replay is not None else []
    words += ["--equal-steps"] if equal_steps else []
    command = shlex.join(words)
    sitting = Sitting.of(teaching.asked, folder / "exam.json")
    runs = [plan_run(arm, seed, config(arm), sitting, folder, command) for arm in arms for seed in range(seeds)]
    plan = Plan(folder, teaching.facts, teaching.asked, arms, runs, base, command)
    return run_plan(plan, resume=resume, jobs=jobs, progress=progress)


def base_of(teaching: Teaching, settings: Sequence[str], device: str) -> RunConfig:
    """Return the settings that all methods share.

    Raises:
        BothwaysError: a setting is unknown or does not fit.
    """
    recipe = injection_recipe(
        teaching.base,
        teaching.exam,
        n_weights=count_weights(teaching.base),
        chat=teaching.chat,
        device=choose_device(device),
        mask=teaching.mask,
    )
    return override(recipe, list(settings))


__all__ = ["inject_compare"]
