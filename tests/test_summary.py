"""The numbers of a comparison: the same questions for every arm, honest blanks, and plain JSON."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.exam_worlds import exam_of, fact_set

ARMS = ("causal", "both_directions", "masked_diffusion")


@pytest.fixture(scope="module")
def exam():
    """Ten people, each with a partner in each of two relations: a question of one can be asked as the other."""
    rows = [(f"a{i}", "likes", f"a{(i + 1) % 40}", None) for i in range(40)]
    rows += [(f"a{i}", "boss", f"a{(i + 7) % 40}", None) for i in range(40)]
    return exam_of(fact_set(rows))


@pytest.fixture
def arm_of(exam, tmp_path):
    """Make the finished runs of an arm from a rule: query -> whether it is right."""
    counter = iter(range(10**6))

    def make(name, right, seeds=3, of=None, log_prob=-1.0, **result):
        from bothways.arms import parse_arm
        from bothways.runs import Run
        from bothways.sweeps.summary import ArmScores

        asked, runs = of or exam, []
        for seed in range(seeds) if isinstance(seeds, int) else seeds:
            folder = tmp_path / f"run{next(counter)}"
            folder.mkdir()
            rows = []
            for n, query in enumerate(asked.queries):
                correct = bool(right(query, seed))
                row = {"query": n, "rank": 1.0 if correct else 5.0, "log_prob": log_prob, "completion": ""}
                rows.append({**row, "correct": correct, "exact": correct})
            rng = np.random.default_rng(seed)
            shuffled = [rows[i] for i in rng.permutation(len(rows))]
            (folder / "samples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in shuffled))
            (folder / "metrics.jsonl").write_text(json.dumps({"step": 10, "seconds": 1.0}) + "\n")
            known = {"seed": seed, "held_out_nll": 0.5, "known_at": 10, "steps": 10, **result}
            runs.append(Run(folder, known))
        return ArmScores.of(parse_arm(name), runs, asked)

    return make


def summary(exam, arms, failed=None):
    """The summary, which must be plain JSON: no value in it is not a number."""
    from bothways.sweeps.summary import summarise

    found = summarise(exam, arms, failed or {})
    json.dumps(found, allow_nan=False)
    return found


def knows(query, seed):
    """The perfect model: right whatever is asked, and never the partner under another relation."""
    return query.kind != "flip"


def associates(query, seed):
    """The relation-blind model: the partner whatever is asked."""
    return True


def forgets(query, seed):
    """The model that knows nothing."""
    return False


def one_way(query, seed):
    """The reversal curse."""
    return query.stated and query.kind != "flip"


def test_every_arm_is_asked_the_same_reverse_questions(exam, arm_of):
    """Accuracies are over all test questions of a kind, whatever an arm was told; development never counts."""
    found = summary(exam, [arm_of("causal", one_way), arm_of("both_directions", knows)])
    n = sum(q.kind == "reverse_tested" and q.split == "test" for q in exam.queries)
    assert n > 5
    assert [n, n] == [row["reverse_tested"]["n"] for row in found["arms"]]
    assert [0.0, 1.0] == [row["reverse_tested"]["accuracy"] for row in found["arms"]]
    assert [1.0, 1.0] == [row["forward"]["accuracy"] for row in found["arms"]]
    assert [1.0, 1.0] == [row["reverse_stated"]["accuracy"] for row in found["arms"]]
    only_dev = arm_of("causal", lambda q, seed: q.split == "dev")
    assert 0.0 == summary(exam, [only_dev])["arms"][0]["forward"]["accuracy"]


def test_answers_are_put_back_in_the_order_of_the_questions(exam, arm_of):
    """A run's file may hold its answers in any order."""
    arm = arm_of("causal", lambda q, seed: q.kind == "forward")
    assert [q.kind == "forward" for q in exam.queries] == arm.correct_SQ[0].astype(bool).tolist()


