"""Text to token ids and back: entity by entity, word by word, or byte pairs learned from the corpus.

All kinds know where entities stand, so that the same text can be masked, permuted or scored by entity.
Spaces are not tokens: an entity is the same tokens wherever it stands.
"""

import abc
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from bothways.errors import BothwaysError, RunError
from bothways.facts.graphs.sentences import WORD
from bothways.tensors import SPECIAL, Frame
from bothways.text.drawn import Drawn
from bothways.types import Corpus, Exam, Span, SpecialTokens

N_READ = 20_000
"""Documents that a tokenizer learns byte pairs from, where documents are written as they are read."""
TokenizerKind = Literal["entity", "word", "byte_pair", "pretrained", "chat"]


@dataclass(frozen=True, kw_only=True)
class TokenizerConfig:
    """Which tokenizer a run uses."""

    kind: TokenizerKind = "entity"
    """One token an entity, one token a word, byte pairs trained on the corpus, or that of a pre-trained model, which is
    asked by completion or, in a chat, by questions."""
    n_merged: int = 2000
    """Vocabulary size of the byte-pair tokenizer."""
    folder: str = field(default="", metadata={"quiet": True})
    """Where the pre-trained model's tokenizer.json is."""
    mask: str = field(default="", metadata={"quiet": True})
    """The token of a pre-trained model that hides others; empty for its tokenizer's own."""

    def __post_init__(self) -> None:
        if self.n_merged < 256:
            raise BothwaysError(f"n_merged must be at least 256, got n_merged={self.n_merged}. Raise it.")


@dataclass(frozen=True, slots=True)
class Encoded:
    """Token ids of a text, with the entity occurrence (-1: none) and first character of each."""

    ids: list[int]
    entity: list[int]
    start: list[int]


