"""Both directions: state every fact in both orders. The control that every cure must match."""

from dataclasses import dataclass, replace

from bothways.config import RunConfig
from bothways.mitigations.base import Mitigation, with_edit
from bothways.text.corpus import TextEdit, statements
from bothways.types import Document, Exam


@dataclass(frozen=True, kw_only=True)
class StateBothOrders(TextEdit):
    """Add the statements of every tested fact in the order the base text leaves out."""

    def __call__(self, documents: tuple[Document, ...], exam: Exam, seed: int) -> tuple[Document, ...]:
        """Return the documents and the missing statements."""
        facts = replace(exam.facts, facts=tuple(replace(fact, stated="both") for fact in exam.facts.facts))
        said = {document.text for document in documents}
        return (*documents, *(document for document in statements(facts) if document.text not in said))


@dataclass(frozen=True, kw_only=True)
class BothDirections(Mitigation):
    """The upper bound: the text says outright what the exam asks in reverse.

    Source: the "both" data of Berglund et al., arXiv 2309.12288. Differs from it by: nothing.
    """

    def __call__(self, config: RunConfig) -> RunConfig:
        """Return the configuration with both orders stated."""
        return with_edit(config, StateBothOrders())
