"""Signals by depth, over checkpoints and models: known answers, and what must hold of any."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

STEPS = (10, 20, 30, 40)


def run_of(signal_TA: Any, exact: float) -> Any:
    """Return a finished run that was watched: a margin of every depth at every measurement."""
    from bothways.runs import Run

    class Watched(Run):
        @property
        def history(self) -> list[dict[str, Any]]:
            names = [{f"logic_{a}_margin": float(v) for a, v in enumerate(values_A)} for values_A in signal_TA]
            return [{"step": n, "watched": {"partner_lens": v}} for n, v in zip(STEPS, names, strict=True)]

    result = {"findings": [{"probe": "tasks", "numbers": {"logic_exact": exact}}]}
    return Watched(Path("run"), result)


def evidence_of(**groups: list[Any]) -> Any:
    from bothways.studies.evidence import Evidence

    return Evidence(groups)


STEADY = [[0.0, 0.0, 0.0], [0.0, 3.0, 5.0], [0.0, 3.0, 5.0], [0.0, 3.0, 5.0]]
WAVERING = [[0.0, 0.0, 0.0], [0.0, 1.0, 2.0], [0.0, 1.0, -2.0], [0.0, 1.0, 0.0]]


def test_watched_numbers_become_arrays_over_depth() -> None:
    """In the order of depths, a row a model; what was not watched is told."""
    from bothways.studies.depths import depth_curves
    from bothways.studies.evidence import NothingMeasured

    evidence = evidence_of(one=[run_of(STEADY, 1.0), run_of(WAVERING, 0.0)])
    steps_T, values_STA = depth_curves(evidence, "one", "partner_lens", "logic", "margin")
    assert list(STEPS) == steps_T.tolist()
    assert [STEADY, WAVERING] == values_STA.tolist()
    with pytest.raises(NothingMeasured, match="'one' does not show 'rank' of 'logic' by depth in 'partner_lens'"):
        depth_curves(evidence, "one", "partner_lens", "logic", "rank")


def test_models_are_compared_by_how_they_end() -> None:
    """Means, and spreads over checkpoints and over models, by hand; the threshold itself is success."""
    from bothways.studies.depths import by_success

    values_STA = np.array([STEADY, np.array(STEADY) + 2, WAVERING])
    found = by_success(values_STA, [0.5, 0.9, 0.49], 0.5, last=3)
    good, bad = found["successful"], found["failing"]
    assert (2, 1) == (good.n_models, bad.n_models)
    assert [1.0, 4.0, 6.0] == good.mean_A.tolist()
    assert [math.sqrt(2)] * 3 == pytest.approx(good.between_A.tolist())
    assert [0.0, 0.0, 0.0] == good.within_A.tolist()
    assert [0.0, 1.0, 0.0] == bad.mean_A.tolist()
    assert [0.0, 0.0, 2.0] == bad.within_A.tolist()
    assert np.isnan(bad.between_A).all()
    assert {"failing"} == set(by_success(values_STA, [0.1, 0.1, 0.2], 0.5, last=3))


def test_one_checkpoint_says_nothing_of_steadiness() -> None:
    from bothways.studies.depths import profile

    found = profile(np.array([STEADY]), last=1)
    assert [0.0, 3.0, 5.0] == found.mean_A.tolist()
    assert np.isnan(found.within_A).all()


def test_bad_signals_are_refused() -> None:
    from bothways.errors import BothwaysError
    from bothways.studies.depths import by_success, profile, together

    signal = np.array([STEADY])
    for values, last in ((signal[:0], 2), (signal, 0), (signal * np.nan, 2)):
        with pytest.raises(BothwaysError, match="A profile needs finite values of at least one model and checkpoint"):
            profile(values, last)
    with pytest.raises(BothwaysError, match=r"got 2 for 1 models\. Give one for each"):
        by_success(signal, [0.1, 0.2], 0.5, 2)
    with pytest.raises(BothwaysError, match="models of as many blocks"):
        together([signal, signal[:, :, :2]], 2)


def test_groups_are_put_together_by_their_last_checkpoints() -> None:
    """Also where one was measured less often."""
    from bothways.studies.depths import together

    long, short = np.array([STEADY]), np.array([WAVERING])[:, -2:]
    assert [STEADY[-2:], WAVERING[-2:]] == together([long, short], 3).tolist()


@pytest.mark.parametrize(
    ("signal", "expected"),
    [([1.0, 1.0], 0.0), ([0.0, 1.0, 0.4, 0.5], 3.0), ([0.0, 1.0, 0.4], math.nan), ([0.0, math.nan, 1.0], 2.0)],
)
def test_known_from_the_last_depth_below(signal: list[float], expected: float) -> None:
    from bothways.studies.depths import known_from

    assert known_from(np.array(signal), 0.5) == pytest.approx(expected, nan_ok=True)


def test_thirds_of_twelve_blocks_are_four_each() -> None:
    """What stands before any block belongs to none of them."""
    from bothways.studies.depths import thirds
    from bothways.studies.evidence import NothingMeasured

    assert (2.5, 6.5, 10.5) == thirds(np.array([99.0, *range(1, 13)]))
    with pytest.raises(NothingMeasured, match="a model of 2 blocks has no early, middle and late ones"):
        thirds(np.zeros(3))


@given(data=st.data(), shift=st.floats(-5, 5), scale=st.floats(0.1, 5))
@settings(max_examples=50, deadline=None)
def test_spreads_do_not_know_where_zero_is(data: Any, shift: float, scale: float) -> None:
    """Moving a signal moves its mean alone; stretching it stretches everything; the order of models is nothing."""
    from bothways.studies.depths import profile

    shape = tuple(data.draw(st.integers(2, 4)) for _ in range(3))
    values = np.random.default_rng(data.draw(st.integers(0, 99))).normal(size=shape)
    plain, moved, turned = (profile(v, 2) for v in (values, scale * values + shift, values[::-1]))
    assert np.allclose(moved.mean_A, scale * plain.mean_A + shift)
    assert np.allclose(moved.within_A, scale * plain.within_A)
    assert np.allclose(moved.between_A, scale * plain.between_A)
    assert np.allclose(turned.mean_A, plain.mean_A) and np.allclose(turned.between_A, plain.between_A)


def test_the_map_shows_depth_against_training() -> None:
    """A panel for each group that was watched, the last block on top, the mean over seeds in a cell."""
    from bothways.studies.depth_drawing import depth_map

    evidence = evidence_of(one=[run_of(STEADY, 1.0), run_of(WAVERING, 0.0)], none=[])
    picture = depth_map(evidence, "map", "Margin", ["one", "none"], "partner_lens", "logic", "margin")
    assert ("heat_map", 12) == (picture.form, len(picture.rows))
    assert [("one", 2, 10, 0.0), ("one", 2, 20, 3.5)] == list(picture.rows[:2])
    assert ("one", 0, 40, 0.0) == picture.rows[-1]


def test_profiles_show_who_succeeds_and_who_wavers() -> None:
    """By depth, in two panels; a model alone has no band, and one checkpoint no spread."""
    from bothways.studies.depth_drawing import depth_profiles

    more = [[v + 1 for v in row] for row in STEADY]
    evidence = evidence_of(big=[run_of(STEADY, 0.9), run_of(more, 0.8)], small=[run_of(WAVERING, 0.1)], none=[])

    def draw(last: int) -> Any:
        return depth_profiles(
            evidence, "profiles", "Margin", ["big", "small", "none"], "partner_lens", "logic", "margin",
            judge=("tasks", "logic_exact"), threshold=0.5, last=last,
        )  # fmt: skip

    picture = draw(3)
    rows = {row[:3]: row[3:] for row in picture.rows}
    assert "curves" == picture.form
    assert {"successful (2)", "failing (1)"} == {series for _, series, _ in rows}
    assert 5.5 == rows["mean", "successful (2)", 2][0]
    assert rows["mean", "successful (2)", 2][1] < 5.5 < rows["mean", "successful (2)", 2][2] < math.inf
    assert (1.0, -math.inf, math.inf) == rows["mean", "failing (1)", 1]
    assert 2.0 == rows["standard deviation over checkpoints", "failing (1)", 2][0]
    assert 0.0 == rows["standard deviation over checkpoints", "successful (2)", 2][0]
    assert {"mean"} == {row[0] for row in draw(1).rows}


def test_pictures_of_depth_are_drawn() -> None:
    """Both forms become figures; with nothing measured they are empty."""
    from bothways.reports.pictures import plot_of
    from bothways.studies.depth_drawing import depth_map, depth_profiles

    evidence = evidence_of(one=[run_of(STEADY, 1.0), run_of(WAVERING, 0.0)])
    what: Any = ("partner_lens", "logic", "margin")
    assert "blocks" in plot_of(depth_map(evidence, "map", "Margin", ["one"], *what)).alt
    judge: Any = {"judge": ("tasks", "logic_exact"), "threshold": 0.5, "last": 3}
    assert "failing" in plot_of(depth_profiles(evidence, "p", "Margin", ["one"], *what, **judge)).alt
    assert not depth_profiles(evidence_of(one=[]), "p", "Margin", ["one"], *what, **judge).rows
