"""The whole program: facts in, a measured model out.

exam -> text -> batches -> model + objective -> training -> evaluation -> probes -> a run folder
"""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from bothways.batches.batches import make_batches
from bothways.batches.tokenizers import fit_tokenizer
from bothways.config import RunConfig, to_plain
from bothways.disk import clear_asides, own
from bothways.errors import GuardError
from bothways.evaluation.curves import measure_directions
from bothways.evaluation.fluency import held_out_nll
from bothways.evaluation.scoring import ask as as_tokens
from bothways.evaluation.scoring import evaluate, room_needed
from bothways.runs import Planned, Ready, Run, begin_run, finish_run, load_exam, write_failure
from bothways.tensors import LanguageModel, Objective
from bothways.text.corpus import write_corpus
from bothways.training.loop import LossError, Member, train
from bothways.training.parallel import here
from bothways.types import Exam, QueryScore


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
        begun = begin(config, exam, folder)
        history = learn([begun], folder, stop)[0]
        if isinstance(history, LossError):
            raise history
        return conclude(begun, folder, about, history)


def run_pack(
    planned: Sequence[Planned], folder: Path, stop: Callable[[], bool] = lambda: False
) -> list[Run | GuardError]:
    """Train runs of one shape together and examine each; resume where they were stopped.

    Where vocabularies or rows turn out to differ in size, those of one size train together.

    Args:
        planned: the members, in the order of the manifest.
        folder: the pack's own folder, for its checkpoints.
        stop: asked after every step; True saves the state and raises `Interrupted`.

    Returns:
        For each member its run, or the guard that ended it.

    Raises:
        RunError: another living process owns the folder, or a member's.
    """
    with own(folder, patience=15.0), ExitStack() as stack:
        finished = [
            stack.enter_context(begin_run(plan.folder, plan.config, load_exam(plan.exam), plan.about))
            for plan in planned
        ]
        ends: dict[int, Run | GuardError] = {n: run for n, run in enumerate(finished) if run is not None}
        if len(ends) < len(planned):
            begun = [begin(plan.config, load_exam(plan.exam), plan.folder) for plan in planned]
            for n, members in enumerate(same_size(begun)):
                clear_asides(folder / str(n))
                histories = learn([begun[m] for m in members], folder / str(n), stop)
                for m, history in zip(members, histories, strict=True):
                    ends[m] = ends.get(m) or conclude_member(begun[m], planned[m], history)
        if all(isinstance(end, Run) for end in ends.values()):
            shutil.rmtree(folder, ignore_errors=True)
    return [ends[n] for n in range(len(planned))]


@dataclass(frozen=True)
class Begun:
    """A run that is ready to train, and how it will be examined."""

    ready: Ready
    member: Member
    exam: Exam
    config: RunConfig
    ask: Callable[..., list[QueryScore]]


def begin(config: RunConfig, exam: Exam, folder: Path) -> Begun:
    """Prepare a run and how it is measured on the way."""
    ready = prepare_run(config, exam)
    asked = as_tokens(exam, ready.tokenizer, range(len(exam.queries)))
    ask = partial(evaluate, exam=exam, tokenizer=ready.tokenizer, length=ready.batches.length, asked=asked)
    directions = partial(measure_directions, ask=ask, exam=exam)

    def measure(model: LanguageModel, objective: Objective) -> dict[str, Any]:
        looks = [probe(model, objective, ready.tokenizer, exam) for probe in config.watch]
        watched = {"watched": {found.probe: found.numbers for found in looks}} if looks else {}
        return {"dev": directions(model, objective), **watched}

    taught = config.objective.worded(ready.tokenizer.turns)
    member = Member(ready.model, taught, ready.batches, config.training, folder, measure, config.seeds.masks)
    return Begun(ready, member, exam, config, ask)


def learn(begun: Sequence[Begun], folder: Path, stop: Callable[[], bool]) -> "list[list[dict[str, Any]] | LossError]":
    """Train runs together, as `train` does, with the processes that train along (`sweeps/follow.py`)."""
    ranks = here()
    if ranks.size > 1:
        runs = [{"config": to_plain(one.config), "exam": one.exam.to_json()} for one in begun]
        ranks.tell(json.dumps({"runs": runs, "folder": str(folder.absolute())}))
    return train([one.member for one in begun], folder, stop)


def conclude(begun: Begun, folder: Path, about: Mapping[str, Any], history: Sequence[Mapping[str, Any]]) -> Run:
    """Examine a trained model and write what it gave."""
    config, ready = begun.config, begun.ready
    ready.model.to("cpu")
    scores = begun.ask(ready.model, config.objective)
    fluency = held_out_nll(ready.model, config.objective, ready.corpus.held_out, ready.tokenizer, ready.batches.length)
    findings = [probe(ready.model, config.objective, ready.tokenizer, begun.exam) for probe in config.probes]
    return finish_run(folder, about, begun.exam, ready, history, scores, fluency, findings)


def conclude_member(begun: Begun, plan: Planned, history: Sequence[Mapping[str, Any]] | LossError) -> Run | GuardError:
    """Conclude one member of a pack; a guard that ended it is written down."""
    if isinstance(history, LossError):
        write_failure(plan.folder, history, plan.about)
        return history
    return conclude(begun, plan.folder, plan.about, history)


def same_size(begun: Sequence[Begun]) -> list[list[int]]:
    """Return which members have vocabularies and rows of one size, in their order."""
    groups: dict[tuple[int, int], list[int]] = {}
    for n, one in enumerate(begun):
        groups.setdefault((one.ready.tokenizer.n_tokens, one.ready.batches.length), []).append(n)
    return list(groups.values())


def prepare_run(config: RunConfig, exam: Exam) -> Ready:
    """Return everything a run needs before its first step: text, ids, rows, a fresh model."""
    corpus = write_corpus(exam, config.text, config.seeds.text)
    tokenizer = fit_tokenizer(corpus, exam, config.tokenizer)
    room, switch = room_needed(exam, tokenizer), config.training.switch
    batches = make_batches(corpus, tokenizer, config.batches, config.seeds.order, room_for=room, switch=switch)
    longest = config.objective.worded(tokenizer.turns).row_length(batches.length)
    shape = replace(config.model, max_length=max(longest, config.model.max_length))
    return Ready(corpus, tokenizer, batches, shape, shape.build(tokenizer.n_tokens, config.seeds.init))
