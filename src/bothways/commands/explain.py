"""explain: where, inside a model, is a direction lost? The same probes on any model, before and after a fine-tune."""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bothways.commands.output import is_begun
from bothways.disk import disk_errors, own
from bothways.errors import BothwaysError
from bothways.facts.exam import make_exam
from bothways.facts.find import find_facts
from bothways.mechanisms.inside import look_inside
from bothways.options import at_least
from bothways.reports.explain_page import write_explanation
from bothways.runs import describe_machine
from bothways.subjects import CANDIDATES, Subject, find_model, name_of, open_subject
from bothways.sweeps.plan import safe_name
from bothways.types import SCHEMA, Exam, FactSet, Inside

MAX_FACTS = 100
"""Facts, or questions of a kind, that a probe looks at by default."""


@dataclass(frozen=True)
class Explanation:
    """A model explained: the folder of its page, and what explain.json holds."""

    folder: Path
    data: dict[str, Any]

    @property
    def page(self) -> Path:
        """The page."""
        return self.folder / "report.html"


def explain(
    model: str | Path,
    facts: str | Path | FactSet,
    *,
    out: str | Path | None = None,
    before: str | Path | None = None,
    objective: str | None = None,
    split: int = 0,
    max_facts: int = MAX_FACTS,
    watch: Callable[[str], None] = lambda _: None,
) -> Explanation:
    """Look inside a model with every probe, and say in words where a direction is lost.

    Args:
        model: a run's folder, a folder with config.json, tokenizer.json and safetensors, or a name on the hub.
        facts: a file, a folder, a world's name, or facts already read.
        out: the folder to write; runs/explain-<model> by default.
        before: the model before its fine-tune, shown beside it; of the same family and shape.
        objective: how it is asked; the run's own, or what its family was trained for, by default.
        split: seed of the exam, which settles the order of facts that do not bring one, and of a world's facts.
        max_facts: facts, or questions of a kind, that a probe looks at.
        watch: told what is done, in a few words.

    Raises:
        FactsError: the facts cannot be read, or none of them can be tested in both directions.
        RunError: a folder holds no model, a damaged one or several, or `out` is not free.
        EntityError: a tokenizer does not know an entity.
        BothwaysError: a bad option, or a model that cannot be asked this way or has no attention.
    """
    at_least(0, "Choose another seed.", split=split)
    at_least(2, "A pair is compared with another one.", max_facts=max_facts)
    folder = Path(out) if out is not None else Path("runs") / f"explain-{safe_name(Path(model).resolve().name)}"
    is_begun(folder, "explanation", (folder / "explain.json").exists(), False)
    paths = [find_model(one) for one in (before, model) if one is not None]
    given = facts if isinstance(facts, FactSet) else find_facts(facts, split)
    found, notes, shape = list[Inside](), list[str](), None
    for path in paths:
        watch(f"{path}: reading it")
        subject = open_subject(path, objective)
        if shape is not None and shape_of(subject) != shape:
            raise BothwaysError(
                f"{before} is a {says_shape(shape)} and {path} a {says_shape(shape_of(subject))}: before and after a "
                "fine-tune a model is of one family and size. Leave --before out, or name the model that was tuned."
            )
        shape = shape_of(subject)
        exam = make_exam(given, subject.exam, split)
        notes += [note for note in notes_on(subject, exam, given) if note not in notes]
        found.append(inside_of(subject, exam, max_facts, watch))
        del subject  # two models are never in memory at once
    data = {
        "schema": SCHEMA,
        **found[-1].to_json(),
        "facts": describe(given, facts, exam, split, max_facts),
        "before": found[0].to_json() if before is not None else None,
        "notes": notes,
        "command": command_line(model, facts, folder, before, objective, split, max_facts),
        "versions": describe_machine()["versions"],
    }
    with disk_errors(folder), own(folder):
        return Explanation(folder, write_explanation(folder, data))


def inside_of(subject: Subject, exam: Exam, most: int, watch: Callable[[str], None]) -> Inside:
    """Return what every probe found in a model."""
    found = look_inside(
        subject.model,
        subject.objective,
        subject.tokenizer,
        exam,
        most=most,
        room=subject.room,
        watch=lambda name: watch(f"{subject.folder}: {name.replace('_', ' ')}"),
    )
    return Inside(
        model=str(subject.folder),
        family=subject.family,
        objective=name_of(subject.objective),
        causal=found.causal,
        findings=found.findings,
        left_out=found.left_out,
    )


def shape_of(subject: Subject) -> tuple[str, int, int]:
    """Return family, number of blocks and width."""
    return subject.family, subject.model.n_layers, int(subject.model.output_VD.shape[-1])


def says_shape(shape: tuple[str, int, int]) -> str:
    """Say of what family and size a model is.

    >>> says_shape(("gpt2", 2, 32))
    'gpt2 of 2 blocks and width 32'
    """
    return f"{shape[0]} of {shape[1]} blocks and width {shape[2]}"


def notes_on(subject: Subject, exam: Exam, facts: FactSet) -> Sequence[str]:
    """Return what a reader must know of how this model was asked."""
    if subject.sat:
        if subject.sat == exam.hash:
            return []
        return [f"{subject.folder} sat another exam in training: what counts as stated here may not be what it read."]
    notes = []
    if any(fact.stated is None for fact in facts.facts):
        notes.append(
            "The facts do not all say in which order the model read them; the exam chose. "
            "Add a column `stated` to say it."
        )
    return [*notes, f"An answer is ranked among {CANDIDATES} candidates at most."]


def describe(given: FactSet, facts: str | Path | FactSet, exam: Exam, split: int, most: int) -> dict[str, Any]:
    """Return which facts the model was asked, in numbers."""
    kinds = [query.kind for query in exam.queries if query.split == "test"]
    return {
        "name": given.name,
        "source": given.source or str(facts if not isinstance(facts, FactSet) else given.name),
        "hash": given.hash,
        "exam": exam.hash,
        "split": split,
        "facts": len(given.facts),
        "entities": len(given.entities),
        "reverse_tested": kinds.count("reverse_tested"),
        "reverse_partner": kinds.count("reverse_partner"),
        "max_facts": most,
    }


def command_line(
    model: str | Path,
    facts: str | Path | FactSet,
    folder: Path,
    before: str | Path | None,
    objective: str | None,
    split: int,
    most: int,
) -> str:
    """Return the command that gives the same numbers."""
    source = str(facts) if not isinstance(facts, FactSet) else facts.source or facts.name
    more = [("--before", before), ("--objective", objective), ("--split", split or None)]
    more.append(("--max-facts", most if most != MAX_FACTS else None))
    words = ["bothways", "explain", str(model), source, "-o", str(folder)]
    return shlex.join([*words, *(word for name, value in more if value is not None for word in (name, str(value)))])


__all__ = ["Explanation", "explain"]
