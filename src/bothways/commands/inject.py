"""inject: teach a pre-trained model new facts so that it answers both ways, and check that it still works."""

import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bothways.arms import Arm, parse_arm
from bothways.asking import Wording, completions, questions, questions_of_user
from bothways.bases.stand_in.recipe import GENERAL, REPLAY
from bothways.batches.chat import PLAIN, ChatTokenizer
from bothways.batches.huggingface import HuggingFaceTokenizer, open_tokenizer
from bothways.commands.output import command_line, is_begun
from bothways.commands.recipe import choose_device
from bothways.config import RunConfig, override
from bothways.disk import disk_errors, own, remove_if_empty, write_text
from bothways.errors import BothwaysError, GuardError, RunError
from bothways.evaluation.both_ways import check_spelled
from bothways.evaluation.general import read_general
from bothways.facts.both_ways import both_ways_exam
from bothways.facts.find import find_facts
from bothways.facts.qa_exam import qa_exam
from bothways.facts.questions import in_questions
from bothways.facts.readers.qa import read_qa
from bothways.facts.readers.texts import read_texts
from bothways.injection.memory import count_weights
from bothways.injection.recipe import injection_recipe
from bothways.injection.settings import InjectSettings, split_settings
from bothways.injection.teach import WORK, Lesson, Taught, is_first, teach
from bothways.objectives.causal_answers import CausalAnswers
from bothways.reports.inject_page import write_injection
from bothways.runs import describe_machine
from bothways.subjects import CANDIDATES, find_model
from bothways.text.documents import Documents
from bothways.text.plain_text import PlainText
from bothways.training.loop import Device
from bothways.types import SCHEMA, Exam, FactSet

METHOD = "masked_finetuning"
DEV = 0.25
"""Share of the facts that are asked on the way, for curves; the rest is asked before and after."""


@dataclass(frozen=True)
class Injection:
    """A fine-tuned model: its folder, and what `--json` prints."""

    folder: Path
    data: dict[str, Any]

    @property
    def page(self) -> Path:
        """The page."""
        return self.folder / "report.html"


@dataclass(frozen=True)
class Teaching:
    """What is taught and asked, before a method is chosen."""

    base: Path
    facts: FactSet
    exam: Exam
    wording: Wording
    """The exam in the form the model is asked in."""
    tokenizer: HuggingFaceTokenizer
    chat: bool
    mask: str = ""
    """The token that hides others; empty for the tokenizer's own."""
    notes: tuple[str, ...] = ()
    documents: Documents | None = None
    """What is taught instead of the facts' statements."""

    @property
    def asked(self) -> Exam:
        """What the model is asked."""
        return self.wording.exam


