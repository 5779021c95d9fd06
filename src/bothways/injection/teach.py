"""One fine-tune from beginning to end: measured, taught under a guard, measured again, saved."""

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bothways.asking import Wording, form_of, measured
from bothways.batches.tokenizers import Tokenizer
from bothways.config import RunConfig, to_plain
from bothways.disk import read_json, write_text
from bothways.errors import BothwaysError, RunError
from bothways.evaluation.guard import Guard, GuardReading, breaches, measure_guard, moves, remember
from bothways.facts.exam import ExamConfig
from bothways.harness.tasks import write_tasks
from bothways.injection.adapters import Lora, with_lora
from bothways.injection.finetune import TrainerOptions, Tuned, dealt_out, finetune
from bothways.injection.memory import free_memory, memory_of, refuse_too_large
from bothways.injection.sharded import whole
from bothways.models.decoder import READS, SHIFT
from bothways.objectives.causal_answers import CausalAnswers
from bothways.options import component
from bothways.pipeline import begin
from bothways.subjects import Subject, asked_as, reads_at_most
from bothways.tensors import LanguageModel, Objective
from bothways.training.loop import Member, prepare
from bothways.types import Exam, finite

WORK = "training"
"""Where a fine-tune keeps what it needs to go on, within the folder it writes."""
COPIED = (
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja",
    "generation_config.json",
    "added_tokens.json", "vocab.json", "merges.txt",
)  # fmt: skip
"""Files that go with a model wherever it goes."""
GENERAL_ROOM = 128
"""Tokens in a row of general text, where the model reads as many."""


@dataclass(frozen=True)
class Lesson:
    """What is to be taught to which model, and within what limits."""

    base: Path
    config: RunConfig
    wording: Wording
    """What is asked, and how: by completion, or in questions."""
    general: Sequence[str]
    """Texts whose perplexity must not rise; nothing of them is taught."""
    limits: Guard
    lora: Lora | None
    options: TrainerOptions

    @property
    def exam(self) -> Exam:
        """What is asked."""
        return self.wording.exam


@dataclass(frozen=True)
class Taught:
    """What came of it."""

    before: Mapping[str, Any]
    after: Mapping[str, Any]
    guard: Mapping[str, Any]
    tuned: Tuned
    memory: Mapping[str, Any]


def teach(lesson: Lesson, folder: Path, say: Callable[[str], None]) -> Taught:
    """Fine-tune a model into a folder: measure, teach under the guard, measure again, save.

    Raises:
        BothwaysError: it will not fit into memory, there is no mask token where one is needed, or adapters fit nowhere.
        RunError: the folder was begun with other settings.
        GuardError: the loss is not a number.
    """
    work = folder / WORK
    note_plan(lesson, work)
    begun = begin(lesson.config, lesson.exam, work)
    model, tokenizer = begun.ready.model, begun.ready.tokenizer
    member = replace(begun.member, folder=work)
    longest = check_rows(member)
    learner = model.model if lesson.lora is None else with_lora(model.model, lesson.lora)
    memory = state_memory(lesson, learner, longest, say)
    model.to(lesson.config.training.device)
    own = component("objectives", asked_as(model))
    ask = asker(lesson, model, tokenizer, say)
    say(f"{lesson.base}: asking it before")
    before = ask(own)
    room = min(GENERAL_ROOM, reads_at_most(model) or GENERAL_ROOM)
    reference = remember(model, own, tokenizer, lesson.general, length=room)
    first = measure_guard(model, own, tokenizer, lesson.general, reference)
    last = first

    def measure(asked: LanguageModel, objective: Objective) -> dict[str, Any]:
        nonlocal last
        last = measure_guard(asked, own, tokenizer, lesson.general, reference)
        found = begun.member.measure(asked, objective)
        say(progress(found))
        return {**found, "guard": last.to_json()}

    def watch(step: int, found: Mapping[str, Any]) -> Sequence[str]:
        return breaches(first, last, lesson.limits)

    tuned = finetune(replace(member, measure=measure), learner, lesson.options, watch)
    say(f"{folder}: asking it after")
    with whole(model):
        if tuned.good != lesson.config.training.steps:
            last = measure_guard(model, own, tokenizer, lesson.general, reference)
        after = ask(lesson.config.objective)
    if is_first():
        save(lesson, model, folder)
        write_tasks(lesson.exam, folder, tokenizer)
    return Taught(before, after, guard_data(first, last, lesson.limits, tuned), tuned, memory)


