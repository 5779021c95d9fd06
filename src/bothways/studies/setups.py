"""What several studies build their groups from: exams without development questions, and small settings."""

from collections.abc import Callable
from functools import lru_cache

from bothways.facts.exam import ExamConfig, make_exam
from bothways.types import Exam, FactSource


def exam_of(world: FactSource, **options: float) -> Callable[[int], Exam]:
    """Return what makes a world's exam from a seed: facts and split of that seed, every question a test question.

    Nothing is chosen on the way in a study, so no question needs to be kept for choosing.
    """
    config = ExamConfig(dev=0.0, max_queries=1000, **options)  # type: ignore[arg-type]

    @lru_cache(maxsize=64)
    def make(seed: int) -> Exam:
        return make_exam(world.make(seed), config, seed)

    return make
