"""The whole program: facts in, a measured model out.

exam -> text -> batches -> model + objective -> training -> evaluation -> probes -> a run folder
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from bothways.batches.batches import make_batches
from bothways.batches.tokenizers import fit_tokenizer
from bothways.config import RunConfig
from bothways.errors import GuardError
from bothways.evaluation.curves import measure_directions
from bothways.evaluation.fluency import held_out_nll
from bothways.evaluation.scoring import evaluate, room_needed
from bothways.runs import Planned, Ready, Run, begin_run, finish_run, load_exam
from bothways.text.corpus import write_corpus
from bothways.training.loop import train
from bothways.types import Exam


def run(
    config: RunConfig, exam: Exam, folder: Path, about: Mapping[str, Any], stop: Callable[[], bool] = lambda: False
) -> Run:
    """Train one model and examine it; resume if the folder holds a half-made run, return it if it is done.

    Args:
        config: everything that decides the run.
        exam: what every arm is asked.
        folder: the run's own folder.
        about: what the folder should say of the run: its id, arm, seed and the command to repeat it.
        stop: asked after every step; True saves the state and raises `Interrupted`.

    Raises:
        GuardError: the loss is not a number; the folder then holds `error.json` and the state before.
        RunError: another living process owns the folder.
    """
    with begin_run(folder, config, exam, about) as finished:
        if finished is not None:
            return finished
        ready = prepare_run(config, exam)
        ask = partial(evaluate, exam=exam, tokenizer=ready.tokenizer, length=ready.batches.length)
        measure = partial(measure_directions, ask=ask, exam=exam)
        history = train(
            ready.model, config.objective, ready.batches, config.training, folder, measure, config.seeds.masks, stop
        )
        scores = ask(ready.model, config.objective)
        fluency = held_out_nll(
            ready.model, config.objective, ready.corpus.held_out, ready.tokenizer, ready.batches.length
        )
        findings = [probe(ready.model, config.objective, ready.tokenizer, exam) for probe in config.probes]
        return finish_run(folder, about, exam, ready, history, scores, fluency, findings)


def run_pack(
    planned: Sequence[Planned], folder: Path, stop: Callable[[], bool] = lambda: False
) -> list[Run | GuardError]:
    """Train runs of one shape together and examine each; resume where they were stopped.

    Args:
        planned: the members, in the order of the manifest.
        folder: the pack's own folder, for its checkpoints.
        stop: asked after every step; True saves the state and raises `Interrupted`.

    Returns:
        For each member its run, or the guard that ended it.

    Raises:
        RunError: another living process owns the folder.
    """
    ends: list[Run | GuardError] = []
    for plan in planned:
        try:
            ends.append(run(plan.config, load_exam(plan.exam), plan.folder, plan.about, stop))
        except GuardError as error:
            ends.append(error)
    return ends


def prepare_run(config: RunConfig, exam: Exam) -> Ready:
    """Return everything a run needs before its first step: text, ids, rows, a fresh model."""
    corpus = write_corpus(exam, config.text, config.seeds.text)
    tokenizer = fit_tokenizer(corpus, exam, config.tokenizer)
    batches = make_batches(corpus, tokenizer, config.batches, config.seeds.order, room_for=room_needed(exam, tokenizer))
    shape = replace(config.model, max_length=max(batches.length, config.model.max_length))
    return Ready(corpus, tokenizer, batches, shape.build(tokenizer.n_tokens, config.seeds.init))
