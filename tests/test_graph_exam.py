"""The exam of the world of graphs: every cell is what it says, and nothing in it depends on luck alone."""

import re
from collections import Counter, defaultdict

import pytest
from tests.graph_texts import (
    SEED,
    by_sevens,
    claim,
    corpus_of,
    exam_of,
    parts,
    people_of,
    questions_about,
    renderings,
    small,
    written,
)

SORTS = ("symmetric", "inverse")


def whole(query):
    """A question with its answer, as it would stand in a text."""
    return f"{query.prompt} {query.answer}{query.ends}"


def kinds(exam, *names):
    """The questions of some kinds."""
    return [query for query in exam.queries if query.kind in names]


def graph_of(exam, query):
    """The seven facts of a question's graph, and its own fact."""
    start = query.fact // 7 * 7
    return exam.facts.facts[start : start + 7], exam.facts.facts[query.fact]


def told_of_pair(facts, fact):
    """The stated triple of a fact's pair."""
    pair = facts[:2] if fact in facts[:2] else facts[2:4]
    return next(one for one in pair if one.stated != "never")


def first_of(fact):
    """Whom the text names first."""
    return fact.head if fact.stated == "head_first" else fact.tail


def asked_order(fact, query):
    """In which order a question names the two, and their sentence in every wording of that order."""
    return "head_first" if query.asks == "tail" else "tail_first"


def statement_kinds(exam):
    """Questions that are a statement cut before its last name."""
    return [
        query
        for query in exam.queries
        if query.kind != "flip"
        and not query.kind.startswith(("ask_", "claim_"))
        and not query.kind.startswith("context_")
    ]


def test_there_are_so_many_questions_of_each_kind():
    """All graphs are asked about where there are no more than n; forward and reverse are halves of them."""
    exam = exam_of(small())
    counts = Counter(query.kind for query in exam.queries)
    expected = {"memory_job": 40, "ask_memory_job": 40, "memory_people": 40, "ask_memory_people": 40, "flip": 48}
    for sort in SORTS:
        expected |= {f"stated_{sort}": 12, f"flipped_{sort}": 6, f"context_{sort}_copy": 12}
        for direction in ("forward", "reverse"):
            expected |= {f"{kind}_{sort}_{direction}": 6 for kind in ("logic", "ask_logic")}
            expected |= {f"{kind}_{sort}_{direction}": 6 for kind in ("context", "ask_context")}
    claims = {kind: n for kind, n in counts.items() if kind.startswith("claim_")}
    assert expected == {kind: n for kind, n in counts.items() if kind not in claims}
    assert {f"claim_{sort}_{direction}" for sort in SORTS for direction in ("forward", "reverse")} == claims.keys()
    assert 2 * 12 == sum(n for kind, n in claims.items() if "symmetric" in kind)
    assert {"test"} == {query.split for query in exam.queries}


def test_no_more_graphs_are_asked_about_than_wanted():
    """And the exam holds the facts of those alone."""
    exam = exam_of(small(), 4)
    assert 4 == sum(query.kind == "memory_job" for query in exam.queries)
    assert 4 == sum(query.kind == "stated_inverse" for query in exam.queries)
    assert 12 * 7 == len(exam.facts.facts)


def test_the_exam_is_the_same_for_the_same_seed():
    """And survives its file."""
    from bothways.facts.graphs.exam import graph_exam
    from bothways.types import Exam

    exam = exam_of(small())
    assert exam.hash == graph_exam(small(), SEED).hash
    assert exam.hash != graph_exam(small(), SEED + 1).hash
    assert exam == Exam.from_json(exam.to_json())


def test_questions_about_half_told_graphs_do_not_move_with_the_number_of_told_graphs():
    """Which graphs and which of their triples; wordings may be drawn anew."""

    def about(exam):
        return sorted(
            (q.kind, exam.facts.facts[q.fact].head, exam.facts.facts[q.fact].relation, q.answer)
            for q in exam.queries
            if "memory" not in q.kind
        )

    assert about(exam_of(small())) == about(exam_of(small(n_graphs=400)))


def test_every_question_is_a_sentence_of_its_fact():
    """Prompt, answer and end make a plain rendering, or one of the two questions of tuning."""
    world = small()
    exam = exam_of(world)
    for query in statement_kinds(exam):
        _, fact = graph_of(exam, query)
        assert whole(query) in renderings(world, fact, asked_order(fact, query))
        assert query.prompt[query.cue.start : query.cue.end] == query.cue.entity
        assert {query.cue.entity, query.answer} == {fact.head, fact.tail}
    for query in exam.queries:
        _, fact = graph_of(exam, query)
        if query.kind.startswith("ask_"):
            assert whole(query)[whole(query).rfind(". ") + 2 if "context" in query.kind else 0 :] in questions_about(
                fact
            )


