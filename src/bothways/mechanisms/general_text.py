"""General text: how a model takes sentences that nobody taught it, and how far it has moved from the original."""

from dataclasses import dataclass
from pathlib import Path

import torch

from bothways.batches.tokenizers import Tokenizer
from bothways.evaluation.general import read_general
from bothways.evaluation.guard import measure_guard, remember
from bothways.mechanisms.base import Probe
from bothways.models.open import open_model
from bothways.tensors import LanguageModel, Objective
from bothways.types import Exam, Finding

LONGEST = 64
"""Tokens of a row; longer texts go on in the next."""


@dataclass(frozen=True, kw_only=True)
class GeneralText(Probe):
    """NLL of general text (`nll`), and where the original is named the divergence from it (`kl`), nats a token.

    Source: our own; the readings are those of `evaluation/guard.py`.
    """

    original: str = ""
    """Folder of the model that it was tuned from, asked by the same objective; none if empty."""
    file: str = ""
    """A text file, one text a line; the package's own sentences if empty."""

    @torch.inference_mode()
    def __call__(self, model: LanguageModel, objective: Objective, tokenizer: Tokenizer, exam: Exam) -> Finding:
        """Return both numbers."""
        texts = read_general(Path(self.file) if self.file else None)
        longest = max(len(tokenizer.encode(text).ids) for text in texts)
        length = min(LONGEST, len(tokenizer.start) + longest + 1)
        before = open_model(Path(self.original), tokenizer.special) if self.original else model
        reference = remember(before, objective, tokenizer, texts, length=length)
        found = measure_guard(model, objective, tokenizer, texts, reference)
        numbers = {"nll": found.nll} | ({"kl": found.kl} if self.original and found.kl is not None else {})
        return Finding("general_text", ", ".join(f"{name} {value:.3f}" for name, value in numbers.items()), (), numbers)
