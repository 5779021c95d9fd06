"""Rows of somebody else's data set as clean batches: `text`, `prompt` and `completion`, `messages`, or `input_ids`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch

from bothways.batches.chat import SETTINGS, ChatTokenizer
from bothways.batches.huggingface import HuggingFaceTokenizer
from bothways.batches.rows import fill_row
from bothways.errors import BothwaysError
from bothways.tensors import Batch
from bothways.types import Span

IGNORED = -100
"""The label that a trainer of the library does not count."""
Feature = Mapping[str, Any]
"""One row of a data set."""
Message = Mapping[str, str]
"""One turn of a conversation: its `role` and `content`."""


@dataclass(frozen=True, slots=True)
class Text:
    """What a row of a data set says."""

    given: Sequence[int]
    learned: Sequence[int]
    entity: Sequence[int]
    """For each id that is learned: the number of the entity occurrence it belongs to, -1 for none."""


@dataclass(frozen=True)
class Features:
    """Reads rows of a data set.

    A row has `text`; or `prompt` and `completion`, of which the second is learned; or `messages`, of which the last is
    learned; or `input_ids`, of which those are given whose `labels` begin with -100. It may have `entities`, pairs of
    first character and the one after the last in what is learned, and `plain`: true for general text among documents.
    """

    library: Any
    """A fast tokenizer of the library."""
    in_words: bool
    """Whether words will stand around what is read. Then what is said before the last message becomes lines of text;
    else it is put into the chat template."""

    @cached_property
    def chat(self) -> ChatTokenizer:
        """The tokenizer whose texts end as an answer does."""
        return ChatTokenizer(self.library)

    @cached_property
    def plain(self) -> HuggingFaceTokenizer:
        """The tokenizer whose texts end as documents do."""
        return HuggingFaceTokenizer(self.library)

    def batch(self, features: Sequence[Feature]) -> Batch:
        """Return clean rows; what is given stands before what may count.

        Raises:
            BothwaysError: a row is of no known form.
        """
        talk = self.in_words or any(messages_of(feature) for feature in features)
        tokenizer = self.chat if talk else self.plain
        texts = [self._text(feature) for feature in features]
        begin, longest = len(tokenizer.start), max(len(t.given) + len(t.learned) for t in texts)
        tokens_BL = np.empty((len(texts), begin + longest + 1), np.int64)
        entity_BL, target_BL = np.empty_like(tokens_BL), np.zeros(tokens_BL.shape, bool)
        for b, text in enumerate(texts):
            ids, entity = [*text.given, *text.learned], [*[-1] * len(text.given), *text.entity]
            length = fill_row(tokens_BL[b], entity_BL[b], ids, entity, tokenizer)
            target_BL[b, begin + len(text.given) : length] = True
        arrays = (torch.from_numpy(a) for a in (tokens_BL, target_BL, entity_BL, np.arange(len(texts))))
        plain_B = torch.tensor([bool(feature.get("plain")) for feature in features])
        return Batch(*arrays, special=tokenizer.special, plain_B=plain_B)

    def _text(self, feature: Feature) -> Text:
        spans = [Span(first, after) for first, after in feature.get("entities") or ()]
        messages = messages_of(feature)
        if messages:
            return self._conversation(messages, spans)
        if "completion" in feature:
            return self._pair(str(feature.get("prompt", "")), str(feature["completion"]), spans)
        if "text" in feature:
            return self._pair("", str(feature["text"]), spans)
        if "input_ids" in feature:
            return self._tokens(feature)
        raise BothwaysError(
            f"A row of the data set has only {', '.join(feature) or 'nothing'}. "
            "Give it text, prompt and completion, messages, or input_ids."
        )

    def _pair(self, given: str, learned: str, spans: Sequence[Span]) -> Text:
        """Return two texts that are cut as one, unless a token would stand in both."""
        at = len(given)
        found = self.plain.encode(f"{given}{learned}", [Span(s.start + at, s.end + at) for s in spans])
        if at and at not in found.start:
            apart = self.plain.encode(learned, spans)
            return Text(self.plain.encode(given).ids, apart.ids, apart.entity)
        n_given = sum(start < at for start in found.start)
        return Text(found.ids[:n_given], found.ids[n_given:], found.entity[n_given:])

    def _conversation(self, messages: Sequence[Message], spans: Sequence[Span]) -> Text:
        *before, last = messages
        if last["role"] != "assistant":
            raise BothwaysError("A row's messages must end with one of the assistant. Leave out what follows it.")
        if self.in_words:
            found = self.plain.encode(last["content"], spans)
            given = self.plain.encode("\n".join(message["content"] for message in before)).ids
            return Text(given, found.ids, found.entity)
        return self._in_template(before, last["content"], spans)

    def _in_template(self, before: Sequence[Message], said: str, spans: Sequence[Span]) -> Text:
        if not self.chat.has_template:
            raise BothwaysError(
                "The tokenizer has no chat template to put messages into. Set one, or give rows prompt and completion."
            )
        rendered = str(
            self.library.apply_chat_template(list(before), tokenize=False, add_generation_prompt=True, **SETTINGS)
        )
        lead = self.chat.frame.lead
        found = self._pair(rendered, f"{lead}{said}", [Span(s.start + len(lead), s.end + len(lead)) for s in spans])
        return Text(self._without_start(found.given), found.learned, found.entity)

    def _tokens(self, feature: Feature) -> Text:
        """Return ids that somebody else has cut, without what begins and ends a row."""
        ids = list(feature["input_ids"])
        labels = list(feature.get("labels") or ids)
        n_given = next((n for n, label in enumerate(labels) if label != IGNORED), 0)
        given, learned = ids[:n_given], ids[n_given:]
        if learned[-1:] == [self.plain.special.end]:
            learned = learned[:-1]
        given, learned = (self._without_start(given), learned) if given else ([], self._without_start(learned))
        return Text(given, learned, [-1] * len(learned))

    def _without_start(self, ids: Sequence[int]) -> Sequence[int]:
        start = self.plain.start
        return ids[len(start) :] if tuple(ids[: len(start)]) == start else ids


def messages_of(feature: Feature) -> Sequence[Message]:
    """Return the turns of a row that is a conversation, as one list or as prompt and completion; else none."""
    if "messages" in feature:
        return feature["messages"]
    prompt, completion = feature.get("prompt"), feature.get("completion")
    return [] if isinstance(completion, str) or not completion else [*(prompt or ()), *completion]
