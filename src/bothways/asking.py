"""The forms in which a model can be asked: statements to be completed, questions in words, questions of a user.

Each is an exam with the tokenizer that asks it so, and a control with the facts in the prompt. The same forms are asked
before and after a fine-tune.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bothways.batches.chat import ChatTokenizer
from bothways.batches.huggingface import HuggingFaceTokenizer
from bothways.batches.tokenizers import Tokenizer
from bothways.errors import BothwaysError
from bothways.evaluation.both_ways import check_spelled, measure_both_ways, row_length
from bothways.evaluation.scoring import WORDY, room_needed
from bothways.facts.both_ways import limited
from bothways.facts.prompts import Joined, as_questions, as_sentences, with_context, with_shots
from bothways.facts.qa_exam import with_texts
from bothways.facts.questions import in_questions
from bothways.subjects import Subject
from bothways.types import Exam

CONTROLS = 50
"""Facts that are asked again with their statement in the prompt."""
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
    """The same with the facts, or the document, in the prompt, where that can be read."""
    tokenizer: Tokenizer
    wordy: int
    texts: Sequence[str] | None = None
    """What a fine-tune would read of each fact, if that is not its statements."""


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


def qa_form(subject: Subject, exam: Exam, sources: Sequence[str], shots: int, seed: int) -> Form:
    """Return the form in which questions of a user are asked: as they stand, in a chat where there is one.

    Raises:
        EntityError: the tokenizer cannot spell an answer.
        BothwaysError: the model is a run of ours, its chat template fails, or a question is too long.
    """
    if not isinstance(subject.tokenizer, HuggingFaceTokenizer):
        raise BothwaysError(
            f"{subject.folder}: a run's tokenizer knows the words of its text only. Leave --qa out, or audit a model."
        )
    chat = ChatTokenizer(subject.tokenizer.library)
    wordy = CHATTY if chat.has_template else WORDY
    shown = with_examples(shots, as_questions, seed)(exam)
    check_spelled(chat, shown)
    row_length(chat, shown, subject.room, wordy)
    told = with_texts(limited(exam, CONTROLS), sources)
    fits = bool(told.queries) and (subject.room is None or room_needed(told, chat) <= subject.room)
    return Form("qa", shown, told if fits else None, chat, wordy, sources)


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


def headline_form(forms: Mapping[str, Form]) -> str:
    """Return the form whose numbers stand first: questions for a chat model, else statements to be completed.

    A user's own questions stand first only where there is nothing else.
    """
    asked = forms.get("question")
    chats = asked is not None and isinstance(asked.tokenizer, ChatTokenizer) and asked.tokenizer.has_template
    order = ("question", "completion", "qa") if chats else ("completion", "question", "qa")
    return next(name for name in order if name in forms)


def measured(subject: Subject, form: Form, watch: Callable[[str], None]) -> dict[str, Any]:
    """Return a model's numbers in one form, and those of its control."""

    def numbers(exam: Exam) -> dict[str, Any]:
        return measure_both_ways(
            subject.model,
            subject.objective,
            form.tokenizer,
            exam,
            room=subject.room,
            wordy=form.wordy,
            texts=form.texts,
        )

    watch(f"{subject.folder}: asking by {form.name}")
    found = numbers(form.exam)
    if form.control is None:
        return {**found, "control": None}
    watch(f"{subject.folder}: asking by {form.name}, with the facts in the prompt")
    control = numbers(form.control)
    return {**found, "control": {way: control[way] for way in ("forward", "reverse")}}
