"""The text of the world of graphs: shuffled paragraphs or single sentences, and questions to be tuned on."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from jaxtyping import Int

from bothways.errors import BothwaysError
from bothways.facts.graphs.chance import below, chances, draw
from bothways.facts.graphs.writer import Sentences, Writer, Written, statements
from bothways.facts.worlds.graphs import BOTH, HEAD_FIRST, JOB_OF, NEVER, TAIL_FIRST, TRIPLES, Graphs, Triples
from bothways.options import at_least
from bothways.text.corpus import TextSource, held_out
from bothways.text.drawn import Drawn
from bothways.types import Corpus, Exam

Form = Literal["paragraph", "sentence"]
STATED_OF_TESTED = 5
"""Triples of a tested graph that are stated."""


@dataclass(frozen=True, kw_only=True)
class GraphText(TextSource):
    """K paragraphs of each graph, or K sentences of each triple, and the questions that follow.

    Source: Zhu et al., arXiv 2601.02931, section on data, as described in secondary notes. Differs from it by: every
    relation is worded in both orders in told graphs, so that no question uses a wording nobody has seen; single
    sentences, distractors and "this person" are options of ours.
    """

    world: Graphs
    """The exam must be of the same world."""
    paragraphs: int = 10
    """K, how often each graph (or each triple) is told, in new words and a new order."""
    form: Form = "paragraph"
    """What a document is. In a paragraph of a tested graph its people meet in either order, so whoever asks for order
    asks for single sentences."""
    told: Literal["both", "head_first"] = "both"
    """Whether told graphs use both orders of a relation, or the order of the relation's own word alone."""
    tested: Literal["one", "both"] = "one"
    """Whether what is stated of tested graphs is stated in one order, or, as a control, in both."""
    distractors: float = 0.0
    """How likely a sentence is followed by one about nobody."""
    pronouns: float = 0.0
    """How likely "this person" stands for somebody who was just named first."""
    in_context: float = 0.0
    """Share of the questions that follow a paragraph about their own graph."""
    tuning: Literal["questions", "new"] = "questions"
    """What is read in tuning: questions about told graphs, or the graphs of the new pair."""
    new_told: float = 0.0
    """Share of the graphs of the new pair that are told in full, in both words; the others are told in half."""
    replay: float = 0.5
    """Share of the documents about the new pair's graphs that are of the first text instead, so that it is kept."""

    def __post_init__(self) -> None:
        at_least(1, "Raise it.", paragraphs=self.paragraphs)
        for name in ("distractors", "pronouns", "in_context", "new_told"):
            if not 0 <= getattr(self, name) <= 1:
                raise BothwaysError(f"{name} must be in [0, 1], got {name}={getattr(self, name)}. Choose a share.")
        for name in ("distractors", "pronouns"):
            if self.form == "sentence" and getattr(self, name):
                raise BothwaysError(
                    f"A single sentence has none beside it, got form=sentence and {name}={getattr(self, name)}. "
                    f"Set {name}=0, or form=paragraph."
                )
        if not 0 <= self.replay < 1:
            raise BothwaysError(f"replay must be in [0, 1), got replay={self.replay}. Choose a share.")
        n_free = self.world.n_new - len(self.world.new_asked)
        if round(self.new_told * self.world.n_new) > n_free:
            raise BothwaysError(
                f"{n_free} of {self.world.n_new} graphs of the new pair are not asked about, got "
                f"new_told={self.new_told}. Lower it, or new_tested of the world."
            )
        if self.tuning == "new" and not self.world.n_new:
            raise BothwaysError("The world has no graphs of a new pair, got n_new=0. Raise it, or tune on questions.")

    def write(self, exam: Exam, seed: int) -> Corpus:
        """Return the corpus; nothing of it is written before it is read.

        Raises:
            BothwaysError: the exam is of another world.
        """
        if exam.facts.source != self.world.source(exam.seed):
            raise BothwaysError(
                f"The text is of {self.world!r}, the exam of {exam.facts.source}. Give both the same world."
            )
        writer = Writer(world=self.world, seed=exam.seed)
        tuning = Asked(writer, self, seed) if self.tuning == "questions" else Injected(writer, self, seed)
        return Corpus(Told(writer, self, seed), held_out(exam), tuning)