def test_memory_asks_what_was_told():
    """Of told graphs; a person is asked for with the hub given."""
    world = small()
    exam, asked = exam_of(world), set()
    for query in kinds(exam, "memory_job", "ask_memory_job", "memory_people", "ask_memory_people"):
        facts, fact = graph_of(exam, query)
        assert fact in parts(world)["told"]
        assert query.stated
        assert (fact.relation == "job") == query.kind.endswith("job")
        if fact.relation != "job":
            assert facts[0].head == query.cue.entity
            asked.add(facts.index(fact))
        else:
            assert "jobs" == query.candidates
    assert {0, 1, 2, 3} == asked


@pytest.mark.parametrize("sort", SORTS)
def test_stated_is_what_the_text_says_in_its_order(sort):
    """Every one of them is in the text word for word, in one of four wordings."""
    world = small()
    exam = exam_of(world)
    for query in kinds(exam, f"stated_{sort}"):
        _, fact = graph_of(exam, query)
        assert fact in parts(world)["tested"]
        assert query.stated
        assert fact.stated == asked_order(fact, query)
        assert world.relations[fact.relation].symmetric == (sort == "symmetric")


@pytest.mark.parametrize("sort", SORTS)
def test_flipped_is_the_stated_triple_in_the_other_order(sort):
    """With the hub given, where the text names it last."""
    exam = exam_of(small())
    assert kinds(exam, f"flipped_{sort}")
    for query in kinds(exam, f"flipped_{sort}"):
        facts, fact = graph_of(exam, query)
        assert not query.stated
        assert fact.stated not in ("never", asked_order(fact, query))
        assert facts[0].head == query.cue.entity == (fact.tail if fact.stated == "head_first" else fact.head)


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("direction", ["forward", "reverse"])
@pytest.mark.parametrize("prefix", ["logic", "ask_logic", "context", "ask_context"])
def test_what_follows_is_asked_in_the_order_of_the_text_or_in_the_other(sort, direction, prefix):
    """The hub is given and a partner asked for; forward where the text named the hub first."""
    world = small()
    exam = exam_of(world)
    part = "context" if "context" in prefix else "tested"
    # what a context states is no fact of any text: its stated order is looked up where tested graphs have theirs
    stated = stated_of(world, part)
    for query in kinds(exam, f"{prefix}_{sort}_{direction}"):
        facts, fact = graph_of(exam, query)
        told = next(one for one in stated[facts[0].head] if one.pair == fact.pair and one.stated != "never")
        assert not query.stated
        assert "never" == fact.stated
        assert world.relations[fact.relation].symmetric == (sort == "symmetric")
        assert (told.head, told.tail) == (fact.tail, fact.head)
        assert facts[0].head == query.cue.entity
        assert query.answer == (facts[0].tail if sort == "symmetric" else facts[2].tail)
        assert (direction == "forward") == (first_of(told) == query.cue.entity)


def stated_of(world, part):
    """Return each hub's facts with the order in which a text or a context states them."""
    from dataclasses import replace

    orders = world.stated(SEED, world.numbers(part))
    names = ("never", "head_first", "tail_first", "both")
    return {
        graph[0].head: [replace(fact, stated=names[order]) for fact, order in zip(graph, row, strict=True)]
        for graph, row in zip(by_sevens(parts(world)[part]), orders.tolist(), strict=True)
    }


def test_a_context_tells_five_triples_of_its_own_graph_and_never_what_is_asked():
    """One sentence each, before the question, the same paragraph for every question of a graph."""
    world = small()
    exam, paragraphs = exam_of(world), defaultdict(set)
    stated = stated_of(world, "context")
    for query in exam.queries:
        if not query.kind.startswith(("context_", "ask_context_")) and not (
            query.of is not None and exam.queries[query.of].kind.startswith("context_")
        ):
            assert "." not in query.prompt
            continue
        facts, fact = graph_of(exam, query)
        assert fact in parts(world)["context"]
        *sentences, _ = re.split(r"(?<=\.) ", query.prompt)
        paragraphs[facts[0].head].add(" ".join(sentences))
        told = [one for one in stated[facts[0].head] if one.stated != "never"]
        assert 5 == len(told) == len(sentences)
        for one in told:
            assert 1 == sum(sentence in renderings(world, one, one.stated) for sentence in sentences)
        copied = [
            order for order in ("head_first", "tail_first") if set(renderings(world, fact, order)) & set(sentences)
        ]
        if query.kind.endswith("copy"):
            assert query.stated
            assert [asked_order(fact, query)] == copied
        elif query.kind != "flip":
            assert [] == copied
    assert 12 == len(paragraphs)
    assert {1} == {len(found) for found in paragraphs.values()}


