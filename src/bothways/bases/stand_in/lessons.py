"""The batches of a stand-in: short texts together, and passages to recover, with masks drawn anew at each visit.

A batch is a function of seed and step. Rows of a step are about as long as each other: one step reads short texts, the
next one passages to recover, in the shares that the recipe gives them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from bothways.bases.stand_in.corpus import StandInCorpus, Text
from bothways.bases.stand_in.tokenizer import turn_token
from bothways.batches.batches import Batches
from bothways.batches.tokenizers import Tokenizer
from bothways.tensors import SPECIAL, Batch
from bothways.text.chat_wording import RECOVER_ASSISTANT, RECOVER_USER, around
from bothways.types import Document

TOLD: Mapping[str, float] = {"plain": 0.6, "told": 0.2, "general": 0.2}
"""How much of the rows of short texts each kind gets at first: facts are learned before anybody asks for them."""
ASKED: Mapping[str, float] = {"plain": 0.25, "told": 0.1, "asks_tail": 0.2, "asks_head": 0.35, "general": 0.1}
"""The same in the last part of training."""
RATIOS = (0.05, 0.95)
"""Least and largest share of a passage that is hidden."""
WHOLE = 0.5
"""Share of the passages of which names are hidden as wholes or not at all."""


@dataclass(frozen=True)
class Row:
    """A row before it is filled up: its tokens, whose they are, and where what is learned begins."""

    ids: list[int]
    entity: list[int]
    learned: int


class Lessons(Batches):
    """Batches for a stand-in.

    Args:
        corpus: the texts.
        tokenizer: a stand-in's.
        rows: short texts in a batch; passages to recover are half as many, being twice as long.
        recover: share of the steps that read passages to recover.
        switch: the first step that asks questions.
        seed: of everything that is drawn.
    """

    def __init__(
        self, corpus: StandInCorpus, tokenizer: Tokenizer, rows: int, recover: float, switch: int, seed: int
    ) -> None:
        self._tokenizer, self._recover = tokenizer, recover
        self.batch_size, self.seed = rows, seed
        self._switch = switch
        self._kinds = {kind: [self._row(text) for text in found] for kind in ASKED if (found := corpus.of(kind))}
        self._short = max(len(row.ids) for rows in self._kinds.values() for row in rows)
        passages = {text.document.text: text.document for text in corpus.of("plain")}
        self._passages = [self._encode(passage) for passage in passages.values()]
        turns = self._pieces(turn_token("user")), self._pieces(turn_token("assistant"))
        before, after = (self._pieces(part) for part in around(RECOVER_USER))
        said, _ = around(RECOVER_ASSISTANT)
        self._before = [SPECIAL.begin, *turns[0], *before]
        self._between = [*after, SPECIAL.end, *turns[1], *self._pieces(said)]

    @property
    def length(self) -> int:
        """Tokens in the longest row."""
        longest = max(len(ids) for ids, _ in self._passages)
        return max(self._short, len(self._before) + len(self._between) + 2 * longest + 1)

    def at(self, step: int) -> Batch:
        """Return the batch of one step, counted from 0."""
        chance = np.random.default_rng([self.seed, step])
        if int((step + 1) * self._recover) > int(step * self._recover):
            chosen = chance.integers(len(self._passages), size=self.batch_size // 2)
            return fill([self._hidden(self._passages[i], chance) for i in chosen.tolist()])
        shares = {
            kind: share for kind, share in (TOLD if step < self._switch else ASKED).items() if kind in self._kinds
        }
        weights = np.array(list(shares.values()))
        kinds = chance.choice(list(shares), size=self.batch_size, p=weights / weights.sum())
        return fill([self._kinds[kind][int(chance.integers(len(self._kinds[kind])))] for kind in kinds.tolist()])

    def _hidden(self, passage: tuple[list[int], list[int]], chance: np.random.Generator) -> Row:
        """Return a passage to recover: tokens are hidden at one rate, and in half of the cases names as wholes."""
        ids, entity = passage
        score, owner = chance.random(len(ids)), np.array(entity)
        if chance.random() < WHOLE:
            score = np.where(owner < 0, score, chance.random(max(entity) + 2)[owner])
        hidden = score < chance.uniform(*RATIOS)
        shown = np.where(hidden, SPECIAL.mask, ids).tolist()
        start = [*self._before, *shown, *self._between]
        return Row([*start, *ids, SPECIAL.end], [*[-1] * len(start), *entity, -1], len(start))

    def _row(self, text: Text) -> Row:
        ids, entity = self._encode(text.document)
        start = [SPECIAL.begin]
        if text.user is not None:
            user, assistant = turn_token("user"), turn_token("assistant")
            start += self._pieces(f"{user}{text.user}<|end|>{assistant}")
        return Row([*start, *ids, SPECIAL.end], [*[-1] * len(start), *entity, -1], len(start))

    def _encode(self, document: Document) -> tuple[list[int], list[int]]:
        encoded = self._tokenizer.encode(document.text, document.entities)
        return encoded.ids, encoded.entity

    def _pieces(self, text: str) -> list[int]:
        return [token for token, _ in self._tokenizer.pieces(text)]


def fill(rows: Sequence[Row]) -> Batch:
    """Return rows as a batch, each filled up with end tokens."""
    length = max(len(row.ids) for row in rows)
    tokens_BL = torch.full((len(rows), length), SPECIAL.end)
    entity_BL = torch.full((len(rows), length), -1)
    target_BL = torch.zeros(len(rows), length, dtype=torch.bool)
    for b, row in enumerate(rows):
        tokens_BL[b, : len(row.ids)] = torch.tensor(row.ids)
        entity_BL[b, : len(row.ids)] = torch.tensor(row.entity)
        target_BL[b, row.learned : len(row.ids)] = True
    return Batch(tokens_BL, target_BL, entity_BL, torch.arange(len(rows)))
