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
class Form:
    """One way to ask an exam: its questions, and the tokenizer that asks them so."""

    name: str
    exam: Exam
    tokenizer: Tokenizer
    wordy: int
    again: Mapping[str, Exam]
    """What is asked again: `control` with the facts, or the document, in the prompt, where that can be read;
    `rephrased` in a relation's second question, where it has one."""
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
        chat, asked, other = ChatTokenizer(own.library), in_questions(exam), in_questions(exam, 1)
        again = {"control": with_context(limited(asked, CONTROLS), SEED)}
        again |= {"rephrased": limited(other, CONTROLS)} if other.queries != asked.queries else {}
        yield form_of("question", subject, with_examples(asked, shots, as_questions, seed), chat, again)
    if form != "question":
        library = isinstance(own, HuggingFaceTokenizer)  # else only the cue of a prompt is known to be a name
        again = {"control": with_context(limited(exam, CONTROLS), SEED)} if library else {}
        yield form_of("completion", subject, with_examples(exam, shots, as_sentences, seed), own, again)


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
    chat, shown = ChatTokenizer(subject.tokenizer.library), with_examples(exam, shots, as_questions, seed)
    return form_of("qa", subject, shown, chat, {"control": with_texts(limited(exam, CONTROLS), sources)}, sources)


def with_examples(exam: Exam, shots: int, joined: Joined, seed: int) -> Exam:
    """Return an exam with examples before its questions, if any are wanted."""
    return with_shots(exam, shots, joined, seed) if shots else exam


def form_of(
    name: str,
    subject: Subject,
    exam: Exam,
    tokenizer: Tokenizer,
    again: Mapping[str, Exam],
    texts: Sequence[str] | None = None,
) -> Form:
    """Return a form in which a model can be asked; what has no room in its rows is not asked again.

    Raises:
        EntityError: the tokenizer cannot spell a name.
        BothwaysError: a question is too long, or a chat template fails.
    """
    chats = isinstance(tokenizer, ChatTokenizer) and tokenizer.has_template
    wordy = CHATTY if chats else WORDY
    check_spelled(tokenizer, exam)
    row_length(tokenizer, exam, subject.room, wordy)
    room = subject.room or NO_LIMIT
    fits = {key: one for key, one in again.items() if one.queries and room_needed(one, tokenizer) <= room}
    return Form(name, exam, tokenizer, wordy, fits, texts)


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
