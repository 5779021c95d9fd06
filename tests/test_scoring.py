"""Scores and shallow baselines: known answers, no free points, and no crash on names that overlap."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.exam_worlds import MIXED, TRICKY, exam_of, fact_set, rows
from tests.worlds import uniform_model

NAMES = ("a", "b", "c", "d", "e", "f")
SCORES = st.lists(st.sampled_from((-math.inf, -1.0, 0.0, 0.5, 2.0)), min_size=1, max_size=6)


def query(answer, others=(), prompt="", candidates="all", **more):
    """A question that asks for `answer`, its cue being what the prompt begins with."""
    from bothways.types import Query, Span

    fields = {"fact": 0, "asks": "tail", "stated": True, "kind": "forward", "split": "test", "relation": "r"}
    fields |= {"cluster": 0, "ends": "", "aliases": (), **more}
    length = len(prompt.split(" ")[0]) if "cue" not in more else 0
    fields.setdefault("cue", Span(0, length, prompt[:length]))
    return Query(prompt=prompt, answer=answer, other_truths=tuple(others), candidates=candidates, **fields)


def rank(scores, answer, others=()):
    """The filtered rank among the first of `NAMES`."""
    from bothways.evaluation.scoring import filtered_rank

    place = {name: i for i, name in enumerate(NAMES[: len(scores)])}
    return filtered_rank(np.array(scores, np.float32), place, query(answer, others))


@given(SCORES, st.data())
def test_ranks_average_ties_and_set_other_truths_aside(scores, data):
    """The rank is the mean place over all orders of equal scores, as if the other truths were not there."""
    names = NAMES[: len(scores)]
    answer = data.draw(st.sampled_from(names))
    others = data.draw(st.sets(st.sampled_from(NAMES))) - {answer}
    own = scores[names.index(answer)]
    rivals = [score for name, score in zip(names, scores, strict=True) if name not in others | {answer}]
    best = 1 + sum(score > own for score in rivals)
    worst = best + sum(score == own for score in rivals)
    assert (best + worst) / 2 == rank(scores, answer, sorted(others))


@given(SCORES, st.data())
def test_what_is_no_number_is_never_right(scores, data):
    """Where the answer's score or a rival's is not a number, the rank is the last, and never the first."""
    names = NAMES[: len(scores)]
    answer, broken = data.draw(st.sampled_from(names)), data.draw(st.integers(0, len(scores) - 1))
    scores[broken] = math.nan
    assert max(2, len(scores)) == rank(scores, answer)


def test_a_broken_model_scores_nothing():
    """Logits that are not numbers make no answer right, one token a candidate or several."""
    from bothways.evaluation.scoring import evaluate, room_needed

    exam = exam_of(fact_set([(f"Al {i}", "likes", f"Bo {i}", None) for i in range(8)]))
    for kind in ("entity", "word"):
        tokenizer, length = fit(exam, kind), 0
        length = room_needed(exam, tokenizer)
        model = uniform_model(tokenizer.n_tokens)
        model.zero.data.fill_(math.nan)
        for objective in objectives():
            scores = evaluate(model, objective, exam=exam, tokenizer=tokenizer, length=length)
            assert not any(score.correct or score.exact for score in scores)
            assert all(score.rank >= 2 for score in scores)


def objectives():
    """One objective of each way of reading."""
    from bothways.registry import lookup

    return [lookup("objectives", name)() for name in ("causal", "masked_diffusion")]


def fit(exam, kind):
    """A tokenizer of this kind for the base text."""
    from bothways.batches.tokenizers import TokenizerConfig, fit_tokenizer
    from bothways.text.corpus import TextConfig, write_corpus

    return fit_tokenizer(write_corpus(exam, TextConfig(), 0), exam, TokenizerConfig(kind=kind, n_merged=300))


@pytest.mark.parametrize("kind", ["entity", "word", "byte_pair"])
@given(drawn=st.one_of(rows(names=TRICKY, most=16), rows(names=TRICKY, stated=MIXED, most=16)), ranks=st.booleans())
@settings(max_examples=12)
def test_every_question_fits_and_is_scored(kind, drawn, ranks):
    """Names inside names, cues that hold the answer, entities called like a word of a template: nothing breaks."""
    from bothways.batches.batches import query_tokens
    from bothways.evaluation.scoring import evaluate, room_needed

    exam = exam_of(fact_set(drawn), min_facts=1)
    if exam is None:
        return
    tokenizer = fit(exam, kind)
    length = room_needed(exam, tokenizer)
    rows_of = [
        sum(map(len, query_tokens(q, c, tokenizer))) for q in exam.queries for c in exam.candidates[q.candidates]
    ]
    assert length == max(rows_of)
    for objective in objectives():
        model = uniform_model(tokenizer.n_tokens)
        scores = evaluate(model, objective, exam=exam, tokenizer=tokenizer, length=length, ranks=ranks)
        assert list(range(len(exam.queries))) == [score.query for score in scores]
        for score, q in zip(scores, exam.queries, strict=True):
            assert 1 <= score.rank <= len(exam.candidates[q.candidates])
            n_tokens = len(query_tokens(q, q.answer, tokenizer)[1])
            want = -n_tokens * math.log(tokenizer.n_tokens) if ranks else math.nan
            assert score.log_prob == pytest.approx(want, rel=1e-4, nan_ok=True)


def test_a_model_without_preference_ranks_in_the_middle():
    """One token an answer and a uniform model: the rank is half-way through what is left of the pool."""
    from bothways.evaluation.scoring import evaluate, room_needed

    exam = exam_of(fact_set([(f"Al{i % 9}", "likes", f"Bo{i}", None) for i in range(30)]))
    tokenizer = fit(exam, "entity")
    model, length = uniform_model(tokenizer.n_tokens), room_needed(exam, tokenizer)
    for score in evaluate(model, objectives()[0], exam=exam, tokenizer=tokenizer, length=length):
        asked = exam.queries[score.query]
        left = [n for n in exam.candidates[asked.candidates] if n not in asked.other_truths]
        assert (1 + len(left)) / 2 == score.rank


class Tells:
    """Makes an objective that always says the same, whatever it is asked, and counts how often it is asked."""

    def __init__(self, n_tokens, said):
        from bothways.tensors import Objective

        test = self
        self.asked = 0

        class Told(Objective):
            log_prob_is = "exact"

            def prepare(self, batch, generator):
                raise NotImplementedError

            def log_prob(self, model, tokens_BL, asked_BL):
                return asked_BL.float() * -1.0

            def reading(self, model, tokens_BL, length_B):
                raise NotImplementedError

            def next_log_prob(self, model, tokens_BL, length_B):
                import torch

                test.asked += 1
                out_BV = torch.full((len(tokens_BL), n_tokens), -9.0)
                for b, length in enumerate(length_B.tolist()):
                    out_BV[b, said(tokens_BL[b, :length].tolist())] = -0.1
                return out_BV

        self.objective = Told()


def test_the_number_of_model_calls_does_not_grow_with_the_candidates():
    """One token a candidate: a question costs one row, however many candidates there are."""
    from bothways.evaluation.scoring import ROWS, evaluate, room_needed

    for n in (40, 400):
        exam = exam_of(fact_set([(f"Al{i}", "likes", f"Bo{i}", None) for i in range(n)]))
        tokenizer = fit(exam, "entity")
        told, length = Tells(tokenizer.n_tokens, lambda ids: 2), room_needed(exam, tokenizer)
        evaluate(uniform_model(tokenizer.n_tokens), told.objective, exam=exam, tokenizer=tokenizer, length=length)
        chunks = math.ceil(len(exam.queries) / ROWS)
        assert told.asked == 2 * chunks  # the completion, which ends at once, and the distribution


def test_right_is_the_answer_first_among_candidates_and_exact_is_what_was_written():
    """A model that says one name everywhere is right, and exact, where that name is the answer and nowhere else."""
    from bothways.evaluation.scoring import evaluate, room_needed
    from bothways.tensors import SPECIAL

    exam = exam_of(fact_set([(f"Al{i}", "likes", f"Bo{i}", None) for i in range(12)]))
    tokenizer = fit(exam, "entity")
    name = exam.queries[0].answer
    own = tokenizer.entity_pieces(name)[0][0]
    told = Tells(tokenizer.n_tokens, lambda ids: SPECIAL.end if ids[-1] == own else own)
    model, length = uniform_model(tokenizer.n_tokens), room_needed(exam, tokenizer)
    for score in evaluate(model, told.objective, exam=exam, tokenizer=tokenizer, length=length):
        asked = exam.queries[score.query]
        assert score.correct == score.exact == (asked.answer == name)
        assert name == score.completion


def test_an_alias_is_exact_and_another_truth_is_neither_right_nor_wrong():
    """Writing an alias is exact; preferring another true answer does not cost the rank."""
    from bothways.evaluation.scoring import Asked, accepted

    exam = exam_of(fact_set([(f"Al{i}", "likes", f"Bo{i}", None) for i in range(12)]))
    tokenizer = fit(exam, "entity")
    asked = Asked(0, query("Bo1", prompt="Al1 likes", aliases=("Bo2",)), [], [7, 2])
    assert [[7, 2], [tokenizer.entity_pieces("Bo2")[0][0], 2]] == accepted(asked, tokenizer)
    assert 1.0 == rank([5.0, 1.0], "b", ["a"])
    assert 2.0 == rank([5.0, 1.0], "b")


def small_exam(queries, pools, facts=()):
    """An exam made by hand."""
    from bothways.types import Exam, FactSet

    return Exam(
        facts=FactSet(name="x", facts=tuple(facts), relations=fact_set([("a", "likes", "b")]).relations),
        queries=tuple(queries),
        candidates=pools,
        withheld=(),
        leak="bridge",
        notes=(),
        seed=0,
    )


def baseline(exam, name, kind="forward"):
    """The accuracy of one baseline on one kind."""
    from bothways.evaluation.baselines import shallow_baselines

    return {(row.baseline, row.kind): row.accuracy for row in shallow_baselines(exam)}[name, kind]


def test_a_copied_surname_gives_the_answer_away():
    """Where only the answer shares a word with the cue, copying is always right; where two do, half the time."""
    from bothways.types import Span

    pools = {"all": ("Al Oak", "Bo Oak", "Cy Elm", "Di Elm", "Eve Ash")}
    asked = [query("Bo Oak", prompt="Al Oak's child is", cue=Span(0, 6, "Al Oak"), relation="likes")]
    assert 1.0 == baseline(small_exam(asked, pools), "copied_words")
    pools = {"all": (*pools["all"], "Flo Oak")}
    assert 0.5 == baseline(small_exam(asked, pools), "copied_words")
    asked = [query("Bo Oak", ["Flo Oak"], "Al Oak's child is", cue=Span(0, 6, "Al Oak"), relation="likes")]
    assert 1.0 == baseline(small_exam(asked, pools), "copied_words")
    asked = [query("Cy Elm", prompt="Al Oak's child is", cue=Span(0, 6, "Al Oak"), relation="likes")]
    assert 0.0 == baseline(small_exam(asked, pools), "copied_words")


def test_nothing_to_copy_is_chance():
    """A cue that shares no word with anybody leaves all candidates alike."""
    asked = [query("b", prompt="z", relation="likes")]
    assert 0.25 == baseline(small_exam(asked, {"all": ("a", "b", "c", "d")}), "copied_words")


@given(st.integers(2, 8), st.lists(st.integers(0, 4), min_size=1, max_size=6))
def test_chance_is_one_of_what_is_left(n, others):
    """Chance is the mean of one over the candidates that are neither other truths nor the cue."""
    names = tuple(f"n{i}" for i in range(n + 5))
    asked = [query("n0", names[1 : 1 + k], "z", relation="likes") for k in others]
    expected = np.mean([1 / (len(names) - k) for k in others])
    assert expected == pytest.approx(baseline(small_exam(asked, {"all": names}), "chance"))
    inside = [query("n0", prompt="n1 likes", relation="likes")]
    assert 1 / (len(names) - 1) == pytest.approx(baseline(small_exam(inside, {"all": names}), "chance"))


def test_the_most_frequent_answer_counts_the_words_of_the_question():
    """Answers are counted over all statements in the question's words, in the base text, of whatever relation."""
    from bothways.types import Fact

    facts = [Fact("c", "mother", "p", "both"), Fact("d", "father", "q", "both"), Fact("d", "father", "s", "both")]
    asked = [query("d", prompt="p", kind="reverse_tested", asks="head", relation="mother")]
    pools = {"all": ("c", "d", "e")}
    assert 1.0 == baseline(small_exam(asked, pools, facts), "most_frequent", "reverse_tested")
    facts = [Fact("c", "mother", "p", "both"), Fact("d", "father", "q", "both"), Fact("e", "mother", "s", "head_first")]
    assert 0.5 == baseline(small_exam(asked, pools, facts), "most_frequent", "reverse_tested")


@given(rows(most=30))
@settings(max_examples=25)
def test_baselines_are_what_a_naive_guesser_would_score(drawn):
    """Every baseline equals its definition, counted name by name over the test questions."""
    from bothways.evaluation.baselines import answer_counts, cue_of, shallow_baselines, words

    exam = exam_of(fact_set(drawn), min_facts=1)
    if exam is None:
        return
    counts = answer_counts(exam)
    scores = {
        "chance": lambda q, name: 0,
        "most_frequent": lambda q, name: counts[q.relation, q.asks][name],
        "copied_words": lambda q, name: len(words(name) & words(cue_of(q))),
    }
    for row in shallow_baselines(exam):
        right = []
        for q in exam.queries:
            if q.kind == row.kind and q.split == "test":
                aside = {*q.other_truths, cue_of(q)} - {q.answer}
                left = {name: scores[row.baseline](q, name) for name in exam.candidates[q.candidates]}
                left = {name: score for name, score in left.items() if name not in aside}
                top = [name for name, score in left.items() if score == max(left.values())]
                right.append(q.answer in top and 1 / len(top))
        assert np.mean(right) == pytest.approx(row.accuracy)
