"""Relation or association, told from questions and their flips alone."""

from types import SimpleNamespace
from typing import Any


def shares(*pairs: tuple[bool, bool]) -> dict[str, float]:
    """Return what is said of reverse questions (right?) and their flips (the partner named?)."""
    from bothways.mechanisms.answers import relation_or_association

    n = len(pairs)
    queries = [SimpleNamespace(of=None)] * n + [SimpleNamespace(of=k) for k in range(n)]
    right = [one for one, _ in pairs] + [other for _, other in pairs]
    exam: Any = SimpleNamespace(queries=queries)
    scores: Any = {k: SimpleNamespace(correct=correct) for k, correct in enumerate(right)}
    return dict(relation_or_association.__wrapped__(exam, scores))  # past the checks of types: these are stand-ins


def test_specific_is_right_and_not_blind() -> None:
    """Who names the partner whatever is asked is blind; who is right and silent on the flip is specific."""
    assert {"specific": 0.0, "blind": 1.0} == shares((True, True), (True, True))
    assert {"specific": 1.0, "blind": 0.0} == shares((True, False))
    assert {"specific": 0.25, "blind": 0.5} == shares((True, False), (True, True), (False, True), (False, False))


def test_nothing_is_said_where_no_flip_was_asked_with_its_question() -> None:
    """No number is better than a made-up one."""
    assert {} == shares()
