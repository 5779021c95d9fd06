"""Chains whose entities share a word: the related-token chain data of the training-dynamics study."""

import random
from dataclasses import dataclass

from bothways.errors import BothwaysError
from bothways.facts.words import word_notice
from bothways.facts.worlds.chain import CHAIN, link
from bothways.options import at_least
from bothways.types import FactSet, FactSource


@dataclass(frozen=True, kw_only=True)
class ChainRelated(FactSource):
    """Chains "x i → y i", "y i → z i" and the indirect "x i ⇝ z i": x, y and z are fixed, i tells the triples apart.

    Unlike the entities of `chain`, these share words, from which the rule could be read off. It needs
    `tokenizer.kind=word`: with one token an entity nothing is shared, and it is the world `chain`.

    Source: Zhu et al., arXiv 2405.04669, its released code for related tokens. Differs from it by: every row begins
    with a begin token and ends with an end token, and words that no sentence uses are not in the model's vocabulary.

    >>> len(ChainRelated(n_train=10).make(seed=0).facts)
    180
    """

    n_words: int = 600
    """Number of words i to draw from."""
    n_train: int = 200
    """Triples that state all three facts; the source has 10 to 500."""
    n_tested: int = 50
    """Triples that state two, and are asked the third."""

    def __post_init__(self) -> None:
        at_least(1, "Ask for at least one triple.", n_train=self.n_train, n_tested=self.n_tested)
        if self.n_words < self.n_train + self.n_tested:
            raise BothwaysError(
                f"Every triple needs a word of its own: {self.n_train} + {self.n_tested} triples, got "
                f"n_words={self.n_words}. Raise n_words or lower n_train."
            )

    def make(self, seed: int) -> FactSet:
        """Return the facts of all triples, their orders settled, which depend on `seed` alone."""
        digits = len(str(self.n_words - 1))
        drawn = random.Random(f"chain_related {seed}").sample(range(self.n_words), self.n_train + self.n_tested)
        triples = [(f"x i{n:0{digits}}", f"y i{n:0{digits}}", f"z i{n:0{digits}}") for n in drawn]
        facts = link(triples, self.n_train, self.n_tested)
        return FactSet("chain_related", facts, dict(CHAIN), f"{self!r}, seed {seed}", word_notice(2))
