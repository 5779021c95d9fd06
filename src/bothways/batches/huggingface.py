"""A Hugging Face tokenizer as one of ours: text is cut as the model met it in pre-training, spaces included."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bothways.batches.tokenizers import Encoded, Tokenizer
from bothways.errors import BothwaysError
from bothways.types import Span, SpecialTokens

NONE = -1
"""Stands for a special token that the tokenizer does not have."""


@dataclass(frozen=True)
class HuggingFaceTokenizer(Tokenizer):
    """Wraps a fast tokenizer; an answer's tokens are those of its name after a space.

    Raises:
        BothwaysError: it is no fast tokenizer, or has no token that ends a text.
    """

    library: Any
    """A `transformers.PreTrainedTokenizerFast`."""

    def __post_init__(self) -> None:
        if not getattr(self.library, "is_fast", False):
            raise BothwaysError("Places in the text are known to fast tokenizers only. Save it with a tokenizer.json.")
        if self.library.eos_token_id is None:
            raise BothwaysError("The tokenizer has no token that ends a text. Set its eos_token.")

    @cached_property
    def special(self) -> SpecialTokens:
        """The tokenizer's own; what it lacks is `NONE`, but pad and begin, which then are the end token."""
        own, end = self.library, self.library.eos_token_id
        pad, begin, mask, unknown = own.pad_token_id, own.bos_token_id, own.mask_token_id, own.unk_token_id
        return SpecialTokens(
            pad=end if pad is None else pad,
            begin=end if begin is None else begin,
            end=end,
            mask=NONE if mask is None else mask,
            unknown=NONE if unknown is None else unknown,
            delimiter=NONE,
        )

    @cached_property
    def start(self) -> tuple[int, ...]:
        """What the tokenizer itself puts before a text: nothing, for GPT-2."""
        whole, plain = self.library("a").input_ids, self.library("a", add_special_tokens=False).input_ids
        return tuple(whole[: next(i for i in range(len(whole)) if whole[i : i + len(plain)] == plain)])

    @property
    def n_tokens(self) -> int:
        """How many ids there are, special ones included."""
        return len(self.library)

    def pieces(self, text: str) -> list[tuple[int, int]]:
        """Return (id, first character) of text as it stands, a leading space included."""
        return [(token, start) for token, start, _ in self._cut(text)]

    def entity_pieces(self, name: str) -> list[tuple[int, int]]:
        """Return (id, first character) of a name that follows a space, as answers do."""
        return [(token, max(0, start - 1)) for token, start in self.pieces(f" {name}")]

    def encode(self, text: str, entities: Sequence[Span] = ()) -> Encoded:
        """Return the ids of `text` cut as a whole; a token that touches an entity belongs to it."""
        cut = self._cut(text)
        spans = sorted(entities, key=lambda span: span.start)
        touched = [
            next((n for n, span in enumerate(spans) if start < span.end and end > span.start), -1)
            for _, start, end in cut
        ]
        return Encoded([token for token, _, _ in cut], touched, [start for _, start, _ in cut])

    def _cut(self, text: str) -> list[tuple[int, int, int]]:
        """Return (id, first character, character after the last); the library's wrapper would be five times slower."""
        inner = self.library.backend_tokenizer
        inner.no_padding()
        inner.no_truncation()
        found = inner.encode(text, add_special_tokens=False)
        return [(token, start, end) for token, (start, end) in zip(found.ids, found.offsets, strict=True)]

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of ids, leaving special tokens out."""
        return str(self.library.decode(list(ids), skip_special_tokens=True)).strip()

    def to_json(self) -> dict[str, Any]:
        """Say which folder it was read from; it is not copied."""
        return {"kind": "hugging_face", "folder": str(self.library.name_or_path)}