@dataclass(frozen=True)
class Told(Drawn):
    """What a model is first trained on."""

    writer: Writer
    text: GraphText
    seed: int
    new: bool = False
    """Whether it is of the new pair's graphs instead: the first ones told in full, the others in half."""

    @property
    def words(self) -> tuple[str, ...]:
        """Every word of the world."""
        return self.writer.forms.words

    def bound(self, size_V: Int[np.ndarray, " V"]) -> int:
        """Return the tokens of the longest paragraph or sentence."""
        n = TRIPLES if self.text.form == "paragraph" else 1
        more = self.writer.longest("distractor", size_V) if self.text.distractors else 0
        return n * (self.writer.longest("statement", size_V) + more)

    @cached_property
    def sizes(self) -> tuple[int, int]:
        """Documents of one copy: of graphs told in full, and in half."""
        each, less = (1, 1) if self.text.form == "paragraph" else (TRIPLES, STATED_OF_TESTED)
        world = self.text.world
        full = self.n_full if self.new else world.n_graphs
        return full * each, (world.n_new - full if self.new else world.n_tested) * less

    @property
    def n_full(self) -> int:
        """Graphs of the new pair that are told in full."""
        return round(self.text.new_told * self.text.world.n_new)

    def __len__(self) -> int:
        """How many documents there are."""
        return self.text.paragraphs * sum(self.sizes)

    def write(self, row_R: Int[np.ndarray, " R"]) -> Written:
        """Return the words of documents by their numbers."""
        return self.writer.write(self.said(row_R))

    def said(self, row_R: Int[np.ndarray, " R"]) -> Sentences:
        """Return what documents say, by their numbers."""
        place_R = row_R % sum(self.sizes)
        tested_R = place_R >= self.sizes[0]
        part_R = np.where(tested_R, place_R - self.sizes[0], place_R)
        each_R = np.where(tested_R, STATED_OF_TESTED, TRIPLES)
        single = self.text.form == "sentence"
        which_R = np.divmod(part_R, each_R)[1] if single else np.zeros_like(part_R)
        graph_R = part_R // each_R if single else part_R
        world = self.text.world
        if self.new:
            number_R = world.numbers("new")[graph_R + self.n_full * tested_R]
        else:
            number_R = np.where(tested_R, world.numbers("tested")[graph_R * tested_R], graph_R)
        stated_R7 = self.stated(number_R, tested_R)
        if single:
            among_R7 = np.cumsum(stated_R7 != NEVER, axis=1) - 1
            stated_R7 = np.where(among_R7 == which_R[:, None], stated_R7, NEVER)
        made = world.triples(self.writer.seed, number_R)
        stream = f"{'new' if self.new else 'told'} {self.seed}"
        return statements(self.writer, made, stated_R7, row_R, stream, self.text.distractors, self.text.pronouns)

    def stated(self, number_R: np.ndarray, tested_R: np.ndarray) -> Int[np.ndarray, "R 7"]:
        """Return in which order each triple is stated, for told and tested graphs."""
        half_R7, full_R7 = self.text.world.stated(self.writer.seed, number_R), self.text.world.told(number_R)
        if self.text.told == "head_first":
            full_R7 = np.where(full_R7 == BOTH, HEAD_FIRST, full_R7)
        if self.text.tested == "both":
            jobs = np.isin(np.arange(TRIPLES), JOB_OF)
            half_R7 = np.where((half_R7 != NEVER) & ~jobs, BOTH, half_R7)
        return np.where(tested_R[:, None], half_R7, full_R7)


@dataclass(frozen=True)
class Injected(Drawn):
    """What a model reads later: the graphs of the new pair, and some documents of the first text again."""

    writer: Writer
    text: GraphText
    seed: int

    @cached_property
    def new(self) -> Told:
        """The documents of the new pair's graphs."""
        return Told(self.writer, self.text, self.seed, new=True)

    @cached_property
    def first(self) -> Told:
        """The documents that were read before."""
        return Told(self.writer, self.text, self.seed)

    @property
    def words(self) -> tuple[str, ...]:
        """Every word of the world."""
        return self.writer.forms.words

    def bound(self, size_V: Int[np.ndarray, " V"]) -> int:
        """Return the tokens of the longest paragraph or sentence."""
        return self.first.bound(size_V)

    def __len__(self) -> int:
        """How many documents there are, with those that are read again."""
        return len(self.new) + round(len(self.new) * self.text.replay / (1 - self.text.replay))

    def write(self, row_R: Int[np.ndarray, " R"]) -> Written:
        """Return the words of documents by their numbers: the new graphs', then any of the first text."""
        at_R = np.arange(len(row_R))
        old_R = row_R >= len(self.new)
        again_R = below(len(self.first), self.writer.seed, f"again {self.seed}", row_R)
        parts = [(self.new, row_R, at_R[~old_R]), (self.first, again_R, at_R[old_R])]
        said = [(told.said(number_R[mine]), mine) for told, number_R, mine in parts]
        return self.writer.write(together(*(replace(one, row_S=mine[one.row_S]) for one, mine in said)))


