"""The exam of the world of graphs: what was told, what follows from it, and what follows from a context.

Every question about what follows gives the hub and asks for one of its two partners, so that who answers by association
alone is right half of the time; so do flips and memory. What was stated is asked as it was stated: where the text names
the hub last, a partner is given. Kinds, `SORT` being `symmetric` or `inverse`:

    memory_job, memory_people      told graphs: a job; a partner, by any wording that names the hub first
    stated_SORT                    tested graphs: what was stated, in the order in which it was stated
    flipped_SORT                   the same triple in the other order, which nobody has stated
    logic_SORT_forward, _reverse   the triple that follows and was never stated, asked in the order in which the two
                                   people stood in the text, and in the other order
    context_SORT_copy              graphs in no text: their paragraph stands in the prompt; what it states, again
    context_SORT_forward, _reverse the triple that follows from it, by the order in which it names the two
    ask_...                        any of these as a question, in the form that tuning teaches
    claim_SORT_forward, _reverse   whether the triple that follows holds, of the right partner and of the other one: yes
                                   or no; forward where the claim names the two in the order of the text
    stated_new_SORT                graphs of the new pair that are told in half: what was stated, as `stated_SORT`
    new_SORT_forward, _reverse     what follows by the new pair, as `logic_SORT_...`
    flip                           the hub under its other relation, where the partner just asked for is wrong

Axis letters as in `writer.py`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from bothways.facts.graphs.chance import below, draw, shuffle
from bothways.facts.graphs.jobs import JOBS
from bothways.facts.graphs.sentences import join
from bothways.facts.graphs.writer import TEMPLATES, Sentences, Writer, statements
from bothways.facts.worlds.graphs import HEAD_FIRST, NEVER, TAIL_FIRST, TRIPLES, Graphs, Part, Triples
from bothways.types import Exam, Fact, FactSet, Query, Span

Style = Literal["statement", "question", "claim"]
STYLES: tuple[tuple[Style, str], ...] = (("statement", ""), ("question", "ask_"))
"""With what a kind's name begins in each."""
SORTS = ("symmetric", "inverse")
"""Of relations."""
N_RIVALS = 20
"""People of other graphs among the candidates."""
YES_NO = ("yes", "no")


@dataclass(frozen=True)
class Ask:
    """One question to come: which triple of which graph, in which words."""

    kind: str
    part: Part
    place: int
    """Of the graph, among those of its part."""
    triple: int
    order: int
    """HEAD_FIRST gives the head and asks for the tail."""
    stated: bool
    style: Style = "statement"
    false: bool = False
    """Of a claim: whether it is made about the wrong partner."""
    context: bool = False
    """Whether the graph's paragraph stands before it."""
    of: int | None = None
    """For a flip: the question it repeats."""


def graph_exam(world: Graphs, seed: int, n: int = 100, contexts: bool = True, questions: bool = True) -> Exam:
    """Return the exam of a world: up to n questions of each kind, all of them for the test.

    Args:
        world: what is told, tested, and kept for contexts.
        seed: of the world; the same one writes its text.
        n: most graphs of each part that are asked about.
        contexts: whether to ask about graphs that stand in the prompt: rows must then hold a paragraph.
        questions: whether to ask in the forms that only tuning on questions teaches, too.
    """
    chosen = [one for one in asks(world, seed, n, contexts) if questions or one.style == "statement"]
    asked = with_flips(world, chosen)
    parts: tuple[Part, ...] = ("told", "tested", "context", "new")
    known = {(one.part, one.place) for one in asked}
    places = {part: sorted(place for p, place in known if p == part) for part in parts}
    facts, base = list[Fact](), dict[tuple[str, int], int]()
    for part in parts:
        of_part = world.facts_of(seed, part, np.array(places[part], np.int64))
        base |= {(part, place): len(facts) + TRIPLES * i for i, place in enumerate(places[part])}
        facts += of_part
    candidates = dict(pools(world, seed, facts, base))
    writer = Writer(world=world, seed=seed)
    queries = tuple(QueryMaker(writer, seed, base, n).make(i, one) for i, one in enumerate(asked))
    used = {query.candidates for query in queries}
    return Exam(
        facts=FactSet("graphs", tuple(facts), world.relations, world.source(seed)),
        queries=queries,
        candidates={name: pool for name, pool in candidates.items() if name in used},
        withheld=(),
        leak="connected",
        notes=(
            "What follows by symmetry or inversion is asked of tested graphs; their people meet in the stated text.",
        ),
        seed=seed,
    )


