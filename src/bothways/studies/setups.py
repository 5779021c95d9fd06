"""What several studies build their groups from: exams without development questions, and small settings."""

from collections.abc import Callable
from functools import lru_cache

from bothways.facts.exam import ExamConfig, make_exam
from bothways.types import Exam, FactSource


def exam_of(
    world: FactSource, *, isolated: float = ExamConfig.isolated, partner: float = ExamConfig.partner
) -> Callable[[int], Exam]:
    """Return what makes a world's exam from a seed: facts and split of that seed, every question a test question.

    Nothing is chosen on the way in a study, so no question needs to be kept for choosing.

    Args:
        world: makes the facts.
        isolated: share of the eligible answers whose every fact is stated in one order only.
        partner: share of the others that are tested beside a partner.
    """
    config = ExamConfig(isolated=isolated, partner=partner, dev=0.0, max_queries=1000)

    @lru_cache(maxsize=64)
    def make(seed: int) -> Exam:
        return make_exam(world.make(seed), config, seed)

    return make
