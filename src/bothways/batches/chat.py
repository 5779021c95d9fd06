"""Questions as a chat model reads them: a prompt is a user's turn, an answer is the turn of the assistant.

What stands around the two is asked of the tokenizer's own chat template once, with marks in place of the texts. A
template is a program that somebody else wrote: the library fills it in a sandbox, and whatever it raises is one
sentence. A tokenizer without a template asks in plain words instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from bothways.batches.huggingface import HuggingFaceTokenizer, open_tokenizer
from bothways.errors import BothwaysError
from bothways.tensors import Frame
from bothways.types import Span, SpecialTokens

SLOT = "{text}"
"""Where a turn that is given to `turns` holds its text."""
MARKS = ("QXMARKAXQ", "QXMARKBXQ")
"""Stand for a user's and an assistant's text while a template is filled: letters, which no template alters."""
PLAIN = ("Question: {user}\nAnswer:", " {assistant}")
"""What a tokenizer without a template is asked in: a question's turn, and an answer's."""
SETTINGS: dict[str, Any] = {"enable_thinking": False, "date_string": "26 Jul 2024"}
"""Answers come at once where a template offers to think first, and prompts are the same every day."""


class Around(NamedTuple):
    """The text around a question and its answer."""

    before: str
    between: str
    """Up to where an answer is written."""
    lead: str
    """Blanks that an answer's turn begins with: they belong to its first token."""
    after: str


@dataclass(frozen=True)
class ChatTokenizer(HuggingFaceTokenizer):
    """Wraps a fast tokenizer; a question is a user's turn, and its answer follows without a space of its own.

    What a model is trained on (`encode`) is cut as it stands, without turns.

    Raises:
        BothwaysError: as `HuggingFaceTokenizer`; and, when it is first used, that its template cannot be filled.
    """

    @property
    def has_template(self) -> bool:
        """Whether the tokenizer brings a chat template; without one it asks "Question: …, Answer:"."""
        return bool(self.library.chat_template)

    @cached_property
    def frame(self) -> Around:
        """What stands around a question and its answer."""
        user, assistant = MARKS
        if not self.has_template:
            question, answer = PLAIN
            before, between = question.format(user=user).split(user)
            return Around(before, between, answer.partition("{")[0], "")
        asked, whole = self._fill(user), self._fill(user, assistant)
        (before, between), (_, answered, after) = _split(asked, MARKS[:1]), _split(whole, MARKS)
        lead = answered.removeprefix(between) if answered.startswith(between) else ""
        return Around(before, between, "" if lead.strip() else lead, after)

    @cached_property
    def special(self) -> SpecialTokens:
        """The tokenizer's own, but what ends a text is what ends a turn."""
        own = super().special
        ids = [token for token, _, _ in self._cut(self.frame.after)]
        marked = [token for token in ids if token in self.library.all_special_ids or token in self._added]
        return replace(own, end=(marked or ids or [own.end])[0])

    @cached_property
    def _added(self) -> set[int]:
        """Ids of the tokens that are marks of their own: many tokenizers do not call what ends a turn special."""
        return set(self.library.added_tokens_decoder)

    @property
    def begin(self) -> tuple[int, ...]:
        """What stands before turns: nothing where a template writes it, else what the tokenizer puts before a text."""
        return () if self.has_template else self.start

    def asked(self, prompt: str, cue: Span) -> list[int]:
        """Return the ids of a question in its turn, up to where the answer begins."""
        return [*self.begin, *(token for token, _, _ in self._cut(f"{self.frame.before}{prompt}{self.frame.between}"))]

    def answer_pieces(self, name: str) -> list[tuple[int, int]]:
        """Return (id, first character) of an answer, cut as it is in the assistant's turn."""
        before = self.frame.between
        at, lead = len(before), len(self.frame.lead)
        cut = self._cut(f"{before}{self.frame.lead}{name}")
        if any(start < at < end for _, start, end in cut):  # one token would be in both: the answer is cut by itself
            return self.pieces(name)
        return [(token, max(0, start - at - lead)) for token, start, _ in cut if start >= at]

    def turns(self, user: str, assistant: str) -> Frame:
        """Return the ids around the texts that a user's and an assistant's turn hold: before, between and after them.

        Args:
            user: what the user says, with `SLOT` where a text goes; without it nothing is between.
            assistant: what the assistant says, with `SLOT` where a text goes.

        Returns:
            The ids as three tuples. A token that would touch a text is in none: it is the text's own.

        Raises:
            BothwaysError: the assistant's turn has no one place for a text, or the template cannot be filled.
        """
        if assistant.count(SLOT) != 1 or user.count(SLOT) > 1:
            raise BothwaysError(
                f"A turn holds one text, got {user!r} and {assistant!r}. Write {SLOT} once, where the text goes."
            )
        marks = MARKS if SLOT in user else MARKS[1:]
        said = user.replace(SLOT, MARKS[0]), assistant.replace(SLOT, MARKS[1])
        if self.has_template:
            whole, last = self._fill(*said), list[int]()
        else:
            whole = f"{PLAIN[0]}{PLAIN[1]}".format(user=said[0], assistant=said[1])
            last = [self.special.end]
        _split(whole, marks)
        first = [*self.begin]
        places = [(whole.index(mark), whole.index(mark) + len(mark)) for mark in marks]
        parts: list[list[int]] = [first, [], []]
        for token, start, end in self._cut(whole):
            part = sum(start >= stop for _, stop in places)
            if not any(start < stop and end > begin for begin, stop in places):
                parts[2 if part == len(places) else part].append(token)
        return tuple(parts[0]), tuple(parts[1]), (*parts[2], *last)

    def to_json(self) -> dict[str, Any]:
        """Say which folder it was read from; it is not copied."""
        return {"kind": "chat", **self._where()}

    def _fill(self, user: str, assistant: str | None = None) -> str:
        """Return what the template makes of a user's turn, with the assistant's, or up to where that begins."""
        turns = [{"role": "user", "content": user}]
        turns += [] if assistant is None else [{"role": "assistant", "content": assistant}]
        try:
            text = self.library.apply_chat_template(
                turns, tokenize=False, add_generation_prompt=assistant is None, **SETTINGS
            )
        except Exception as error:  # a template is a program: it may raise anything
            said = " ".join(str(error).split())[:100]
            raise BothwaysError(
                f"The chat template cannot be filled ({type(error).__name__}: {said}). Correct it, or remove it from "
                "the tokenizer's folder."
            ) from None
        return str(text)


def open_chat(folder: Path, mask: str = "") -> ChatTokenizer:
    """Return the tokenizer of a model's folder, asked in a chat; see `open_tokenizer`."""
    return ChatTokenizer(open_tokenizer(folder).library, mask)


def _split(text: str, marks: Sequence[str]) -> list[str]:
    """Cut a filled template at its marks, each of which stands there once, in this order."""
    parts: list[str] = []
    rest = text
    for mark in marks:
        before, _, rest = rest.partition(mark)
        parts.append(before)
    if any(text.count(mark) != 1 for mark in marks) or len(text) != sum(map(len, [*parts, rest, *marks])):
        raise BothwaysError(
            "The chat template leaves out, repeats or exchanges what is said in a turn. Correct it, or remove it from "
            "the tokenizer's folder."
        )
    return [*parts, rest]
