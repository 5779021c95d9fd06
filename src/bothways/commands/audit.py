"""audit: how well does a model know facts, both ways? What is chance, what leaks, what does it know already?"""

import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bothways.batches.chat import ChatTokenizer
from bothways.batches.huggingface import HuggingFaceTokenizer
from bothways.batches.tokenizers import Tokenizer
from bothways.commands.output import is_begun
from bothways.commands.recipe import choose_device
from bothways.disk import disk_errors, own
from bothways.errors import BothwaysError
from bothways.evaluation.both_ways import check_spelled, measure_both_ways, row_length
from bothways.evaluation.scoring import WORDY, room_needed
from bothways.facts.both_ways import both_ways_exam, limited
from bothways.facts.exam import make_exam
from bothways.facts.find import find_facts
from bothways.facts.prompts import Joined, as_questions, as_sentences, with_context, with_shots
from bothways.facts.questions import in_questions
from bothways.options import at_least
from bothways.registry import unknown
from bothways.reports.audit_page import write_audit
from bothways.runs import describe_machine
from bothways.subjects import Subject, find_model, name_of, open_subject
from bothways.types import SCHEMA, Exam, FactSet

if TYPE_CHECKING:
    import pandas

LIMIT = 200
"""Facts that are asked by default."""
CONTROLS = 50
"""Facts that are asked again with their statement in the prompt."""
DEV = 0.2
"""Share of the facts that examples are drawn from, where there are examples."""
FORMS = ("completion", "question", "both")
SHOTS = (0, 2)
SEED = 0
"""Draws which other fact stands in the prompt of a control."""
CHATTY = 4
"""How many times as long as the longest answer a chat may answer."""


@dataclass(frozen=True)
class Form:
    """One way to ask an exam: its questions, and the tokenizer that asks them so."""

    name: str
    exam: Exam
    control: Exam | None
    """The same with the facts in the prompt, where that can be read."""
    tokenizer: Tokenizer
    wordy: int


@dataclass(frozen=True)
class Audit:
    """A model measured: what `--json` prints, and the folder of its page if one was asked for."""

    data: dict[str, Any]
    folder: Path | None

    @property
    def page(self) -> Path | None:
        """The page."""
        return self.folder / "report.html" if self.folder is not None else None

    def to_pandas(self) -> "pandas.DataFrame":
        """One row per form and direction."""
        import pandas

        return pandas.DataFrame(
            [
                {"form": form, "direction": way, **found[way]}
                for form, found in self.data["forms"].items()
                for way in ("forward", "reverse")
            ]
        )


def audit(
    model: str | Path,
    facts: str | Path | FactSet,
    *,
    form: str = "both",
    shots: int = 0,
    limit: int = LIMIT,
    out: str | Path | None = None,
    split: int = 0,
    device: str = "auto",
    watch: Callable[[str], None] = lambda _: None,
) -> Audit:
    """Ask a model facts forward and in reverse, in the forms it may be asked in, and say what its numbers are worth.

    Args:
        model: a run's folder, a folder with config.json, tokenizer.json and safetensors, or a name on the hub.
        facts: a file, a folder, a world's name, or facts already read.
        form: completion ("Ann's mother is"), question ("Who is Ann's mother?", as a chat where the model has a chat
            template), or both.
        shots: examples before each question, 0 or 2.
        limit: facts asked at most, spread over all; 0 for all of them.
        out: a folder for audit.json and report.html; nothing is written by default.
        split: seed of the exam, and of a world's facts.
        device: cpu, cuda, or auto for cuda where there is one.
        watch: told what is done, in a few words.

    Raises:
        FactsError: the facts cannot be read, or none of them can be asked in reverse.
        RunError: there is no such model, it is damaged, or `out` is not free.
        EntityError: the tokenizer cannot spell a name.
        BothwaysError: a bad option, a chat template that fails, or a question that is longer than the model reads.
    """
    at_least(0, "Choose another number.", split=split, limit=limit)
    if form not in FORMS:
        raise BothwaysError(unknown("form", form, FORMS))
    if shots not in SHOTS:
        raise BothwaysError(f"shots must be 0 or 2, got shots={shots}. Choose one of them.")
    folder = Path(out) if out is not None else None
    if folder is not None:
        is_begun(folder, "audit", (folder / "audit.json").exists(), False)
    given = facts if isinstance(facts, FactSet) else find_facts(facts, split)
    path = find_model(model)
    watch(f"{path}: reading it")
    subject = open_subject(path)
    subject.model.to(choose_device(device))
    exam = exam_for(subject, given, limit, shots, split)
    forms = {one.name: one for one in forms_of(subject, exam, form, shots, split)}
    found = {name: measured(subject, one, watch) for name, one in forms.items()}
    main = headline_form(forms)
    data = {
        "schema": SCHEMA,
        "model": str(model),
        "family": subject.family,
        "objective": name_of(subject.objective),
        "facts": describe(given, facts, exam),
        "form": main,
        "shots": shots,
        **found[main],
        "forms": found,
        "notes": [*exam.notes, *notes_on(subject, forms, form)],
        "command": command_line(model, facts, given, folder, form, shots, limit, split),
        "versions": describe_machine()["versions"],
    }
    if folder is not None:
        with disk_errors(folder), own(folder):
            write_audit(folder, data)
    return Audit(data, folder)