def inject(
    model: str | Path,
    facts: str | Path | FactSet,
    *,
    out: str | Path,
    method: str = METHOD,
    qa: str | Path | None = None,
    lora: bool = False,
    settings: Sequence[str] = (),
    resume: bool = False,
    device: str = "auto",
    watch: Callable[[str], None] = lambda _: None,
) -> Injection:
    """Fine-tune a model on facts with one method, ask it both ways before and after, and guard what it knew.

    Args:
        model: a folder with config.json, tokenizer.json and safetensors, or a name on the hub.
        facts: a file, a folder, a world's name, or facts already read; each is taught in one order.
        out: the folder to write: the model with its tokenizer, a card, inject.json and a page.
        method: an arm, such as "masked_finetuning:mask=either" or "reverse_training".
        qa: questions of a user about documents, a JSON object a line; `facts` is then a file or folder of texts.
        lora: whether adapters learn instead of all weights.
        settings: changes to the recipe such as "training.steps=1000", and to what `InjectSettings` holds, such as
            "guard.kl=1", "replay.file=general.txt", "lora.rank=8", "form=completion" or "seed=3".
        resume: go on with a half-made folder.
        device: cpu, cuda, or auto for cuda where there is one.
        watch: told what is done, in a few words.

    Raises:
        FactsError: the facts cannot be read, or none of them can be asked in reverse.
        RunError: there is no such model, it is damaged, or `out` is not free.
        BothwaysError: a bad option or setting, or something does not fit; nothing has been written.
        GuardError: a limit was passed; the last good weights are saved, and the page says what broke.
    """
    began, folder = time.monotonic(), Path(out)
    how, own_settings = split_settings(settings)
    if is_first():
        is_free(folder, resume)
    arm = parse_arm(method)
    teaching = prepare_teaching(model, facts, how, qa)
    adapters = how.lora if lora else None
    base = base_of(teaching, how, own_settings, choose_device(device), lora=lora)
    lesson = Lesson(
        base=teaching.base,
        config=arm.config(base, how.seed),
        wording=teaching.wording,
        general=read_general(general_of(teaching.base, how.general)),
        limits=how.guard,
        lora=adapters,
        options=replace(how.trainer, resume=resume),
    )
    repeated = [
        ("-o", folder), ("--method", arm.name), ("--qa", qa), ("--lora", lora or None),
        *(("--set", setting) for setting in settings),
    ]  # fmt: skip
    with ExitStack() as stack:
        if is_first():
            stack.enter_context(disk_errors(folder))
            stack.enter_context(own(folder))
            stack.enter_context(nothing_left(folder))
        taught = teach(lesson, folder, watch)
        data = {
            **describe(str(model), facts, teaching, arm, lesson, taught, folder, how.seed),
            "command": command_line(["bothways", "inject", str(model), source_of(facts, teaching)], repeated),
            "seconds": round(time.monotonic() - began, 1),
        }
        if is_first():
            write_text(folder / "inject.json", json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False))
            write_injection(folder, data)
    if taught.tuned.breaches:
        raise GuardError(
            f"The guard ended the fine-tune: {' '.join(taught.tuned.breaches)} {folder} holds the weights of step "
            f"{taught.tuned.good}, before that. Train for fewer steps, at a lower rate, or with replay."
        )
    return Injection(folder, data)


def is_free(folder: Path, resume: bool) -> None:
    """See to it that a folder is free for a fine-tune, or holds one that shall go on.

    Raises:
        RunError: it is not.
    """
    if (folder / "inject.json").exists():
        raise RunError(f"{folder} holds a finished fine-tune. Name another folder with -o.")
    is_begun(folder, "fine-tune", (folder / WORK).exists(), resume)


@contextmanager
def nothing_left(folder: Path) -> Iterator[None]:
    """Leave nothing in a folder where it turns out, before the first step, that a fine-tune cannot be."""
    begun = (folder / WORK).exists()
    try:
        yield
    except BothwaysError:
        if not begun and not (folder / WORK / "metrics.jsonl").exists():
            shutil.rmtree(folder / WORK, ignore_errors=True)
            (folder / ".lock").unlink(missing_ok=True)
            remove_if_empty(folder)
        raise


def prepare_teaching(
    model: str | Path, facts: str | Path | FactSet, how: InjectSettings, qa: str | Path | None = None
) -> Teaching:
    """Read the facts, find the model, and settle what is asked; nothing is written.

    Raises:
        BothwaysError: as `inject`.
    """
    form, mask_token, split = how.form, how.mask_token, how.split
    documents, texts = None, ()
    if qa is not None:
        if isinstance(facts, FactSet):
            raise BothwaysError("Questions of a user are about documents, not facts. Give a file or folder of texts.")
        documents = Documents(path=str(facts))
        exam, texts = qa_exam(read_qa(Path(qa)), read_texts(Path(facts)), str(qa), seed=split, dev=DEV)
        given = exam.facts
    else:
        given = facts if isinstance(facts, FactSet) else find_facts(facts, split)
        exam = both_ways_exam(given, split, max_candidates=CANDIDATES, dev=DEV)
    base = find_model(model)
    if not (base / "config.json").is_file():
        raise RunError(f"{base}: a run of ours is trained anew, not fine-tuned. Give a folder with config.json.")
    tokenizer = open_tokenizer(base, mask_token)
    spare = tokenizer.spare_mask()
    chat = ChatTokenizer(tokenizer.library, mask_token or spare)
    asks = qa is not None or form == "question" or (not form and chat.has_template)
    tokenizer = chat if asks else tokenizer
    if qa is not None:
        wording = questions_of_user(exam, texts, how.shots, split)
    else:
        wording = questions(exam, how.shots, split) if asks else completions(exam, how.shots, split, library=True)
    check_spelled(tokenizer, wording.exam)
    notes = (f"The tokenizer has no mask token: {spare} hides others where the method does so.",) if spare else ()
    return Teaching(base, given, exam, wording, tokenizer, asks, mask_token or spare, notes, documents)


