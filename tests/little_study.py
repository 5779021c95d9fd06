"""The smallest study: one group of runs, one computation, three claims."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from bothways.commands.recipe import recipe
from bothways.config import change
from bothways.facts.exam import ExamConfig, make_exam
from bothways.facts.worlds.bijection import Bijection
from bothways.studies.base import Group, Picture, Study
from bothways.studies.claims import Claim, Part, Region
from bothways.studies.evidence import Evidence
from bothways.types import Exam

SMALL = {"model.d_model": 16, "model.d_mlp": 32, "model.n_heads": 2, "training.steps": 20, "training.measurements": 2}


def exam(seed: int) -> Exam:
    """Return a small exam."""
    return make_exam(Bijection(n=20).make(seed), ExamConfig(), seed)


class Little(Study):
    """A study for tests."""

    title = "A little study"
    source = "None."

    def groups(self, quick: bool) -> Sequence[Group]:
        """Return one group."""
        config = change(replace(recipe(exam(0), "cpu")), SMALL)
        return [Group(name="little", arm="causal", config=config, exam=exam)]

    def computations(self, quick: bool) -> Mapping[str, Callable[[int], Mapping[str, float]]]:
        """Return one computation."""
        return {"double": lambda seed: {"value": 2.0 * seed}}

    def claims(self, quick: bool) -> Sequence[Claim]:
        """Return a claim that holds, one that does not, and one that nobody can test."""

        def claim(number: int, **more: object) -> Claim:
            return Claim(id=f"L-{number}", sentence="So it is.", paper="1", sure="ours", scale="same", **more)  # type: ignore[arg-type]

        low = Part(what="accuracy", region=Region(0.0, 1.0), values=lambda e: e.score("little", "reverse_tested"), n=10)
        high = Part(what="value", region=Region(low=5.0), values=lambda e: e.computation("double", "value"), exact=True)
        return [claim(1, parts=(low,)), claim(2, parts=(high,)), claim(3, why="Nobody can.")]

    def pictures(self, evidence: Evidence, quick: bool) -> Sequence[Picture]:
        """Return one picture."""
        rows = [("", "little", "accuracy", value, value, value) for value in evidence.score("little", "forward")]
        return [Picture(name="little", title="Little", form="bars", rows=rows, y="accuracy")]
