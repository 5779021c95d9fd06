"""Semantic-aware permutation: at every visit a text's units come in original, reversed or random order."""

from dataclasses import dataclass, field, replace

from bothways.config import RunConfig
from bothways.errors import BothwaysError
from bothways.mitigations.base import Mitigation, with_edit
from bothways.text.corpus import TextEdit
from bothways.text.rewrites import Permute
from bothways.text.units import AskModel, FactSpans, Rules, Segmenter
from bothways.types import Document, Exam


@dataclass(frozen=True, kw_only=True)
class PermuteUnits(TextEdit):
    """Cut every document into units of meaning, to be put into a new order at each visit."""

    segmenter: Segmenter
    rewrite: Permute

    def __call__(self, documents: tuple[Document, ...], exam: Exam, seed: int) -> tuple[Document, ...]:
        """Return the documents with units and rewrite."""
        return tuple(
            replace(d, units=self.segmenter.segment(d.text, d.entities), rewrite=self.rewrite) for d in documents
        )


@dataclass(frozen=True, kw_only=True)
class SemanticPermutation(Mitigation):
    """SPT: plain next-token training on texts whose chunks are re-ordered.

    Source: Guo et al., arXiv 2403.00758. Differs from it by: units come from the known entity spans by
    default instead of an assistant model, and the three orders are equally likely (the paper says
    "a certain probability").
    """

    units: str = "spans"
    """`spans` (entities and what lies between), `rules`, or the name or folder of a Hugging Face model to ask."""
    original: float = field(default=1.0)
    """Weight of the original order."""
    reversed: float = 1.0
    """Weight of the reversed order."""
    permuted: float = 1.0
    """Weight of a random order."""
    delimiter: bool = True
    """Whether a delimiter token stands between re-ordered units."""

    def __post_init__(self) -> None:
        if not self.units:
            raise BothwaysError("units must be 'spans', 'rules' or a model, got units=''. Name one.")

    def __call__(self, config: RunConfig) -> RunConfig:
        """Return the configuration with permuted units."""
        known: dict[str, Segmenter] = {"spans": FactSpans(), "rules": Rules()}
        segmenter = known.get(self.units) or AskModel(model=self.units)
        rewrite = Permute(
            original=self.original, reversed=self.reversed, permuted=self.permuted, delimiter=self.delimiter
        )
        return with_edit(config, PermuteUnits(segmenter=segmenter, rewrite=rewrite))
