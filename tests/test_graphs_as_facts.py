"""The world of graphs where every other world goes: written to a file, examined, compared; and what is refused."""

import json
from dataclasses import replace

import pytest
from tests.graph_texts import exam_of, small


def test_the_world_is_written_to_a_file_and_read_back(tmp_path):
    """By `bothways data make`: seven facts a graph, with the orders in which they are stated."""
    from tests.command_line import bothways

    done = bothways("data", "make", "graphs:n_graphs=20:n_tested=10", "-o", tmp_path / "facts.jsonl")
    assert 0 == done.status, done.err
    rows = [json.loads(line) for line in (tmp_path / "facts.jsonl").read_text().splitlines()]
    assert 30 * 7 == len(rows)
    assert {"both", "head_first", "tail_first", "never"} == {row["stated"] for row in rows}


def test_the_ordinary_exam_tests_what_tested_graphs_state_in_one_order():
    """Inverse and symmetric twins are told once; nothing that told graphs state both ways is asked as unstated."""
    from bothways.facts.exam import ExamConfig, make_exam

    world = small()
    exam = make_exam(world.make(0), ExamConfig(), 0)
    tested = {fact.head for fact in world.facts_of(0, "tested")}
    reverse = [query for query in exam.queries if query.kind == "reverse_tested"]
    assert reverse
    assert all({query.cue.entity, query.answer} <= tested for query in reverse)
    assert not any(fact.stated == "never" and fact.relation == "job" for fact in exam.facts.facts)


def test_a_comparison_of_two_arms_ends(tmp_path, undrawn):
    """A few steps of the ordinary recipe, on the world's facts as plain statements."""
    from bothways.commands.compare import compare

    done = compare(
        "graphs:n_graphs=20:n_tested=10", arms=("causal", "both_directions"), seeds=1, out=tmp_path / "run", jobs=1,
        settings=("training.steps=4", "model.d_model=16", "model.d_mlp=32", "model.n_heads=2"),
    )  # fmt: skip
    assert {"causal", "both_directions"} == {arm["arm"] for arm in done.summary["arms"]}


def test_an_exam_of_another_world_ends_a_run_in_a_sentence(tmp_path):
    """Before its first step, with exit status 2."""
    from tests.test_drawn_rows import SETTINGS

    from bothways.config import RunConfig, override
    from bothways.errors import BothwaysError
    from bothways.pipeline import run
    from bothways.text.corpus import TextConfig
    from bothways.text.graph_text import GraphText

    config = replace(override(RunConfig(), SETTINGS), text=TextConfig(source=GraphText(world=small())))
    with pytest.raises(BothwaysError, match=r"^The text is of Graphs\(.*\. Give both the same world\.$") as refused:
        run(config, exam_of(small(n_graphs=41)), tmp_path, {"run_id": "r", "arm": "causal", "seed": 0})
    assert 2 == refused.value.exit_status