def asks(world: Graphs, seed: int, n: int, contexts: bool) -> Iterator[Ask]:
    """Yield the questions, kind by kind."""
    told = shuffle(np.arange(min(n, world.n_graphs)), world.n_graphs, seed, "asked of told").tolist()
    for place in told:
        bits = int(draw(seed, "memory", np.array([place]))[0])
        for style, prefix in STYLES:
            yield Ask(f"{prefix}memory_job", "told", place, 4 + bits % 3, HEAD_FIRST, True, style)
            triple = (bits >> 2) % 4
            yield Ask(f"{prefix}memory_people", "told", place, triple, hub_order(triple), True, style)
    parts: tuple[tuple[Part, int], ...] = (("tested", world.n_tested), ("context", world.n_context if contexts else 0))
    for part, n_part in parts:
        for place in range(min(n, n_part)):
            for begin in world.sorts:
                yield from half_told(world, seed, part, place, begin)
    for place in world.new_asked[:n].tolist():
        for begin in world.sorts:
            yield from half_told(world, seed, "new", place, begin)


def half_told(world: Graphs, seed: int, part: Part, place: int, begin: int) -> Iterator[Ask]:
    """Yield the questions about one pair of a half-told graph: that of triples `begin` and `begin` + 1."""
    number = world.numbers(part)[place : place + 1]
    stated_7, first = world.stated(seed, number)[0], bool(world.hub_first(number)[0])
    sort, in_context = world.sorts[begin], part == "context"
    told = begin + int(stated_7[begin] == NEVER)
    implied = 2 * begin + 1 - told
    direction = "forward" if first else "reverse"
    if in_context:
        yield Ask(f"context_{sort}_copy", part, place, told, int(stated_7[told]), True, context=True)
        yield Ask(f"context_{sort}_{direction}", part, place, implied, hub_order(implied), False, context=True)
        yield Ask(f"ask_context_{sort}_{direction}", part, place, implied, hub_order(implied), False, "question",
                  context=True)  # fmt: skip
        return
    if part == "new":
        yield Ask(f"stated_new_{sort}", part, place, told, int(stated_7[told]), True)
        yield Ask(f"new_{sort}_{direction}", part, place, implied, hub_order(implied), False)
        return
    yield Ask(f"stated_{sort}", part, place, told, int(stated_7[told]), True)
    if not first:
        yield Ask(f"flipped_{sort}", part, place, told, hub_order(told), False)
    yield Ask(f"logic_{sort}_{direction}", part, place, implied, hub_order(implied), False)
    yield Ask(f"ask_logic_{sort}_{direction}", part, place, implied, hub_order(implied), False, "question")
    # a claim names the tail first, and that is the hub in every second triple
    direction = "forward" if first == (hub_order(implied) == TAIL_FIRST) else "reverse"
    for false in (False, True):
        yield Ask(f"claim_{sort}_{direction}", part, place, implied, TAIL_FIRST, False, "claim", false)


def hub_order(triple: int) -> int:
    """Return the order that names the hub first: it is the head of triples 0 and 2, the tail of 1 and 3."""
    return HEAD_FIRST if triple % 2 == 0 else TAIL_FIRST


def with_flips(world: Graphs, asked: list[Ask]) -> list[Ask]:
    """Add, for each statement of what follows, the same hub under its other relation."""
    flips = [
        replace(one, kind="flip", triple=(one.triple + 2) % 4, order=hub_order(one.triple), of=i)
        for i, one in enumerate(asked)
        if one.style == "statement" and one.kind.endswith(("_forward", "_reverse"))
    ]
    return [*asked, *flips]