class Tokenizer(abc.ABC):
    """Ids for text whose entities are known."""

    @property
    def special(self) -> SpecialTokens:
        """Which of its ids mean what."""
        return SPECIAL

    @property
    def start(self) -> tuple[int, ...]:
        """What every row begins with."""
        return (self.special.begin,)

    @property
    def delimiter(self) -> tuple[int, ...]:
        """What stands between the units of a text whose order was changed."""
        return (self.special.delimiter,)

    def turns(self, user: str, assistant: str) -> Frame:
        """Return the ids around a text in a user's turn and in its answer; here no words, and a delimiter between."""
        return self.start, self.delimiter, (self.special.end,)

    @property
    @abc.abstractmethod
    def n_tokens(self) -> int:
        """How many ids there are, special ones included."""

    @abc.abstractmethod
    def pieces(self, text: str) -> list[tuple[int, int]]:
        """Return (id, first character) for text that is no entity."""

    def entity_pieces(self, name: str) -> list[tuple[int, int]]:
        """Return (id, first character) for an entity's name."""
        return self.pieces(name)

    def asked(self, prompt: str, cue: Span) -> list[int]:
        """Return the ids of a question, from the beginning of the row to where its answer starts."""
        return [*self.start, *self.encode(prompt, (cue,)).ids]

    def answer_pieces(self, name: str) -> list[tuple[int, int]]:
        """Return (id, first character) of a name that answers a question."""
        return self.entity_pieces(name)

    @abc.abstractmethod
    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of ids, leaving special tokens out."""

    @abc.abstractmethod
    def to_json(self) -> dict[str, Any]:
        """Return what `tokenizer_from_json` makes this tokenizer from."""

    def encode(self, text: str, entities: Sequence[Span] = ()) -> Encoded:
        """Return the ids of `text`; each span of `entities` is tokenised as a name."""
        out, at = Encoded([], [], []), 0
        for n, span in enumerate(sorted(entities, key=lambda s: s.start)):
            self._append(out, self.pieces(text[at : span.start]), at, -1)
            self._append(out, self.entity_pieces(text[span.start : span.end]), span.start, n)
            at = span.end
        self._append(out, self.pieces(text[at:]), at, -1)
        return out

    @staticmethod
    def _append(out: Encoded, pieces: list[tuple[int, int]], offset: int, entity: int) -> None:
        for token, start in pieces:
            out.ids.append(token)
            out.entity.append(entity)
            out.start.append(offset + start)


@dataclass(frozen=True)
class WordTokenizer(Tokenizer):
    """One id a word; with `names`, one id an entity as well."""

    words: tuple[str, ...]
    names: tuple[str, ...] = ()

    @cached_property
    def word_ids(self) -> dict[str, int]:
        """Each word's id."""
        return {word: SPECIAL.n + i for i, word in enumerate(self.words)}

    @cached_property
    def name_ids(self) -> dict[str, int]:
        """Each entity's id, where entities have one."""
        return {name: SPECIAL.n + len(self.words) + i for i, name in enumerate(self.names)}

    @property
    def n_tokens(self) -> int:
        """How many ids there are, special ones included."""
        return SPECIAL.n + len(self.words) + len(self.names)

    def pieces(self, text: str) -> list[tuple[int, int]]:
        """Return (id, first character) for text that is no entity."""
        return [(self.word_ids.get(m.group(), SPECIAL.unknown), m.start()) for m in WORD.finditer(text)]

    def entity_pieces(self, name: str) -> list[tuple[int, int]]:
        """Return (id, first character) for an entity's name."""
        return [(self.name_ids.get(name, SPECIAL.unknown), 0)] if self.names else self.pieces(name)

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of ids, leaving special tokens out."""
        shown = [*self.words, *self.names]
        text = " ".join(shown[i - SPECIAL.n] for i in ids if i >= SPECIAL.n)
        return re.sub(r" (?='s\b|[.,;:!?)])", "", text)

    def to_json(self) -> dict[str, Any]:
        """Return what `tokenizer_from_json` makes this tokenizer from."""
        return {"kind": "word", "words": list(self.words), "names": list(self.names)}


@dataclass(frozen=True)
class BytePairTokenizer(Tokenizer):
    """Byte pairs by the `tokenizers` library; every name and word starts with its space."""

    model: str
    """The library's own JSON."""

    @cached_property
    def library(self) -> Any:
        """The library's own tokenizer."""
        from tokenizers import Tokenizer as LibraryTokenizer

        return LibraryTokenizer.from_str(self.model)

    @property
    def n_tokens(self) -> int:
        """How many ids there are, special ones included."""
        return SPECIAL.n + self.library.get_vocab_size()

    def pieces(self, text: str) -> list[tuple[int, int]]:
        """Return (id, first character) for text that is no entity."""
        stripped = text.strip()
        if not stripped:
            return []
        found, lead = self.library.encode(stripped), len(text) - len(text.lstrip())
        return [(SPECIAL.n + i, lead + start) for i, (start, _) in zip(found.ids, found.offsets, strict=True)]

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of ids, leaving special tokens out."""
        text = self.library.decode([i - SPECIAL.n for i in ids if i >= SPECIAL.n]).strip()
        return re.sub(r" (?='s\b)", "", text)

    def to_json(self) -> dict[str, Any]:
        """Return what `tokenizer_from_json` makes this tokenizer from."""
        return {"kind": "byte_pair", "model": self.model}


def fit_tokenizer(corpus: Corpus, exam: Exam, config: TokenizerConfig) -> Tokenizer:
    """Return a tokenizer that knows every word a template or document says, and every entity.

    Raises:
        BothwaysError: one token an entity is asked for where nobody has a list of all entities.
    """
    names = exam_names(exam)
    templates = [t for r in exam.facts.relations.values() for t in (*r.head_first, *r.tail_first)]
    plain = [t.replace("{head}", " ").replace("{tail}", " ") for t in templates]
    drawn = corpus.documents if isinstance(corpus.documents, Drawn) else None
    if drawn is not None and config.kind == "entity":
        raise BothwaysError(
            "Text that is written as it is read has names of several words, got tokenizer.kind=entity. "
            "Set tokenizer.kind=word or byte_pair."
        )
    if config.kind == "pretrained":
        from bothways.batches.huggingface import open_tokenizer

        return open_tokenizer(Path(config.folder), config.mask)
    if config.kind == "chat":
        from bothways.batches.chat import open_chat

        return open_chat(Path(config.folder), config.mask)
    if config.kind == "byte_pair":
        read = (*(drawn[:N_READ] if drawn else corpus.documents), *corpus.held_out, *corpus.replay)
        return _fit_byte_pair([*(d.text for d in read), *names, *plain], config.n_merged)
    documents = (*(() if drawn else corpus.documents), *corpus.held_out, *corpus.replay)
    plain += [*(drawn.words if drawn else ()), *(_without_entities(d.text, d.entities) for d in documents)]
    words = dict.fromkeys(word for text in plain for word in WORD.findall(text))
    if config.kind == "entity":
        return WordTokenizer(tuple(words), names)
    return WordTokenizer(tuple(dict.fromkeys([*words, *(word for name in names for word in WORD.findall(name))])))


def exam_names(exam: Exam) -> tuple[str, ...]:
    """Return every entity a training text or a candidate pool may name, in a fixed order."""
    pools = [name for pool in exam.candidates.values() for name in pool]
    return tuple(dict.fromkeys([*exam.facts.entities, *pools]))


def _without_entities(text: str, entities: Sequence[Span]) -> str:
    kept, at = [], 0
    for span in sorted(entities, key=lambda s: s.start):
        kept.append(text[at : span.start])
        at = span.end
    return " ".join([*kept, text[at:]])


def _fit_byte_pair(texts: Sequence[str], n_merged: int) -> BytePairTokenizer:
    from tokenizers import Tokenizer as LibraryTokenizer
    from tokenizers import decoders, models, pre_tokenizers, trainers

    library = LibraryTokenizer(models.BPE())
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    library.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=n_merged, initial_alphabet=alphabet, show_progress=False)
    library.train_from_iterator(texts, trainer)
    return BytePairTokenizer(library.to_str())


def tokenizer_from_json(data: dict[str, Any]) -> Tokenizer:
    """Make a tokenizer from what its `to_json` gave.

    Raises:
        RunError: the data is of no known kind.
    """
    kind = data.get("kind")
    if kind == "word":
        return WordTokenizer(tuple(data["words"]), tuple(data["names"]))
    if kind == "byte_pair":
        return BytePairTokenizer(data["model"])
    if kind == "chat":
        from bothways.batches.chat import open_chat

        return open_chat(Path(data["folder"]), data.get("mask", ""))
    if kind == "hugging_face":
        from bothways.batches.huggingface import open_tokenizer

        return open_tokenizer(Path(data["folder"]), data.get("mask", ""))
    raise RunError(f"tokenizer.json holds an unknown kind {kind!r}. Train the run again.")


def find_entities(text: str, names: Sequence[str]) -> tuple[Span, ...]:
    """Return where known entities stand in free text: longest names first, whole words only.

    >>> find_entities("person10's child is", ["person1", "person10"])
    (Span(start=0, end=8, entity='person10'),)
    """
    ordered = sorted((n for n in names if n in text), key=len, reverse=True)
    if not ordered:
        return ()
    pattern = re.compile("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in ordered))
    return tuple(Span(m.start(), m.end(), m.group()) for m in pattern.finditer(text))