def base_of(
    teaching: Teaching, how: InjectSettings, settings: Sequence[str], device: Device, *, lora: bool = False
) -> RunConfig:
    """Return the settings that all methods share: the recipe, what the user changed of it, and replay.

    Raises:
        BothwaysError: a setting is unknown or does not fit, there is no text to replay, or no room for it.
    """
    recipe = injection_recipe(
        teaching.base,
        teaching.exam,
        n_weights=count_weights(teaching.base),
        chat=teaching.chat,
        device=device,
        lora=lora,
        mask=teaching.mask,
    )
    if teaching.documents is not None:
        recipe = replace(recipe, text=replace(recipe.text, source=teaching.documents))
    config = override(recipe, list(settings))
    own = teaching.base / REPLAY
    file = Path(how.replay.file) if how.replay.file else own if own.is_file() else None
    if file is None or how.replay.share == 0:
        return config
    text = replace(config.text, replay=PlainText.of(file))
    return replace(config, text=text, batches=replace(config.batches, replay=how.replay.share))


def general_of(base: Path, given: str) -> Path | None:
    """Return the file of general text for the guard; None for the project's own."""
    own = base / GENERAL
    return Path(given) if given else own if own.is_file() else None


def source_of(facts: str | Path | FactSet, teaching: Teaching) -> str:
    """Return where facts come from, as a command line names it."""
    return str(facts) if not isinstance(facts, FactSet) else teaching.facts.source or teaching.facts.name


def describe(
    model: str,
    facts: str | Path | FactSet,
    teaching: Teaching,
    arm: Arm,
    lesson: Lesson,
    taught: Taught,
    folder: Path,
    seed: int,
) -> dict[str, Any]:
    """Return a fine-tune as plain data."""
    training = lesson.config.training
    return {
        "schema": SCHEMA,
        "model": model,
        "out": str(folder),
        "method": arm.name,
        "facts": {
            "name": teaching.facts.name,
            "source": source_of(facts, teaching),
            "hash": teaching.facts.hash,
            "facts": len(teaching.facts.facts),
            "entities": len(teaching.facts.entities),
            "exam": lesson.exam.hash,
        },
        "reads": "causal" if isinstance(lesson.config.objective, CausalAnswers) else "masked",
        "example": example_of(teaching),
        "form": "question" if teaching.chat else "completion",
        "before": taught.before,
        "after": taught.after,
        "guard": taught.guard,
        "history": list(taught.tuned.history),
        "training": {
            "steps": training.steps,
            "learning_rate": training.learning_rate,
            "rows": lesson.config.batches.batch_size,
            "seed": seed,
            "lora": None if lesson.lora is None else vars(lesson.lora),
        },
        "memory": taught.memory,
        "notes": [*lesson.exam.notes, *teaching.notes, *known_already(taught)],
        "versions": describe_machine()["versions"],
    }


def example_of(teaching: Teaching) -> dict[str, Any]:
    """Return a question in reverse as a user would ask it: its text, and whether that is a turn of a chat."""
    exam = in_questions(teaching.exam) if teaching.chat and teaching.documents is None else teaching.exam
    prompt = next(query.prompt for query in exam.queries if query.kind != "forward" and query.split == "test")
    turn = isinstance(teaching.tokenizer, ChatTokenizer) and teaching.tokenizer.has_template
    plain = PLAIN[0].format(user=prompt) if teaching.chat and not turn else prompt
    return {"text": plain, "turn": turn}


def known_already(taught: Taught) -> list[str]:
    """Say so where the model knew the facts before."""
    known = taught.before["known"]
    if not known["both"]:
        return []
    return [f"The model knew {known['both']} of {known['of']} facts both ways before it was taught any."]


__all__ = ["Injection", "inject"]