def pools(
    world: Graphs, seed: int, facts: Sequence[Fact], base: dict[tuple[str, int], int]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the candidates of each graph: its people, and these with people of others; then jobs, and yes and no."""
    people = {
        key: tuple(dict.fromkeys((facts[at].head, facts[at].tail, facts[at + 2].tail))) for key, at in base.items()
    }
    everybody = [name for names in people.values() for name in names]
    for i, (key, names) in enumerate(people.items()):
        rivals = below(len(everybody), seed, "rivals", np.arange(N_RIVALS) + i * N_RIVALS)
        yield pool_of(*key), names
        yield pool_of(*key, rivals=True), tuple(dict.fromkeys([*names, *(everybody[int(r)] for r in rivals)]))
    yield "jobs", JOBS[: world.n_jobs]
    yield "yes or no", YES_NO


def pool_of(part: str, place: int, rivals: bool = False) -> str:
    """Return the name of a graph's pool."""
    return f"{part} graph {place}{' and others' * rivals}"


@dataclass(frozen=True)
class QueryMaker:
    """Words questions."""

    writer: Writer
    seed: int
    base: dict[tuple[str, int], int]
    """Where the facts of each graph begin."""
    n: int

    def make(self, index: int, one: Ask) -> Query:
        """Word one question; `index` draws its words."""
        world = self.writer.world
        number = world.numbers(one.part)[one.place : one.place + 1]
        made = world.triples(self.seed, number)
        address = np.array([index if one.of is None else one.of])
        said = self._sentence(one, made, address)
        row = self.writer.write(said)
        words = self.writer.spell(row)
        answer_at = np.flatnonzero(row.entity_W == 1) if one.style != "claim" else np.array([len(words) - 1])
        cue_at: list[int] = np.flatnonzero(row.entity_W == 0).tolist()
        before = self._context(one, made, number, address)
        text, start = join([*before, *words])
        at = len(before)
        cue = Span(start[at + cue_at[0]], start[at + cue_at[-1]] + len(words[cue_at[-1]]))
        first, last = at + int(answer_at[0]), at + int(answer_at[-1])
        end = start[last] + len(words[last - at])
        answer = text[start[first] : end]
        job = one.style != "claim" and one.triple >= 4
        fact = self.base[one.part, one.place] + one.triple
        if one.of is not None:
            answer = world.person(int(made.people_G3[0, 2 if one.triple < 2 else 1]))
        return Query(
            prompt=text[: start[first]].rstrip(),
            cue=replace(cue, entity=text[cue.start : cue.end]),
            answer=answer,
            aliases=(),
            other_truths=(),
            candidates=self._pool(one, job),
            fact=fact,
            asks="tail" if one.order == HEAD_FIRST else "head",
            stated=one.stated,
            kind=one.kind,
            split="test",
            relation=list(world.relations)[int(made.relation_G7[0, one.triple])],
            cluster=self.base[one.part, one.place] // TRIPLES,
            ends=text[end:],
            of=one.of,
        )

    def _pool(self, one: Ask, job: bool) -> str:
        """Return the name of a question's candidates: strangers are among those of statements without a context."""
        if one.style == "claim":
            return "yes or no"
        return "jobs" if job else pool_of(one.part, one.place, one.style == "statement" and not one.context)

    def _sentence(self, one: Ask, made: Triples, address: np.ndarray) -> Sentences:
        relation_1, head_1, tail_1 = (a[:, one.triple] for a in (made.relation_G7, made.head_G7, made.tail_G7))
        order_1, none_1 = np.array([one.order]), np.zeros(1, np.int64)
        if one.style == "claim":
            wrong = made.people_G3[:, 2 if one.triple < 2 else 1]
            hub_is_head = one.triple % 2 == 0
            if one.false:
                head_1, tail_1 = (head_1, wrong) if hub_is_head else (wrong, tail_1)
            form_1 = self.writer.claim(relation_1, np.array([int(one.false)]))
        elif one.style == "question":
            form_1 = self.writer.question(relation_1, order_1)
        else:
            template_1 = below(TEMPLATES, self.seed, "wording of questions", address)
            form_1 = self.writer.statement(relation_1, order_1, template_1)
        swapped = one.order == TAIL_FIRST
        return Sentences(
            none_1, form_1, tail_1 if swapped else head_1, head_1 if swapped else tail_1, relation_1 == 0,
            np.ones(1, bool),
        )  # fmt: skip

    def _context(self, one: Ask, made: Triples, number: np.ndarray, address: np.ndarray) -> list[str]:
        if not one.context:
            return []
        stated_17 = self.writer.world.stated(self.seed, number)
        said = statements(self.writer, made, stated_17, number, "context of questions")
        return self.writer.spell(self.writer.write(said))
