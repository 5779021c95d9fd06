"""Lives as paragraphs: the full name in the first sentence, "She" or "He" in all others."""

from dataclasses import dataclass

import numpy as np

from bothways.errors import BothwaysError
from bothways.facts.lives import ATTRIBUTES
from bothways.facts.templates import render
from bothways.facts.wording import orders
from bothways.options import at_least
from bothways.text.corpus import TextSource, held_out, state
from bothways.types import Corpus, Document, Exam, Fact, Span

PRONOUNS = ("She", "He")


@dataclass(frozen=True, kw_only=True)
class BiographyText(TextSource):
    """One paragraph a person and version, a sentence an attribute, its wording drawn from twenty.

    Facts that are stated tail first, too or only, are told in a sentence of their own beside it.

    Source: the biographies of Allen-Zhu and Li, arXiv 2309.14402, in the form that masked fine-tuning reads them
    (Pan et al., arXiv 2510.09885): one order, pronouns after the first sentence. Differs from it by: sentences of our
    own.
    """

    versions: int = 1
    """Paragraphs for each person, in other words; the order of the attributes is the same."""
    mixed: bool = False
    """Whether each version tells the attributes in another order."""

    def __post_init__(self) -> None:
        at_least(1, "Write each life at least once.", versions=self.versions)

    def write(self, exam: Exam, seed: int) -> Corpus:
        """Return the paragraphs, person by person.

        Raises:
            BothwaysError: the facts are not those of the world `biographies`.
        """
        lives: dict[str, list[int]] = {}
        back: list[Document] = []
        for n, fact in enumerate(exam.facts.facts):
            if fact.relation not in ATTRIBUTES:
                raise BothwaysError(
                    f"Paragraphs are written of the world biographies, got the relation {fact.relation!r}. "
                    "Give that world, or leave the text as it is."
                )
            if "head_first" in orders(fact):
                lives.setdefault(fact.head, []).append(n)
            if "tail_first" in orders(fact):
                back += state(exam.facts, n, fact, "tail_first")
        told = [
            self.paragraph(exam, members, np.random.default_rng([seed, version, number]), version)
            for number, members in enumerate(lives.values())
            for version in range(self.versions)
        ]
        return Corpus((*told, *back), held_out(exam))

    def paragraph(self, exam: Exam, members: list[int], chance: np.random.Generator, version: int) -> Document:
        """Return one life, its entities marked."""
        facts = [exam.facts.facts[n] for n in members]
        order = chance.permutation(len(facts)).tolist() if self.mixed and version else list(range(len(facts)))
        pronoun = PRONOUNS[sum(map(ord, facts[0].head)) % len(PRONOUNS)]
        text, spans = "", list[Span]()
        for place, n in enumerate(order):
            fact = facts[n]
            wording = ATTRIBUTES[fact.relation].told[int(chance.integers(len(ATTRIBUTES[fact.relation].told)))]
            named = fact if place == 0 else Fact(pronoun, fact.relation, fact.tail)
            sentence, found = render(wording, named)
            at = len(text) + bool(text)
            kept = found if place == 0 else found[1:]
            spans += [Span(span.start + at, span.end + at, span.entity) for span in kept]
            text = f"{text} {sentence}".lstrip()
        return Document(text, tuple(members), "head_first", tuple(spans))
