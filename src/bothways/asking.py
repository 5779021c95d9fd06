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
"""Facts that are asked again: with their statement in the prompt, and in other words."""
SEED = 0
"""Draws which other fact stands in the prompt of a control."""
AGAIN = {"control": "with the facts in the prompt", "rephrased": "in other words"}
"""What is asked again, in a few words."""
NO_LIMIT = 2**31
CHATTY = 4
"""How many times as long as the longest answer a chat may answer."""


@dataclass(frozen=True)
class Wording:
    """An exam as it is asked in one form, whoever is asked, and what of it is asked again."""

    name: str
    exam: Exam
    again: Mapping[str, Exam]
    """What is asked again: `control` with the facts, or the document, in the prompt; `rephrased` in a relation's second
    question, where it has one."""
    texts: Sequence[str] | None = None
    """What a fine-tune would read of each fact, if that is not its statements."""


@dataclass(frozen=True)
class Form:
    """One way to ask a model an exam: its questions, and the tokenizer that asks them so."""

    name: str
    exam: Exam
    tokenizer: Tokenizer
    wordy: int
    again: Mapping[str, Exam]
    """As in `Wording`, where the model's rows have room for it."""
    texts: Sequence[str] | None = None
    """What a fine-tune would read of each fact, if that is not its statements."""


def questions(exam: Exam, shots: int, seed: int) -> Wording:
    """Return an exam in words, with so many examples before each question."""
    asked, other = in_questions(exam), in_questions(exam, 1)
    again = {"control": with_context(limited(asked, CONTROLS), SEED)}
    again |= {"rephrased": limited(other, CONTROLS)} if other.queries != asked.queries else {}
    return Wording("question", with_examples(asked, shots, as_questions, seed), again)


def completions(exam: Exam, shots: int, seed: int, *, library: bool) -> Wording:
    """Return an exam as statements to be completed; a run's tokenizer knows the cue of a prompt alone to be a name."""
    again = {"control": with_context(limited(exam, CONTROLS), SEED)} if library else {}
    return Wording("completion", with_examples(exam, shots, as_sentences, seed), again)


def questions_of_user(exam: Exam, sources: Sequence[str], shots: int, seed: int) -> Wording:
    """Return questions of a user as they stand; what answers them is in the prompt of the control."""
    again = {"control": with_texts(limited(exam, CONTROLS), sources)}
    return Wording("qa", with_examples(exam, shots, as_questions, seed), again, sources)


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
        yield form_of(questions(exam, shots, seed), subject, ChatTokenizer(own.library))
    if form != "question":
        library = isinstance(own, HuggingFaceTokenizer)
        yield form_of(completions(exam, shots, seed, library=library), subject, own)


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
    return form_of(questions_of_user(exam, sources, shots, seed), subject, ChatTokenizer(subject.tokenizer.library))


def with_examples(exam: Exam, shots: int, joined: Joined, seed: int) -> Exam:
    """Return an exam with examples before its questions, if any are wanted."""
    return with_shots(exam, shots, joined, seed) if shots else exam


def form_of(wording: Wording, subject: Subject, tokenizer: Tokenizer) -> Form:
    """Return a form in which a model can be asked; what has no room in its rows is not asked again.

    Raises:
        EntityError: the tokenizer cannot spell a name.
        BothwaysError: a question is too long, or a chat template fails.
    """
    chats = isinstance(tokenizer, ChatTokenizer) and tokenizer.has_template
    wordy = CHATTY if chats else WORDY
    check_spelled(tokenizer, wording.exam)
    row_length(tokenizer, wording.exam, subject.room, wordy)
    room = subject.room or NO_LIMIT
    fits = {key: one for key, one in wording.again.items() if one.queries and room_needed(one, tokenizer) <= room}
    return Form(wording.name, wording.exam, tokenizer, wordy, fits, wording.texts)


def headline_form(forms: Mapping[str, Form]) -> str:
    """Return the form whose numbers stand first: questions for a chat model, else statements to be completed.

    A user's own questions stand first only where there is nothing else.
    """
    asked = forms.get("question")
    chats = asked is not None and isinstance(asked.tokenizer, ChatTokenizer) and asked.tokenizer.has_template
    order = ("question", "completion", "qa") if chats else ("completion", "question", "qa")
    return next(name for name in order if name in forms)


def measured(subject: Subject, form: Form, watch: Callable[[str], None]) -> dict[str, Any]:
    """Return a model's numbers in one form, and those of what is asked again."""

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
    for name in AGAIN:
        found[name] = None
        if name in form.again:
            watch(f"{subject.folder}: asking by {form.name}, {AGAIN[name]}")
            told = numbers(form.again[name])
            found[name] = {way: told[way] for way in ("forward", "reverse")}
    return found