def note_plan(lesson: Lesson, work: Path) -> None:
    """Write down what is to be done, or see to it that what was begun is the same.

    Raises:
        RunError: it is not.
    """
    plan = {"config": to_plain(lesson.config), "exam": lesson.exam.hash, "lora": lesson.lora and asdict(lesson.lora)}
    path = work / "plan.json"
    if lesson.options.resume and path.exists() and read_json(path) != json.loads(json.dumps(plan)):
        raise RunError(f"{work.parent} was begun with other settings. Give the same ones, or another folder with -o.")
    if is_first():
        work.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps(plan, indent=1))


def check_rows(member: Member) -> int:
    """Return how long the first rows are, after a look whether they can be read at all.

    Raises:
        BothwaysError: the objective hides tokens and the tokenizer has no token for that, or rows are too long.
    """
    rows_BL = prepare(member, 0).input_BL
    room, length = reads_at_most(member.model), rows_BL.shape[1]
    if room is not None and length > room:
        raise BothwaysError(
            f"With this method a text needs rows of {length} tokens, and the model reads {room}. "
            "Cut the documents into shorter ones."
        )
    return length


def state_memory(lesson: Lesson, learner: Any, length: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Say how much memory is needed, and refuse where it is not there."""
    weights = list(learner.parameters())
    training = lesson.config.training
    rows, _ = dealt_out(lesson.config.batches.batch_size, lesson.options)
    needed = memory_of(
        read_json(lesson.base / "config.json"),
        sum(weight.numel() for weight in weights),
        sum(weight.numel() for weight in weights if weight.requires_grad),
        rows,
        length,
        half=training.precision == "bf16",
        again=lesson.options.gradient_checkpointing,
    )
    say(needed.text())
    refuse_too_large(needed, free_memory(training.device))
    return {**asdict(needed), "total": needed.total}


def asker(
    lesson: Lesson, model: Any, tokenizer: Tokenizer, say: Callable[[str], None]
) -> Callable[[Objective], dict[str, Any]]:
    """Return what asks the test questions, as an audit does.

    Raises:
        BothwaysError: a question is longer than the model reads.
    """
    room, own = reads_at_most(model), component("objectives", asked_as(model))
    subject = Subject(lesson.base, "", model, tokenizer, own, room, ExamConfig())
    form = form_of(lesson.wording, subject, tokenizer)
    return lambda objective: measured(replace(subject, objective=objective), form, say)


def progress(found: Mapping[str, Any]) -> str:
    """Say what was measured on the way.

    >>> progress({"dev": {"forward": 1.0, "reverse_tested": 0.25}})
    'forward 1.00, reverse tested 0.25'
    """
    return ", ".join(f"{kind.replace('_', ' ')} {value:.2f}" for kind, value in found["dev"].items())


def guard_data(first: GuardReading, last: GuardReading, limits: Guard, tuned: Tuned) -> dict[str, Any]:
    """Return what the guard measured and said; a limit that was lifted is None."""
    return {
        "passed": not tuned.breaches,
        "breaches": list(tuned.breaches),
        "kept_step": tuned.good,
        "limits": finite(asdict(limits)),
        "before": first.to_json(),
        "after": last.to_json(),
        "moved": finite(moves(first, last)),
    }


def save(lesson: Lesson, model: Any, folder: Path) -> None:
    """Move the model that was kept into its folder, with its tokenizer; drop what was needed to go on.

    LLaDA and Dream leave in the library's own classes, and config.json says how they are to be read.
    """
    work = folder / WORK
    for path in sorted((work / "good").iterdir()):
        os.replace(path, folder / path.name)
    (folder / "training_args.bin").unlink(missing_ok=True)  # a pickle that nobody needs
    for name in COPIED:
        if (lesson.base / name).is_file():
            shutil.copyfile(lesson.base / name, folder / name)
    config = folder / "config.json"
    if config.exists() and not isinstance(lesson.config.objective, CausalAnswers):
        more = {READS: "masked", "mask_token_id": model.special.mask, **({SHIFT: model.shift} if model.shift else {})}
        write_text(config, json.dumps({**read_json(config), **more}, indent=2))
    os.replace(work / "metrics.jsonl", folder / "metrics.jsonl")
    shutil.rmtree(work)


def is_first() -> bool:
    """Whether this is the first, or the only, process of a run."""
    return int(os.environ.get("RANK", "0")) == 0