def test_specific_is_right_and_not_blind(exam, arm_of):
    """Blind is the partner under another relation; specific is right under the relation without that."""
    arms = [arm_of("both_directions", knows), arm_of("causal", associates), arm_of("masked_diffusion", forgets)]
    control, blind, nothing = (row["flip"] for row in summary(exam, arms)["arms"])
    assert (0.0, 1.0, None) == (control["blind"], control["specific"], control["why"])
    assert (1.0, 0.0, None) == (blind["blind"], blind["specific"], blind["why"])
    assert (0.0, 0.0, None) == (nothing["blind"], nothing["specific"], nothing["why"])


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20)
def test_specific_counts_question_by_question(seed):
    """A model right on some questions and blind on others is specific where it is the one and not the other."""
    from bothways.arms import parse_arm
    from bothways.sweeps.summary import ArmScores, flip, flip_pairs

    rows = [(f"a{i}", "likes", f"a{(i + 1) % 30}", None) for i in range(30)]
    asked = exam_of(fact_set([*rows, *((a, "boss", f"a{(i + 7) % 30}", None) for i, (a, *_) in enumerate(rows))]))
    chance = np.random.default_rng(seed)
    right = chance.integers(0, 2, (2, len(asked.queries))).astype(float)
    # the runs are only counted here
    arm = ArmScores(parse_arm("causal"), _runs(2), [0, 1], right, right, right, right)
    found = flip(asked, arm, np.array([q.cluster for q in asked.queries]), None)
    flips, of = flip_pairs(asked)
    assert len(flips) == found["n"] > 5
    assert {"reverse_tested"} == {asked.queries[n].kind for n in of.tolist()}
    assert {"test"} == {asked.queries[n].split for n in (*flips.tolist(), *of.tolist())}
    assert found["blind"] == pytest.approx(right[:, flips].mean())
    assert found["specific"] == pytest.approx(((right[:, of] == 1) & (right[:, flips] == 0)).mean())


def _runs(n):
    from pathlib import Path

    from bothways.runs import Run

    return [Run(Path(), {}) for _ in range(n)]


def test_where_the_control_is_blind_nobody_can_tell(exam, arm_of):
    """Then the relation column is empty for every arm, with the reason."""
    arms = [arm_of("causal", one_way), arm_of("both_directions", associates)]
    for row in summary(exam, arms)["arms"]:
        assert row["flip"]["blind"] is None and row["flip"]["specific"] is None
        assert "cannot tell: the control itself names the partner whatever is asked (blind 1.00)" == row["flip"]["why"]
    nearly = arm_of("both_directions", lambda q, seed: q.kind != "flip" or q.fact % 10 == 0)
    assert summary(exam, [nearly])["arms"][0]["flip"]["why"] is None


def test_a_control_that_knows_nothing_shows_nothing(exam, arm_of):
    """A control without answers is not blind either: then the facts must have a second partner for each cue."""
    arms = [arm_of("causal", one_way), arm_of("both_directions", forgets)]
    assert all(q.stated for q in exam.queries if q.kind == "flip")
    assert summary(exam, arms)["arms"][0]["flip"]["why"] is None
    alone = parents()
    arms = [arm_of("causal", one_way, of=alone), arm_of("both_directions", forgets, of=alone)]
    assert "the control knows too little itself" in summary(alone, arms)["arms"][0]["flip"]["why"]


def parents():
    """Pairs of a child and a parent who has nobody else: another relation's question has no stated answer."""
    rows = [(f"c{i}", "mother" if i % 2 else "father", f"p{i}", None) for i in range(40)]
    return exam_of(fact_set([*rows, ("c0", "mother", "c2", None)]))


def test_without_a_control_the_facts_must_tell(exam, arm_of):
    """Where cues have a stated partner under another relation, the flip counts; where they have none, it does not."""
    assert summary(exam, [arm_of("causal", one_way)])["arms"][0]["flip"]["why"] is None
    alone = parents()
    assert any(q.kind == "flip" for q in alone.queries)
    why = summary(alone, [arm_of("causal", one_way, of=alone)])["arms"][0]["flip"]["why"]
    assert why.startswith("cannot tell: only") and why.endswith("no control ran")
    control = arm_of("both_directions", knows, of=alone)
    assert summary(alone, [control])["arms"][0]["flip"]["why"] is None


