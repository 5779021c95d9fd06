"""Replay: batches in which some rows are of another text, such as general text that a model should not forget."""

from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Bool
from torch import Tensor

from bothways.tensors import Batch


@runtime_checkable
class ByStep(Protocol):
    """Batches that are functions of their step."""

    @property
    def length(self) -> int:
        """Tokens in a row."""
        ...

    def at(self, step: int) -> Batch:
        """Return the batch of one step, counted from 0."""
        ...


@dataclass
class MixedBatches:
    """Every batch is one of a first text, and below it one of another, in rows of the same length.

    Each text goes through its own epochs, in an order of its own in each.
    """

    first: ByStep
    other: ByStep
    n_documents: int
    """Documents of the first text: those of the other one are counted on from there."""

    @property
    def length(self) -> int:
        """Tokens in a row."""
        return self.first.length

    def at(self, step: int) -> Batch:
        """Return the batch of one step, counted from 0."""
        one, two = self.first.at(step), self.other.at(step)
        return replace(
            one,
            tokens_BL=torch.cat([one.tokens_BL, two.tokens_BL]),
            target_BL=torch.cat([one.target_BL, two.target_BL]),
            entity_BL=torch.cat([one.entity_BL, two.entity_BL]),
            document_B=torch.cat([one.document_B, two.document_B + self.n_documents]),
            plain_B=torch.cat([plain(one), plain(two)]),
        )


def plain(batch: Batch) -> Bool[Tensor, " B"]:
    """Return which rows of a batch are general text."""
    return torch.zeros(len(batch.tokens_BL), dtype=torch.bool) if batch.plain_B is None else batch.plain_B
