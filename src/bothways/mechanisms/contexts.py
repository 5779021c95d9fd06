"""A fact asked from both of its texts: what the probes of reversal compare.

A fact that training states as "A R B" is asked in two contexts. A masked objective restores A in both, from the stated
text, "[M] R B" (`forward`), and from the text of the other order, "B R' [M]" (`reverse`), which training never showed.
A model that reads left to right cannot do the first; its forward context is the prompt "A R" for B, its reverse context
the prompt "B R'" for A: the control of the same probes. Which of the two a model is, its objective's reading tells.

Source: the contexts of Jeon et al., arXiv 2602.02133. Differs from it by: B R' is the relation's own text of the other
order, the mirrored text only where the relation is symmetric.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from bothways.batches.tokenizers import Tokenizer
from bothways.cross_entropy import parts
from bothways.errors import BothwaysError
from bothways.evaluation.scoring import room_needed
from bothways.facts.templates import render
from bothways.facts.wording import OneOrder, first_named, last_named, opposite, orders, questions, templates_of
from bothways.tensors import LanguageModel, Objective, Prepared, Trace
from bothways.types import Exam, Fact

ROWS = 64
"""Rows whose inside is looked at at once, at most."""
TRACED = 2**25
"""Numbers of a trace that exist at once: 128 MB."""


def rows_at_once(model: LanguageModel, length: int) -> int:
    """Return how many rows of so many tokens are traced at once: streams and scores of all blocks are kept.

    Heads are taken to be 32 channels wide or wider.
    """
    width = model.embedding_VD.shape[-1]
    return max(1, min(ROWS, TRACED // ((model.n_layers + 1) * length * (width + length * max(1, width // 32)))))


@dataclass(frozen=True, slots=True)
class Pair:
    """A fact that training states in one order, with a text of that order and one of the other."""

    fact: Fact
    stated: str
    """Template that names `first` before `last`."""
    opposite: str
    """Template that names `last` before `first`."""

    @property
    def first(self) -> str:
        """The entity its statement names first: A."""
        return first_named(self.fact)

    @property
    def last(self) -> str:
        """The entity its statement names last: B."""
        return last_named(self.fact, orders(self.fact)[0])

    def named(self, first: str, last: str) -> "Pair":
        """Return the same texts about other entities."""
        head, tail = (last, first) if self.fact.stated == "tail_first" else (first, last)
        return replace(self, fact=replace(self.fact, head=head, tail=tail))


@dataclass(frozen=True, slots=True)
class Contexts:
    """N texts, in each of which one entity is to be restored and the other can be read."""

    prepared: Prepared
    """What is read, and the tokens of the asked entity, every one counting the same."""
    query_N: Int[Tensor, " N"]
    """Place whose stream says the first token of the asked entity."""
    length_N: Int[Tensor, " N"]
    """Tokens before the asked entity."""
    cue_NL: Bool[Tensor, "N L"]
    """Tokens of the other entity."""
    answer_N: Int[Tensor, " N"]
    """First token of the asked entity."""

    @property
    def offset_N(self) -> Tensor:
        """Places from the query to the given entity, to its middle if it has several tokens; negative to the left."""
        place_L = torch.arange(self.cue_NL.shape[1])
        middle_N = (self.cue_NL * place_L).sum(1) / self.cue_NL.sum(1)
        return middle_N - self.query_N

    def traces(self, model: LanguageModel) -> Iterator[tuple[Trace, slice]]:
        """Yield what the model computes on the way, and for which of the rows."""
        for rows in parts(len(self.query_N), rows_at_once(model, self.cue_NL.shape[1])):
            yield model.trace(self.prepared.input_BL[rows], causal=self.prepared.causal), rows


@dataclass(frozen=True)
class Asker:
    """How one model restores an entity of a text: by filling in masks, or by going on with a prompt."""

    model: LanguageModel
    tokenizer: Tokenizer
    fills_in: bool
    """Whether it reads masks where it is asked."""
    causal: bool
    """Whether it reads left to right."""
    length: int
    """Tokens in a row, as in training."""

    @classmethod
    def of(cls, model: LanguageModel, objective: Objective, tokenizer: Tokenizer, exam: Exam) -> "Asker":
        """See from a reading how the objective asks."""
        row_1L, one_1 = torch.tensor([[*tokenizer.start, tokenizer.special.end] * 2]), torch.tensor([1])
        read = objective.reading(model, row_1L, one_1)
        fills_in = int(read.input_BL[0, read.place_B[0]]) == model.special.mask
        return cls(model, tokenizer, fills_in, read.causal, room_needed(exam, tokenizer))

    def forward(self, pairs: Sequence[Pair]) -> Contexts:
        """Return the stated texts: their first entity is asked for, or the last by a model that reads left to right."""
        return self.restore([(pair.stated, pair.fact, int(self.causal)) for pair in pairs])

    def reverse(self, pairs: Sequence[Pair]) -> Contexts:
        """Return the texts of the other order, asked for the entity that the stated ones name first."""
        return self.restore([(pair.opposite, pair.fact, 1) for pair in pairs])

    def restore(self, texts: Sequence[tuple[str, Fact, int]]) -> Contexts:
        """Return the contexts of (template, fact, which entity is asked for: 0 the first of the text, 1 the second)."""
        tokens_NL, entity_NL = self.rows([(template, fact) for template, fact, _ in texts])
        asked_NL = entity_NL == torch.tensor([[which] for _, _, which in texts])
        cue_NL = (entity_NL >= 0) & ~asked_NL
        first_N = asked_NL.int().argmax(1)
        answer_N = tokens_NL[torch.arange(len(texts)), first_N]
        if self.fills_in:
            masked_NL = tokens_NL.masked_fill(asked_NL, self.model.special.mask)
            prepared = Prepared(masked_NL, tokens_NL, asked_NL.float(), self.causal)
            query_N = place_in_stream(self.model, first_N, causal=self.causal)
            return Contexts(prepared, query_N, first_N, cue_NL, answer_N)
        prepared = Prepared(tokens_NL[:, :-1], tokens_NL[:, 1:], asked_NL[:, 1:].float(), self.causal)
        return Contexts(prepared, first_N - 1, first_N, cue_NL[:, :-1], answer_N)

    def rows(self, texts: Sequence[tuple[str, Fact]]) -> tuple[Tensor, Tensor]:
        """Return the texts as rows of tokens, and which entity of its text each belongs to: 0, 1 or -1.

        Where the tokenizer puts nothing before a text, a row begins with its begin token: the first entity has to
        be said by something.
        """
        start, end = list(self.tokenizer.start) or [self.tokenizer.special.begin], self.tokenizer.special.end
        encoded = [self.tokenizer.encode(*render(template, fact)) for template, fact in texts]
        length = max(self.length, *(len(start) + len(one.ids) + 1 for one in encoded))
        fill = [length - len(start) - len(one.ids) for one in encoded]
        tokens = [[*start, *one.ids, *[end] * n] for one, n in zip(encoded, fill, strict=True)]
        entity = [[*[-1] * len(start), *one.entity, *[-1] * n] for one, n in zip(encoded, fill, strict=True)]
        return torch.tensor(tokens), torch.tensor(entity)


def place_in_stream(model: LanguageModel, place_N: Int[Tensor, " N"], *, causal: bool) -> Int[Tensor, " N"]:
    """Return where the stream of a trace says what the hidden vectors of these places say."""
    return place_N if causal else (place_N - model.shift).clamp(min=0)


def stated_once(exam: Exam, most: int) -> list[Pair]:
    """Return facts that training states in one order only, whatever is asked of them, at most so many."""
    once = [n for n, fact in enumerate(exam.facts.facts) if fact.stated != "both"]
    return [pair_of(exam, number) for number in once[:most]]


def tested_pairs(exam: Exam, most: int) -> list[Pair]:
    """Return the facts of the exam's reverse test questions, at most so many: each is stated in one order only.

    Raises:
        BothwaysError: there are fewer than two, and nothing to compare a pair with.
    """
    asked = [q for q in exam.queries if q.kind in ("reverse_tested", "reverse_partner") and q.split == "test"]
    pairs = [pair_of(exam, number) for number in list(dict.fromkeys(q.fact for q in asked))[:most]]
    if len(pairs) < 2:
        raise BothwaysError(
            f"A probe of reversal compares at least 2 facts of the test questions, got {len(pairs)}. Give more facts."
        )
    return pairs


def pair_of(exam: Exam, number: int) -> Pair:
    """Return a fact with its texts, of each order the first with no word after the second entity, as questions are."""
    fact = exam.facts.facts[number]
    relation = exam.facts.relations[fact.relation]

    def text(order: OneOrder) -> str:
        templates = templates_of(relation, order)
        ends = [one.ends for one in questions(relation, fact, order)]
        return next((t for t, e in zip(templates, ends, strict=True) if not any(map(str.isalnum, e))), templates[0])

    return Pair(fact, text(orders(fact)[0]), text(opposite(fact)))