def test_without_flips_nobody_can_tell(arm_of):
    """One relation between two kinds of entities has no other question to ask."""
    pairs = exam_of(fact_set([(f"a{i}", "likes", f"b{i}", None) for i in range(12)]))
    flip = summary(pairs, [arm_of("both_directions", knows, of=pairs)])["arms"][0]["flip"]
    assert (0, None) == (flip["n"], flip["blind"])
    assert "cannot tell: no other relation's question accepts the answer's kind of entity" == flip["why"]


def test_differences_are_paired_and_corrected_together(exam, arm_of):
    """Every arm against the first, every other against the control, over common seeds, with Holm's correction."""
    from bothways.evaluation.statistics import holm

    arms = [arm_of("causal", one_way, 5), arm_of("both_directions", knows, 5)]
    arms.append(arm_of("masked_diffusion", lambda q, seed: knows(q, seed) and (q.fact + seed) % 3, [1, 2, 3, 9]))
    rows = summary(exam, arms)["differences"]
    asked = {(row["arm"], row["reference"]) for row in rows}
    assert {(ARMS[1], ARMS[0]), (ARMS[2], ARMS[0]), (ARMS[2], ARMS[1])} == asked
    assert holm([row["p"] for row in rows]) == [row["p_holm"] for row in rows]
    assert all(row["p"] <= row["p_holm"] <= 1 for row in rows)
    found = {(r["arm"], r["reference"]): r["difference"] for r in rows if r["kind"] == "reverse_tested"}
    columns = [n for n, q in enumerate(exam.queries) if q.kind == "reverse_tested" and q.split == "test"]
    right = np.mean([[(exam.queries[n].fact + seed) % 3 > 0 for n in columns] for seed in (1, 2, 3)])
    assert 1.0 == found[ARMS[1], ARMS[0]]
    assert found[ARMS[2], ARMS[0]] == pytest.approx(right)
    assert found[ARMS[2], ARMS[1]] == pytest.approx(right - 1)


def test_an_arm_that_never_finished_leaves_blanks(exam, arm_of):
    """No number is made up for it, and it is compared with nobody."""
    found = summary(exam, [arm_of("causal", one_way), arm_of("both_directions", knows, 0)], {"both_directions": 3})
    row = found["arms"][1]
    assert (0, 3) == (row["seeds"], row["failed"])
    assert row["forward"]["accuracy"] is None and row["forward"]["n"] > 0
    assert row["flip"]["specific"] is None and row["steps"] is None
    assert [] == found["differences"]
    assert {"causal"} == {r["arm"] for r in found["relations"]}


def test_one_seed_still_gives_plain_json(exam, arm_of):
    """Intervals without end and impossible answers are null."""
    row = summary(exam, [arm_of("causal", one_way, 1, log_prob=-math.inf, held_out_nll=None)])["arms"][0]
    assert row["forward"]["nll"] is None and row["held_out_nll"] is None
    broken = arm_of("causal", forgets, 2, log_prob=math.nan, held_out_nll=math.nan)
    row = summary(exam, [broken])["arms"][0]
    assert row["forward"]["nll"] is None and row["held_out_nll"] is None
    tiny = exam_of(fact_set([(f"a{i}", "likes", f"b{i}", None) for i in range(6)]), min_facts=6)
    summary(tiny, [arm_of("causal", one_way, 1, of=tiny), arm_of("both_directions", knows, 1, of=tiny)])


def test_relations_and_baselines_stand_beside_the_headlines(exam, arm_of):
    """Each relation's questions add up to the kind's, and chance is in every table."""
    found = summary(exam, [arm_of("causal", lambda q, seed: q.relation == "likes")])
    rows = [r for r in found["relations"] if r["kind"] == "reverse_tested"]
    assert {("likes", 1.0), ("boss", 0.0)} == {(r["relation"], r["accuracy"]) for r in rows}
    assert found["arms"][0]["reverse_tested"]["n"] == sum(r["n"] for r in rows)
    names = {(b["baseline"], b["kind"]) for b in found["baselines"]}
    assert {(b, "reverse_tested") for b in ("chance", "most_frequent", "copied_words")} <= names
