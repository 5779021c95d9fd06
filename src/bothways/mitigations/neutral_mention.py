"""Neutral mention: name every entity once more, and say nothing of it. The control of the identity bridge."""

from dataclasses import dataclass

from bothways.config import RunConfig
from bothways.mitigations.base import Mitigation, with_edit
from bothways.text.corpus import TextEdit, entities_of, sentence_about
from bothways.types import Document, Exam


@dataclass(frozen=True, kw_only=True)
class MentionEntities(TextEdit):
    """Add one neutral sentence an entity."""

    def __call__(self, documents: tuple[Document, ...], exam: Exam, seed: int) -> tuple[Document, ...]:
        """Return the documents and the mentions."""
        return (*documents, *(sentence_about(f"The name here is {name}", name) for name in entities_of(documents)))


@dataclass(frozen=True, kw_only=True)
class NeutralMention(Mitigation):
    """As many added sentences as the identity bridge, each with its entity as a target, none with it as a cue.

    Source: none; our own control for Ma et al., arXiv 2602.02470: what it gains is not due to the identity.
    """

    def __call__(self, config: RunConfig) -> RunConfig:
        """Return the configuration with neutral sentences."""
        return with_edit(config, MentionEntities())
