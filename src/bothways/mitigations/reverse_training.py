"""Reverse training: read every text a second time, backwards."""

from dataclasses import dataclass, replace

from bothways.config import RunConfig
from bothways.mitigations.base import Mitigation, with_edit
from bothways.text.corpus import TextEdit
from bothways.text.rewrites import Reverse, ReverseUnit
from bothways.types import Document, Exam


@dataclass(frozen=True, kw_only=True)
class AddReversed(TextEdit):
    """Add a backward copy of every document."""

    rewrite: Reverse

    def __call__(self, documents: tuple[Document, ...], exam: Exam, seed: int) -> tuple[Document, ...]:
        """Return the documents, then their backward copies."""
        return (*documents, *(replace(document, rewrite=self.rewrite) for document in documents))


@dataclass(frozen=True, kw_only=True)
class ReverseTraining(Mitigation):
    """Train on each text and on its reversal, so the number of tokens doubles.

    Source: Golovneva et al., arXiv 2403.13799; the delimiter: Kitouni et al., arXiv 2406.05183, table 1.
    Differs from it by: both halves are shuffled together, and the number of steps stays the same (compute-matched).
    """

    unit: ReverseUnit = "entity"
    """What keeps its inner order: an entity (and each word), a word, a token, or a random segment."""
    delimiter: bool = True
    """Whether a delimiter token stands between the units of a reversed text."""
    max_segment: int = 3
    """Longest random segment, in tokens."""

    def __call__(self, config: RunConfig) -> RunConfig:
        """Return the configuration with backward copies added."""
        rewrite = Reverse(unit=self.unit, delimiter=self.delimiter, max_segment=self.max_segment)
        return with_edit(config, AddReversed(rewrite=rewrite))
