"""The text of the world of graphs: any row of it from its number alone, thousands of sentences at once.

Axis letters of this file: R rows, S sentences, W words, G graphs.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from jaxtyping import Int

from bothways.facts.graphs.chance import below, chances, draw
from bothways.facts.graphs.jobs import JOBS
from bothways.facts.graphs.sentences import WORD, Forms, Names, expand
from bothways.facts.graphs.words import ANAPHOR, DISTRACTORS, name_parts
from bothways.facts.worlds.graphs import BOTH, HEAD_FIRST, NEVER, TAIL_FIRST, TRIPLES, Graphs, Triples

Sort = Literal["statement", "question", "distractor"]
TEMPLATES = 4
"""Templates of a relation in each order."""
QUESTIONS = ("Who is {first}'s RELATION? Answer: {second}", "Whose RELATION is {first}? Answer: {second}")
"""Of what the head is asked, and of what the tail."""
JOB_QUESTION = "What is {first}'s job? Answer: {second}"
CLAIMS = ("Is {first} the RELATION of {second}? Answer: yes", "Is {first} the RELATION of {second}? Answer: no")


@dataclass(frozen=True)
class Written:
    """Rows of words, one after the other."""

    word_W: Int[np.ndarray, " W"]
    row_W: Int[np.ndarray, " W"]
    entity_W: Int[np.ndarray, " W"]
    """Which entity occurrence of its row a word belongs to, -1 for none."""


@dataclass(frozen=True)
class Sentences:
    """What is said, before it is worded."""

    row_S: Int[np.ndarray, " S"]
    """In ascending order."""
    form_S: Int[np.ndarray, " S"]
    first_S: Int[np.ndarray, " S"]
    """People."""
    second_S: Int[np.ndarray, " S"]
    """People, or jobs."""
    job_S: np.ndarray
    """Whether the second is a job."""
    named_S: np.ndarray
    """Whether the first is named; "this person" otherwise."""

    @property
    def columns(self) -> tuple[np.ndarray, ...]:
        """Everything, in the order of the fields."""
        return self.row_S, self.form_S, self.first_S, self.second_S, self.job_S, self.named_S

    def take(self, of_T: np.ndarray) -> "Sentences":
        """Return sentences by their places."""
        return Sentences(*(column[of_T] for column in self.columns))


@dataclass(frozen=True, kw_only=True)
class Writer:
    """Writes what a world and seed hold."""

    world: Graphs
    seed: int

    @cached_property
    def forms(self) -> Forms:
        """All words, and all templates: those of each relation by order, then questions, claims, distractors.

        Statements end in a period. A question's form asks with one relation and names the answer.
        """
        world = self.world
        parts = [part for pool in name_parts() for part in pool[: world.pool]]
        if world.parts == 1:
            parts = [world.person(number) for number in range(world.n_people)]
        texts = [
            (_plain(t), True)
            for r in world.relations.values()
            for t in (*r.head_first, *(r.tail_first or r.head_first))
        ]
        asked = [
            (t.replace("RELATION", name), False)
            for name in world.relations
            for t in (QUESTIONS if name != "job" else (JOB_QUESTION,) * 2)
        ]
        claimed = [(t.replace("RELATION", name), False) for name in world.relations for t in CLAIMS]
        texts = (*texts, *asked, *claimed, *((text, True) for text in DISTRACTORS))
        jobs = (word for title in JOBS[: world.n_jobs] for word in WORD.findall(title))
        said = (
            word for text, _ in texts for word in WORD.findall(text.replace("{first}", " ").replace("{second}", " "))
        )
        return Forms(tuple(dict.fromkeys([*parts, *jobs, *said, *ANAPHOR, ".", "'s"])), tuple(texts))

    @property
    def n_relations(self) -> int:
        """How many relations there are, the job included."""
        return len(self.world.relations)

    @property
    def n_name_words(self) -> int:
        """How many of the first words are of names: pool by pool, or person by person."""
        return 3 * self.world.pool if self.world.parts == 3 else self.world.n_people

    def statement(self, relation_S: np.ndarray, order_S: np.ndarray, template_S: np.ndarray) -> np.ndarray:
        """Return the number of a statement's form; the order is HEAD_FIRST or TAIL_FIRST."""
        return (relation_S * 2 + (order_S == TAIL_FIRST)) * TEMPLATES + template_S

    def question(self, relation_S: np.ndarray, order_S: np.ndarray) -> np.ndarray:
        """Return the number of a question's form: head first, it asks for the tail."""
        return self.n_relations * 2 * TEMPLATES + relation_S * 2 + (order_S == TAIL_FIRST)

    def claim(self, relation_S: np.ndarray, false_S: np.ndarray) -> np.ndarray:
        """Return the number of the form that says whether the first is the RELATION of the second."""
        return self.n_relations * 2 * (TEMPLATES + 1) + relation_S * 2 + false_S

    def distractor(self, which_S: np.ndarray) -> np.ndarray:
        """Return the number of a distractor's form."""
        return self.n_relations * 2 * (TEMPLATES + 2) + which_S

    def spell(self, written: Written) -> list[str]:
        """Return the words themselves."""
        numbers: list[int] = written.word_W.tolist()
        return [self.forms.words[number] for number in numbers]

    def longest(self, sort: Sort, size_V: Int[np.ndarray, " V"] | None = None) -> int:
        """Return the words of the longest sentence of a sort, or its tokens, where each word has so many."""
        size_V = np.ones(len(self.forms.words), np.int64) if size_V is None else size_V
        n = self.n_relations * 2
        first, last = {
            "statement": (0, n * TEMPLATES),
            "question": (n * TEMPLATES, n * (TEMPLATES + 2)),
            "distractor": (n * (TEMPLATES + 2), None),
        }[sort]
        codes, start_F, _ = self.forms.codes
        plain_F = np.add.reduceat(np.where(codes >= 0, size_V[codes], 0), start_F)[first:last]
        person = int(size_V[: self.n_name_words].reshape(self.world.parts, -1).max(1).sum())
        job = int(np.add.reduceat(size_V[self._jobs[0]], self._jobs[1]).max())
        return int(plain_F.max()) + (0 if sort == "distractor" else person + max(person, job))

    @cached_property
    def _jobs(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Words of all jobs, where each starts, and how many it has."""
        rows = [[self.forms.number[word] for word in WORD.findall(title)] for title in JOBS[: self.world.n_jobs]]
        size = np.array([len(row) for row in rows], np.int64)
        return np.array([word for row in rows for word in row], np.int64), np.cumsum(size) - size, size

    def people(self, person_S: Int[np.ndarray, " S"]) -> Names:
        """Return the words of each person's name."""
        pool, n, parts = self.world.pool, len(person_S), self.world.parts
        if parts == 1:
            return Names(person_S, np.arange(n), np.full(n, 1))
        word_S3 = np.stack([person_S // pool**2, person_S // pool % pool + pool, person_S % pool + 2 * pool], axis=1)
        return Names(word_S3.reshape(-1), parts * np.arange(n), np.full(n, parts))

    def write(self, said: Sentences) -> Written:
        """Word sentences, and number the entities of each row; "this person" is no entity."""
        words, start_J, size_J = self._jobs
        first = self.people(said.first_S)
        anaphor = np.array([self.forms.number[word] for word in ANAPHOR])
        first = Names(
            np.concatenate([first.word_E, anaphor]),
            np.where(said.named_S, first.start_S, len(first.word_E)),
            np.where(said.named_S, first.size_S, len(anaphor)),
        )
        person_S = np.where(said.job_S, 0, said.second_S)
        job_S = np.where(said.job_S, said.second_S, 0)
        second = self.people(person_S)
        second = Names(
            np.concatenate([second.word_E, words]),
            np.where(said.job_S, len(second.word_E) + start_J[job_S], second.start_S),
            np.where(said.job_S, size_J[job_S], second.size_S),
        )
        out = self.forms.say(said.form_S, first, second)
        row_W = said.row_S[out.sentence_W]
        at_S = np.arange(len(said.row_S)) - np.searchsorted(said.row_S, said.row_S)
        named_W = (out.entity_W == 1) | ((out.entity_W == 0) & said.named_S[out.sentence_W])
        entity_W = np.where(named_W, 2 * at_S[out.sentence_W] + out.entity_W, -1)
        return Written(out.word_W, row_W, entity_W)


def _plain(template: str) -> str:
    """Return a relation's template with its entities by their place."""
    head, tail = (
        ("{first}", "{second}") if template.index("{head}") < template.index("{tail}") else ("{second}", "{first}")
    )
    return template.replace("{head}", head).replace("{tail}", tail)


def statements(
    writer: Writer,
    made: Triples,
    stated_R7: Int[np.ndarray, "R 7"],
    row_R: Int[np.ndarray, " R"],
    stream: str,
    distractors: float = 0.0,
    pronouns: float = 0.0,
) -> Sentences:
    """Return the stated triples of each row's graph, in an order and wording of the row's own.

    Args:
        writer: of the world.
        made: each row's triples.
        stated_R7: in which order each is stated; with BOTH the row draws one.
        row_R: an address for each row's draws.
        stream: what the draws are for.
        distractors: how likely each statement is followed by a sentence about nobody.
        pronouns: how likely "this person" stands for somebody whom the sentence before names first.
    """
    seed, n = writer.seed, len(row_R)
    place_R7 = row_R[:, None] * TRIPLES + np.arange(TRIPLES)
    bits_R7 = draw(seed, stream, place_R7)
    order_R7 = np.where(stated_R7 == BOTH, np.where(bits_R7 & np.uint64(1), TAIL_FIRST, HEAD_FIRST), stated_R7)
    template_R7 = ((bits_R7 >> np.uint64(1)) % np.uint64(TEMPLATES)).astype(np.int64)
    turn_R7 = np.where(stated_R7 == NEVER, np.iinfo(np.int64).max, (bits_R7 >> np.uint64(8)).astype(np.int64))
    by_turn_R7 = np.argsort(turn_R7, axis=1)
    stated_N = np.take_along_axis(stated_R7, by_turn_R7, 1).reshape(-1) != NEVER
    row_S = np.repeat(np.arange(n), TRIPLES)[stated_N]
    which_S = by_turn_R7.reshape(-1)[stated_N]
    head_S, tail_S, relation_S = (column[row_S, which_S] for column in (made.head_G7, made.tail_G7, made.relation_G7))
    order_S, template_S = order_R7[row_S, which_S], template_R7[row_S, which_S]
    swapped_S, job_S = order_S == TAIL_FIRST, relation_S == 0
    first_S = np.where(swapped_S, tail_S, head_S)
    again_S = np.r_[False, (first_S[1:] == first_S[:-1]) & (row_S[1:] == row_S[:-1])]
    said = Sentences(
        row_S,
        writer.statement(relation_S, order_S, template_S),
        first_S,
        np.where(swapped_S, head_S, tail_S),
        job_S,
        ~(again_S & (chances(seed, f"{stream} pronoun", row_R[row_S] * TRIPLES + which_S) < pronouns)),
    )
    return with_distractors(writer, said, row_R, stream, distractors) if distractors else said


def with_distractors(writer: Writer, said: Sentences, row_R: np.ndarray, stream: str, share: float) -> Sentences:
    """Put sentences about nobody after some sentences."""
    place_S = row_R[said.row_S] * TRIPLES + np.arange(len(said.row_S)) - np.searchsorted(said.row_S, said.row_S)
    more_S = chances(writer.seed, f"{stream} more", place_S) < share
    _, of_T = expand(np.zeros(len(more_S), np.int64), 1 + more_S)
    extra_T = np.r_[False, of_T[1:] == of_T[:-1]]
    which_T = below(len(DISTRACTORS), writer.seed, f"{stream} which", place_S)[of_T]
    longer = said.take(of_T)
    return replace(longer, form_S=np.where(extra_T, writer.distractor(which_T), longer.form_S))