def exam_for(subject: Subject, facts: FactSet, limit: int, shots: int, split: int) -> Exam:
    """Return what a model is asked: all facts both ways, or of a run what it was asked when it was trained."""
    if subject.sat:
        return limited(make_exam(facts, subject.exam, split), limit)
    most = subject.exam.max_candidates
    return both_ways_exam(facts, split, most=limit, max_candidates=most, dev=DEV if shots else 0.0)


def forms_of(subject: Subject, exam: Exam, form: str, shots: int, seed: int) -> Iterator[Form]:
    """Yield the forms in which a model can be asked, of those that are wanted, after a look whether it can be asked so.

    Raises:
        EntityError: the tokenizer cannot spell a name.
        BothwaysError: the one that is wanted is none of them, its chat template fails, or a question is too long.
    """
    own = subject.tokenizer
    if form == "question" and not isinstance(own, HuggingFaceTokenizer):
        raise BothwaysError(
            f"{subject.folder}: a run's tokenizer knows the words of its text only. Ask it with --form completion."
        )
    if form != "completion" and isinstance(own, HuggingFaceTokenizer):
        chat = ChatTokenizer(own.library)
        wordy = CHATTY if chat.has_template else WORDY
        yield form_of("question", subject, in_questions(exam), chat, wordy, with_examples(shots, as_questions, seed))
    if form != "question":
        yield form_of("completion", subject, exam, own, WORDY, with_examples(shots, as_sentences, seed))


def with_examples(shots: int, joined: Joined, seed: int) -> Callable[[Exam], Exam]:
    """Return what puts examples before the questions of an exam."""
    return lambda exam: with_shots(exam, shots, joined, seed) if shots else exam


def form_of(
    name: str, subject: Subject, exam: Exam, tokenizer: Tokenizer, wordy: int, examples: Callable[[Exam], Exam]
) -> Form:
    """Return a form in which a model can be asked; without a control where the facts have no room in the prompt."""
    shown = examples(exam)
    check_spelled(tokenizer, shown)
    row_length(tokenizer, shown, subject.room, wordy)
    if not isinstance(tokenizer, HuggingFaceTokenizer):  # only the cue of a prompt is known to be a name
        return Form(name, shown, None, tokenizer, wordy)
    told = with_context(limited(exam, CONTROLS), SEED)
    fits = subject.room is None or room_needed(told, tokenizer) <= subject.room
    return Form(name, shown, told if fits else None, tokenizer, wordy)


def headline_form(forms: dict[str, Form]) -> str:
    """Return the form whose numbers stand first: questions for a chat model, else statements to be completed."""
    asked = forms.get("question")
    chats = asked is not None and isinstance(asked.tokenizer, ChatTokenizer) and asked.tokenizer.has_template
    return "question" if chats or "completion" not in forms else "completion"


def measured(subject: Subject, form: Form, watch: Callable[[str], None]) -> dict[str, Any]:
    """Return a model's numbers in one form, and those of its control."""

    def numbers(exam: Exam) -> dict[str, Any]:
        return measure_both_ways(
            subject.model, subject.objective, form.tokenizer, exam, room=subject.room, wordy=form.wordy
        )

    watch(f"{subject.folder}: asking by {form.name}")
    found = numbers(form.exam)
    if form.control is None:
        return {**found, "control": None}
    watch(f"{subject.folder}: asking by {form.name}, with the facts in the prompt")
    control = numbers(form.control)
    return {**found, "control": {way: control[way] for way in ("forward", "reverse")}}


def notes_on(subject: Subject, forms: dict[str, Form], form: str) -> Iterator[str]:
    """Yield what a reader must know of how a model was asked."""
    asked = forms.get("question")
    if asked is not None and isinstance(asked.tokenizer, ChatTokenizer) and not asked.tokenizer.has_template:
        yield 'The tokenizer has no chat template: questions are asked in plain words, "Question: ... Answer:".'
    if asked is None and form == "both":
        yield "A run's tokenizer knows the words of its text only: it is asked by completion, without a control."
    if subject.sat:
        yield "The run is asked what its own exam asks: forward is the order that its text states."
    if subject.exam.max_candidates:
        most = max(len(pool) for one in forms.values() for pool in one.exam.candidates.values())
        yield f"An answer is ranked among {most} candidates at most."


def describe(given: FactSet, facts: str | Path | FactSet, exam: Exam) -> dict[str, Any]:
    """Return which facts the model was asked, in numbers."""
    return {
        "name": given.name,
        "source": given.source or str(facts if not isinstance(facts, FactSet) else given.name),
        "hash": given.hash,
        "exam": exam.hash,
        "facts": len(given.facts),
        "entities": len(given.entities),
        "asked": len({query.fact for query in exam.queries if query.split == "test"}),
    }


def command_line(
    model: str | Path,
    facts: str | Path | FactSet,
    given: FactSet,
    folder: Path | None,
    form: str,
    shots: int,
    limit: int,
    split: int,
) -> str:
    """Return the command that gives the same numbers."""
    source = str(facts) if not isinstance(facts, FactSet) else given.source or given.name
    more = [
        ("--form", form if form != "both" else None),
        ("--shots", shots or None),
        ("--limit", limit if limit != LIMIT else None),
        ("--split", split or None),
        ("-o", folder),
    ]
    words = ["bothways", "audit", str(model), source]
    return shlex.join([*words, *(word for name, value in more if value is not None for word in (name, str(value)))])


__all__ = ["Audit", "audit"]