@pytest.mark.parametrize("sort", SORTS)
def test_half_of_the_claims_are_true(sort):
    """Each is made about the right partner and about the wrong one, in the same words."""
    world = small()
    exam = exam_of(world)
    true = {claim(fact, "yes") for fact in parts(world)["tested"] if fact.relation != "job"}
    found = kinds(exam, f"claim_{sort}_forward", f"claim_{sort}_reverse")
    assert Counter({"yes": 12, "no": 12}) == Counter(query.answer for query in found)
    for query in found:
        facts, fact = graph_of(exam, query)
        assert "never" == fact.stated
        assert "yes or no" == query.candidates
        assert (query.prompt + " yes" in true) == (query.answer == "yes")
        hub, friend, kin = facts[0].head, facts[0].tail, facts[2].tail
        right, wrong = (friend, kin) if sort == "symmetric" else (kin, friend)
        named = re.fullmatch(r"Is (.+) the (\w+) of (.+)\? Answer:", query.prompt)
        assert {hub, right if query.answer == "yes" else wrong} == {named[1], named[3]}
        assert named[2] == fact.relation == query.relation
        assert query.cue.entity == named[1]
        told = told_of_pair(facts, fact)
        assert query.kind.endswith("forward") == ((first_of(told) == hub) == (named[1] == hub))
    by_direction = Counter((query.kind, query.answer) for query in found)
    for direction in ("forward", "reverse"):
        assert by_direction[f"claim_{sort}_{direction}", "yes"] == by_direction[f"claim_{sort}_{direction}", "no"] > 0


def test_a_flip_hopes_not_to_hear_the_partner_of_the_other_relation():
    """Same hub, same words but the relation's; its answer is true of the question it repeats, and false of its own."""
    world = small()
    exam = exam_of(world)
    flips = [(query, exam.queries[query.of]) for query in exam.queries if query.of is not None]
    assert {"flip"} == {flip.kind for flip, _ in flips}
    repeated = {n for n, q in enumerate(exam.queries) if re.fullmatch(r"(logic|context)_.*_(forward|reverse)", q.kind)}
    assert repeated == {query.of for query in exam.queries if query.of is not None}
    for flip, of in flips:
        facts, fact = graph_of(exam, flip)
        assert facts == graph_of(exam, of)[0]
        assert flip.cue.entity == of.cue.entity == facts[0].head
        assert flip.answer == of.answer
        assert flip.answer not in fact.pair
        assert world.relations[fact.relation].symmetric != world.relations[of.relation].symmetric
        assert flip.candidates == of.candidates
        assert flip.relation == fact.relation


def test_the_competing_partner_is_a_candidate():
    """Both partners and the hub, with people of other graphs where a statement is completed without a context."""
    exam = exam_of(small())
    for query in exam.queries:
        pool = exam.candidates[query.candidates]
        assert query.answer in pool
        assert len(pool) == len(set(pool))
        if query.candidates not in ("jobs", "yes or no"):
            facts, _ = graph_of(exam, query)
            people = {facts[0].head, facts[0].tail, facts[2].tail}
            strangers = not query.kind.startswith(("ask_", "context_")) and "." not in query.prompt
            assert people < set(pool) if strangers else people == set(pool)
            assert 15 < len(pool) <= 23 or not strangers
    assert {query.candidates for query in exam.queries} == exam.candidates.keys()


def test_no_question_uses_a_wording_that_told_graphs_never_use():
    """Names taken out, every statement, question and claim is one that told graphs and tuning have taught."""
    from bothways.facts.graphs.words import name_parts

    world = small(n_graphs=300)
    exam, names = exam_of(world), re.compile(" ".join(f"(?:{'|'.join(pool)})" for pool in name_parts()))
    jobs = "|".join(sorted(exam.candidates["jobs"], key=len, reverse=True))

    def wording(text):
        return re.sub(rf"\b({jobs})(?=\.?$)", "JOB", names.sub("NAME", text))

    tested = people_of(parts(world)["tested"])
    corpus = corpus_of(world, paragraphs=4, form="sentence")
    texts = [text for text in written(corpus.documents) if not any(name in text for name in tested)]
    taught = {wording(text) for text in [*texts, *written(corpus.tuning)]}
    for query in exam.queries:
        said = whole(query)
        if query.kind.startswith(("context_", "ask_context")) or (query.of is not None and ". " in said):
            before, said = said[: query.prompt.rindex(". ") + 1], said[query.prompt.rindex(". ") + 2 :]
            assert {wording(sentence) for sentence in re.split(r"(?<=\.) ", before)} <= taught
        assert wording(said) in taught


def test_nobody_alone_answers_better_than_half_by_association():
    """Of all questions with the hub given, each of its two partners is the answer about as often."""
    exam = exam_of(small(n_tested=100))
    hits = Counter()
    for query in exam.queries:
        if query.kind.startswith("logic_"):
            hits[graph_of(exam, query)[0][0].tail == query.answer] += 1
    assert hits[True] == hits[False] == 100


def test_questions_of_a_graph_are_resampled_together():
    """A cluster is a graph."""
    exam = exam_of(small())
    assert {query.cluster for query in exam.queries} == set(range(40 + 12 + 12))
    assert all(query.cluster == query.fact // 7 for query in exam.queries)
