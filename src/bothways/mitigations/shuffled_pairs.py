"""Shuffled pairs: true heads, true tails, wrong pairs. A negative control: every direction must fail."""

from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np

from bothways.config import RunConfig
from bothways.mitigations.base import Mitigation, with_edit
from bothways.text.corpus import TextEdit, statements
from bothways.types import Document, Exam


@dataclass(frozen=True, kw_only=True)
class ShufflePairs(TextEdit):
    """Give every fact the tail of another fact of its relation."""

    def __call__(self, documents: tuple[Document, ...], exam: Exam, seed: int) -> tuple[Document, ...]:
        """Return statements of wrong pairs; the documents given are replaced."""
        random = np.random.default_rng(seed)
        groups: dict[str, list[int]] = defaultdict(list)
        for i, fact in enumerate(exam.facts.facts):
            groups[fact.relation].append(i)
        shuffled = list(exam.facts.facts)
        for members in groups.values():
            order = random.permutation(members).tolist()
            for i, source in zip(order, (*order[1:], order[0]), strict=True):  # one cycle: nobody keeps their tail
                shuffled[i] = replace(shuffled[i], tail=exam.facts.facts[source].tail)
        return statements(replace(exam.facts, facts=tuple(shuffled)))


@dataclass(frozen=True, kw_only=True)
class ShuffledPairs(Mitigation):
    """Whatever this arm answers, it did not learn from the facts.

    Source: none; a negative control (the design's list of controls that must fail).
    """

    def __call__(self, config: RunConfig) -> RunConfig:
        """Return the configuration with pairs shuffled."""
        return with_edit(config, ShufflePairs())