@dataclass(frozen=True)
class Asked(Drawn):
    """Questions and answers about told graphs alone, for tuning: nobody of a tested graph is in them.

    For each graph and copy: of every triple by either question, and whether a claim about the hub is true.
    """

    writer: Writer
    text: GraphText
    seed: int

    @property
    def words(self) -> tuple[str, ...]:
        """Every word of the world."""
        return self.writer.forms.words

    def bound(self, size_V: Int[np.ndarray, " V"]) -> int:
        """Return the tokens of the longest question with its answer, and of the paragraph before it."""
        before = STATED_OF_TESTED * self.writer.longest("statement", size_V) if self.text.in_context else 0
        return self.writer.longest("question", size_V) + before

    def __len__(self) -> int:
        """How many documents there are: each graph's are drawn anew in every copy."""
        return self.text.paragraphs * self.text.world.n_graphs * TRIPLES

    def write(self, row_R: Int[np.ndarray, " R"]) -> Written:
        """Return the words of documents by their numbers."""
        graph_R, which_R = np.divmod(row_R % (self.text.world.n_graphs * TRIPLES), TRIPLES)
        made = self.text.world.triples(self.writer.seed, graph_R)
        said = questions(self.writer, made, which_R, row_R, f"asked {self.seed}")
        if self.text.in_context:
            said = self._after_paragraphs(said, graph_R, made, row_R)
        return self.writer.write(said)

    def _after_paragraphs(self, said: Sentences, graph_R: np.ndarray, made: Triples, row_R: np.ndarray) -> Sentences:
        """Put half-told paragraphs of their own graphs before some of the questions."""
        stated_R7 = self.text.world.stated(self.writer.seed, graph_R)
        alone_R = chances(self.writer.seed, f"context {self.seed}", row_R) >= self.text.in_context
        stated_R7[alone_R] = NEVER
        before = statements(self.writer, made, stated_R7, row_R, f"context told {self.seed}")
        return together(before, said)


def together(first: Sentences, then: Sentences) -> Sentences:
    """Return the sentences of two texts row by row, those of the first before those of the other."""
    both = [np.concatenate(pair) for pair in zip(first.columns, then.columns, strict=True)]
    order = np.argsort(both[0], kind="stable")
    return Sentences(*(column[order] for column in both))


def questions(
    writer: Writer, made: Triples, which_R: Int[np.ndarray, " R"], row_R: Int[np.ndarray, " R"], stream: str
) -> Sentences:
    """Return a question with its answer about one triple of each row's graph.

    People are asked for by either question; every fourth time it is asked instead whether the relation holds, half of
    these times of the wrong partner.
    """
    seed, at_R = writer.seed, np.arange(len(row_R))
    bits_R = draw(seed, stream, row_R)
    relation_R, head_R, tail_R = (a[at_R, which_R] for a in (made.relation_G7, made.head_G7, made.tail_G7))
    job_R = relation_R == 0
    order_R = np.where(((bits_R & np.uint64(1)) == 1) & ~job_R, TAIL_FIRST, HEAD_FIRST)
    claim_R = (below(4, seed, f"{stream} claim", row_R) == 0) & ~job_R
    false_R = claim_R & ((bits_R & np.uint64(2)) == 2)
    other_R = np.where(which_R < 2, made.people_G3[:, 2], made.people_G3[:, 1])
    # the claim names the tail first; of the two people of the triple the hub stays, the partner is replaced
    hub_is_head_R = which_R % 2 == 0
    claimed_head_R = np.where(false_R & ~hub_is_head_R, other_R, head_R)
    claimed_tail_R = np.where(false_R & hub_is_head_R, other_R, tail_R)
    swapped_R = order_R == TAIL_FIRST
    return Sentences(
        at_R,
        np.where(claim_R, writer.claim(relation_R, false_R), writer.question(relation_R, order_R)),
        np.where(claim_R, claimed_tail_R, np.where(swapped_R, tail_R, head_R)),
        np.where(claim_R, claimed_head_R, np.where(swapped_R, head_R, tail_R)),
        job_R,
        np.ones(len(row_R), bool),
    )
