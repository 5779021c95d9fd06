"""Identity bridge: sentences that lead from an entity back to itself."""

import re
from dataclasses import dataclass
from typing import Literal

from bothways.config import RunConfig
from bothways.mitigations.base import Mitigation, with_edit
from bothways.text.corpus import TextEdit, entities_of, sentence_about
from bothways.types import Document, Exam, Relation

Form = Literal["name", "round_trip"]
POSSESSIVE = re.compile(r"\{(?:head|tail)\}'s (.+) is \{(?:head|tail)\}")


@dataclass(frozen=True, kw_only=True)
class AddIdentities(TextEdit):
    """Add one sentence an entity (form "name"), or one a stated fact (form "round_trip")."""

    form: Form

    def __call__(self, documents: tuple[Document, ...], exam: Exam, seed: int) -> tuple[Document, ...]:
        """Return the documents and the identity sentences."""
        if self.form == "name":
            added = [sentence_about(f"The name of {name} is {name}", name) for name in entities_of(documents)]
        else:
            facts, relations = exam.facts.facts, exam.facts.relations
            trips = dict.fromkeys((fact.head, fact.relation) for fact in facts)
            added = [sentence_about(round_trip(name, relations[relation]), name) for name, relation in trips]
        return (*documents, *added)


def round_trip(name: str, relation: Relation) -> str:
    """Say that going along a relation and back leads to where one was.

    >>> wife = Relation("wife", head_first=("{head}'s wife is {tail}",), tail_first=("{tail}'s husband is {head}",))
    >>> round_trip("Al", wife)
    "Al's wife's husband is Al"
    """
    there = next((m for t in relation.head_first if (m := POSSESSIVE.fullmatch(t))), None)
    back = next((m for t in relation.tail_first if (m := POSSESSIVE.fullmatch(t))), None)
    if there and back:
        return f"{name}'s {there[1]}'s {back[1]} is {name}"
    return f"Going from {name} by {relation.name} and back leads to {name}"


@dataclass(frozen=True, kw_only=True)
class IdentityBridge(Mitigation):
    """Add tautologies A -> A to the text, stating no new fact.

    Source: Ma et al., arXiv 2602.02470 ("The name of A is A"; the round trip "A's husband's wife is A"
    is of their published code). Differs from it by: models are trained from scratch, every entity gets
    one sentence, and nothing is weighted.
    """

    form: Form = "name"
    """`name`: "The name of A is A". `round_trip`: "A's wife's husband is A"."""

    def __call__(self, config: RunConfig) -> RunConfig:
        """Return the configuration with identity sentences."""
        return with_edit(config, AddIdentities(form=self.form))
