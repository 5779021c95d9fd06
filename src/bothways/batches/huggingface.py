"""A Hugging Face tokenizer as one of ours: text is cut as the model met it in pre-training, spaces included."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bothways.batches.tokenizers import Encoded, Tokenizer
from bothways.errors import BothwaysError, RunError
from bothways.types import NONE, Span, SpecialTokens

SPARE = ("reserved", "unused", "extra_id")
"""What the names of tokens hold that were set aside when a tokenizer was made."""
BRACKETED = re.compile(r"<.*>|\[.*\]")


def open_tokenizer(folder: Path, mask: str = "") -> "HuggingFaceTokenizer":
    """Return the tokenizer of a model's folder, whatever the model is: only its tokenizer.json is needed.

    Args:
        folder: where tokenizer.json is.
        mask: the token that hides others; empty for the tokenizer's own.

    Raises:
        RunError: there is none, or it is damaged.
        BothwaysError: it has no token that ends a text, or none of the name that is to hide others.
    """
    from transformers import PreTrainedTokenizerFast

    if not (folder / "tokenizer.json").is_file():
        raise RunError(f"{folder}: tokenizer.json is missing. Save the model's tokenizer there with save_pretrained.")
    try:
        library = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # the reader of tokenizer.json raises nothing more special
        raise RunError(
            f"{folder}: tokenizer.json cannot be read ({type(error).__name__}). Download or save the tokenizer again."
        ) from None
    return HuggingFaceTokenizer(library, mask)


def _first(*ids: int | None) -> Any:
    """Return the first id that there is."""
    return next((one for one in ids if one is not None), None)


@dataclass(frozen=True)
class HuggingFaceTokenizer(Tokenizer):
    """Wraps a fast tokenizer; an answer's tokens are those of its name after a space.

    Raises:
        BothwaysError: it is no fast tokenizer, or lacks a token that ends a text or the one that is to hide others.
    """

    library: Any
    """A `transformers.PreTrainedTokenizerFast`."""
    mask: str = ""
    """The token that hides others; empty for the one that the tokenizer itself calls its mask token."""

    def __post_init__(self) -> None:
        if not getattr(self.library, "is_fast", False):
            raise BothwaysError("Places in the text are known to fast tokenizers only. Save it with a tokenizer.json.")
        if _first(self.library.eos_token_id, self.library.sep_token_id) is None:
            raise BothwaysError("The tokenizer has no token that ends a text. Set its eos_token.")
        if self.mask and self.mask not in self.library.get_vocab():
            raise BothwaysError(f"The tokenizer has no token {self.mask!r} to hide others with. Name another one.")

    @cached_property
    def special(self) -> SpecialTokens:
        """The tokenizer's own; what it lacks is `NONE`, but pad and begin, which then are the end token.

        BERT's separator ends a text, and what it calls the class token begins one.
        """
        own = self.library
        end = _first(own.eos_token_id, own.sep_token_id)
        return SpecialTokens(
            pad=_first(own.pad_token_id, end),
            begin=_first(own.bos_token_id, own.cls_token_id, end),
            end=end,
            mask=own.convert_tokens_to_ids(self.mask) if self.mask else _first(own.mask_token_id, NONE),
            unknown=_first(own.unk_token_id, NONE),
            delimiter=NONE,
        )

    @cached_property
    def start(self) -> tuple[int, ...]:
        """What the tokenizer itself puts before a text: nothing, for GPT-2."""
        whole, plain = self.library("a").input_ids, self.library("a", add_special_tokens=False).input_ids
        return tuple(whole[: next(i for i in range(len(whole)) if whole[i : i + len(plain)] == plain)])

    @cached_property
    def delimiter(self) -> tuple[int, ...]:
        """A bar after a space: it has no token that means a delimiter and nothing else."""
        return tuple(token for token, _ in self.pieces(" |"))

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
        return {"kind": "hugging_face", **self._where()}

    def _where(self) -> dict[str, str]:
        """Say which folder it was read from, and the mask token if it was named."""
        return {"folder": str(self.library.name_or_path), **({"mask": self.mask} if self.mask else {})}

    def spare_mask(self) -> str:
        """Return a token that nobody uses, by its name, where there is no mask token; empty where there is none.

        Only tokens that stand apart from text are looked at: those that were added, and names in brackets.
        """
        own = self.library
        if self.mask or own.mask_token_id is not None:
            return ""
        added = [str(token) for _, token in sorted(own.added_tokens_decoder.items())]
        ordered = sorted(own.get_vocab(), key=own.get_vocab().__getitem__)
        names = [*added, *(name for name in ordered if BRACKETED.fullmatch(name))]
        return next((name for name in names if any(word in name.lower() for word in SPARE)), "")
