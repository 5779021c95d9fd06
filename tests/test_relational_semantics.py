"""The study of relational semantics at every preset: what it runs is of one world, and when it reads what it claims."""

from collections import Counter
from typing import Any

import numpy as np
import pytest

PRESETS = ("laptop", "gpu", "paper")


def study(preset: str) -> Any:
    from bothways.studies.plan import make_study

    return make_study("relational-semantics", preset=preset)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_has_every_claim_in_order(preset: str) -> None:
    """And none names a group that another preset alone has."""
    from bothways.studies.claims import decide
    from bothways.studies.evidence import Evidence

    made = study(preset)
    claims = made.claims(preset == "laptop")
    assert [f"RS-{n}" for n in range(1, 15)] == [claim.id for claim in claims]
    groups = {group.name for group in made.groups(preset == "laptop")}
    evidence = Evidence({})
    for claim in claims:
        assert "not_testable" == decide(claim, evidence, "none").verdict
        assert evidence.used <= groups, claim.id


@pytest.mark.parametrize("preset", PRESETS)
def test_every_group_reads_the_world_it_is_asked_about(preset: str) -> None:
    """Of its own size: an exam of another world is refused when the text is written."""
    groups = study(preset).groups(preset == "laptop")
    assert [] == [name for name, n in Counter(group.name for group in groups).items() if n > 1]
    for group in groups:
        world, asked = group.config.text.source.world, group.exam.args[0]
        assert world == asked, group.name
        assert group.axes["N"] == world.n_graphs
        assert ("paragraph" == group.config.text.source.form) == group.exam.args[2], "contexts need paragraphs"


@pytest.mark.parametrize("preset", PRESETS)
def test_the_last_measurement_alone_comes_after_tuning(preset: str) -> None:
    """So statements are read where pre-training ends."""
    from bothways.studies.semantics_runs import TUNED, WATCHED

    for group in study(preset).groups(preset == "laptop"):
        training = group.config.training
        if group.name == TUNED:  # asked questions alone
            continue
        assert WATCHED == training.measurements
        assert training.steps == WATCHED * training.tuning_steps, "the last but one falls on its last step"


def with_curve(values_T: list[float], at_the_end: float) -> Any:
    """Evidence whose curves and findings say so, in two seeds."""
    from bothways.studies.evidence import Evidence

    class MadeUp(Evidence):
        def curve(self, group: str, probe: str, name: str) -> tuple[np.ndarray, np.ndarray]:
            return np.arange(1, 1 + len(values_T)), np.array([values_T] * 2)

        def found(self, group: str, probe: str, name: str) -> list[float]:
            return [at_the_end] * 2

    return MadeUp({})


def test_statements_are_read_before_tuning_and_questions_at_the_end() -> None:
    from bothways.studies.semantics_readings import exact, learning
    from bothways.studies.semantics_runs import WATCHED

    evidence = with_curve([n / 100 for n in range(WATCHED)], 0.9)
    assert [0.10, 0.10] == pytest.approx(exact("any", "logic_inverse_forward")(evidence))
    assert [0.9, 0.9] == pytest.approx(exact("any", "ask_logic_inverse_forward")(evidence))
    assert [0.9, 0.9] == pytest.approx(exact("any", "claim_inverse_forward")(evidence))
    steps_T, values_ST = learning(evidence, "any")
    assert (WATCHED - 1, (2, WATCHED - 1)) == (len(steps_T), values_ST.shape)
    assert values_ST[0].tolist() == pytest.approx([n / 100 for n in range(WATCHED - 1)])


@pytest.mark.parametrize("preset", PRESETS)
def test_pictures_are_left_empty_where_nothing_was_measured(preset: str) -> None:
    from bothways.studies.evidence import Evidence

    pictures = study(preset).pictures(Evidence({}), preset == "laptop")
    assert {"rise_exact", "rise_nll", "phases", "depth", "order", "sentences", "layers", "profiles"} == {
        picture.name for picture in pictures
    }
    assert [] == [picture.name for picture in pictures if picture.rows]


def test_what_a_group_is_not_asked_was_not_measured() -> None:
    """A hub between both ends of a pair has no friend, so nothing symmetric is asked there."""
    from bothways.studies.evidence import NothingMeasured
    from bothways.studies.semantics_readings import exact

    with pytest.raises(NothingMeasured, match="is not asked 'logic_symmetric_forward'"):
        exact("any", "logic_symmetric_forward")(with_curve([float("nan")] * 12, 0.0))


def over_n(right: dict[str, float]) -> Any:
    """Evidence whose groups answer so in context, in three seeds that differ a little."""
    from bothways.studies.evidence import Evidence

    class MadeUp(Evidence):
        def curve(self, group: str, probe: str, name: str) -> tuple[np.ndarray, np.ndarray]:
            share = right[group] if isinstance(right[group], list) else [right[group]] * 12
            seeds = np.array([share, [0.995 * x for x in share], [0.99 * x for x in share]])
            return np.arange(1, 13) * 200, 10 * (1 - seeds) if name.endswith("_nll") else seeds

        def table(self, group: str, probe: str) -> list[Any]:
            from bothways.studies.semantics_readings import FOLLOWS

            return [[{"kind": kind, "questions": 30} for kind in FOLLOWS]] * 3

    return MadeUp({})


def verdicts_of(id: str, evidence: Any) -> list[str]:
    from bothways.studies.claims import measure

    (claim,) = [c for c in study("laptop").claims(True) if c.id == id]
    return [measure(part, evidence).verdict for part in claim.parts]


def test_a_step_over_graphs_is_a_transition_and_a_level_is_none() -> None:
    levels = ("updates 200", "updates 800", "updates 3200", "updates 12800")
    stepped = verdicts_of("RS-1", over_n(dict(zip(levels, (0.01, 0.02, 0.95, 0.97), strict=True))))
    assert ["reproduced"] * 3 == stepped[:3]
    assert ["partly", "reproduced"] == stepped[3:], "every seed rises at the same place: nothing is known of its spread"
    level = verdicts_of("RS-1", over_n(dict.fromkeys(levels, 0.3)))
    assert ["contradicted", "contradicted"] == [level[0], level[-1]]
    assert "reproduced" not in level


def test_a_jump_over_epochs_to_nearly_all_is_seen_and_a_slow_rise_is_none() -> None:
    jump = [0.01] * 5 + [0.98] * 7
    assert ["reproduced"] * 3 == verdicts_of("RS-3", over_n({"updates 3200": jump}))
    slow = [0.05 * step for step in range(1, 13)]
    assert ["contradicted"] * 3 == verdicts_of("RS-3", over_n({"updates 3200": slow}))
