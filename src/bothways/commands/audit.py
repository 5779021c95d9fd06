"""audit: how well does a model know facts, both ways? What is chance, what leaks, what does it know already?"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bothways.asking import Form, forms_of, headline_form, measured, qa_form
from bothways.batches.chat import ChatTokenizer
from bothways.commands.output import command_line, is_begun
from bothways.commands.recipe import choose_device
from bothways.disk import disk_errors, own
from bothways.errors import BothwaysError
from bothways.evaluation.both_ways import statements
from bothways.facts.both_ways import both_ways_exam, limited, narrowed
from bothways.facts.exam import make_exam
from bothways.facts.find import find_facts
from bothways.facts.qa_exam import qa_exam
from bothways.facts.readers.lines import read_lines
from bothways.facts.readers.qa import Asked, read_qa
from bothways.facts.readers.texts import SUFFIXES, read_texts
from bothways.options import at_least
from bothways.registry import unknown
from bothways.reports.audit_page import write_audit
from bothways.runs import describe_machine
from bothways.subjects import Subject, find_model, name_of, open_subject
from bothways.types import SCHEMA, Exam, FactSet

if TYPE_CHECKING:
    import pandas

DEV = 0.2
"""Share of the facts that examples are drawn from, where there are examples."""
LIMIT = 200
"""Facts that are asked by default."""
FORMS = ("completion", "question", "both")
SHOTS = (0, 2)


@dataclass(frozen=True)
class Audit:
    """A model measured: what `--json` prints, and the folder of its page if one was asked for."""

    data: dict[str, Any]
    folder: Path | None

    @property
    def page(self) -> Path | None:
        """The page."""
        return self.folder / "report.html" if self.folder is not None else None

    def to_pandas(self) -> "pandas.DataFrame":
        """One row per form and direction."""
        import pandas

        return pandas.DataFrame(
            [
                {"form": form, "direction": way, **found[way]}
                for form, found in self.data["forms"].items()
                for way in ("forward", "reverse")
            ]
        )


def audit(
    model: str | Path,
    facts: str | Path | FactSet,
    *,
    qa: str | Path | None = None,
    form: str = "both",
    shots: int = 0,
    limit: int = LIMIT,
    out: str | Path | None = None,
    split: int = 0,
    device: str = "auto",
    watch: Callable[[str], None] = lambda _: None,
) -> Audit:
    """Ask a model facts forward and in reverse, in the forms it may be asked in, and say what its numbers are worth.

    Args:
        model: a run's folder, a folder with config.json, tokenizer.json and safetensors, or a name on the hub.
        facts: a file, a folder, a world's name, or facts already read; beside `qa` also documents: a folder or file of
            .txt, .md or .jsonl.
        qa: a file of questions about the facts or documents, one JSON object a line.
        form: completion ("Ann's mother is"), question ("Who is Ann's mother?", as a chat where the model has a chat
            template), or both.
        shots: examples before each question, 0 or 2.
        limit: facts asked at most, spread over all; 0 for all of them.
        out: a folder for audit.json and report.html; nothing is written by default.
        split: seed of the exam, and of a world's facts.
        device: cpu, cuda, or auto for cuda where there is one.
        watch: told what is done, in a few words.

    Raises:
        FactsError: the facts, documents or questions cannot be read, or none can be asked in reverse.
        RunError: there is no such model, it is damaged, or `out` is not free.
        EntityError: the tokenizer cannot spell a name.
        BothwaysError: a bad option, a chat template that fails, or a question that is longer than the model reads.
    """
    at_least(0, "Choose another number.", split=split, limit=limit)
    if form not in FORMS:
        raise BothwaysError(unknown("form", form, FORMS))
    if shots not in SHOTS:
        raise BothwaysError(f"shots must be 0 or 2, got shots={shots}. Choose one of them.")
    folder = Path(out) if out is not None else None
    if folder is not None:
        is_begun(folder, "audit", (folder / "audit.json").exists(), False)
    source = read_sources(facts, qa, split)
    path = find_model(model)
    watch(f"{path}: reading it")
    subject = open_subject(path)
    subject.model.to(choose_device(device))
    exams, forms = what_is_asked(subject, source, form, shots, limit, split)
    found = {name: measured(subject, one, watch) for name, one in forms.items()}
    main = headline_form(forms)
    data = {
        "schema": SCHEMA,
        "model": str(model),
        "family": subject.family,
        "objective": name_of(subject.objective),
        "facts": describe(source, facts, exams[0]),
        "form": main,
        "shots": shots,
        **found[main],
        "forms": found,
        "notes": [*dict.fromkeys(note for one in exams for note in one.notes), *notes_on(subject, forms, form)],
        "command": repeat(model, facts, qa, folder, form, shots, limit, split),
        "versions": describe_machine()["versions"],
    }
    if folder is not None:
        with disk_errors(folder), own(folder):
            write_audit(folder, data)
    return Audit(data, folder)


@dataclass(frozen=True)
class Sources:
    """What a user wants to be asked: facts, or documents with questions, or facts with questions."""

    facts: FactSet | None
    texts: tuple[str, ...]
    questions: tuple[Asked, ...]
    file: str
    """Of the questions, as it was named."""


def read_sources(facts: str | Path | FactSet, qa: str | Path | None, split: int) -> Sources:
    """Read what a user names; beside questions, a folder or text is documents, unless its lines are facts.

    Raises:
        FactsError: something cannot be read.
    """
    questions = read_qa(Path(qa)) if qa is not None else ()
    if questions and not isinstance(facts, FactSet) and holds_documents(Path(facts)):
        return Sources(None, read_texts(Path(facts)), questions, str(qa))
    return Sources(facts if isinstance(facts, FactSet) else find_facts(facts, split), (), questions, str(qa))


def holds_documents(path: Path) -> bool:
    """Whether a path is one of documents: a folder, or a text that holds no facts."""
    if path.is_dir():
        return True
    if not path.is_file() or path.suffix.lower() not in SUFFIXES:
        return False
    first = next((line for _, line in read_lines(path) if line.strip()), "")
    return "\t" not in first if path.suffix.lower() == ".txt" else '"relation"' not in first


def what_is_asked(
    subject: Subject, source: Sources, form: str, shots: int, limit: int, split: int
) -> tuple[list[Exam], dict[str, Form]]:
    """Return the exams of facts and of questions, and the forms in which they are asked, by name."""
    exams, forms, texts = list[Exam](), dict[str, Form](), source.texts
    if source.facts is not None:
        exams.append(exam_for(subject, source.facts, limit, shots, split))
        forms = {one.name: one for one in forms_of(subject, exams[0], form, shots, split)}
        texts = tuple(statements(exams[0]))
    if source.questions:
        made, answering = qa_exam(source.questions, texts, source.file, seed=split, dev=DEV if shots else 0.0)
        exams.append(narrowed(limited(made, limit), subject.exam.max_candidates, split))
        forms["qa"] = qa_form(subject, exams[-1], answering, shots, split)
    return exams, forms


def exam_for(subject: Subject, facts: FactSet, limit: int, shots: int, split: int) -> Exam:
    """Return what a model is asked: all facts both ways, or of a run what it was asked when it was trained."""
    if subject.sat:
        return limited(make_exam(facts, subject.exam, split), limit)
    most = subject.exam.max_candidates
    return both_ways_exam(facts, split, most=limit, max_candidates=most, dev=DEV if shots else 0.0)


def notes_on(subject: Subject, forms: dict[str, Form], form: str) -> Iterator[str]:
    """Yield what a reader must know of how a model was asked."""
    asked = forms.get("question", forms.get("qa"))
    if asked is not None and isinstance(asked.tokenizer, ChatTokenizer) and not asked.tokenizer.has_template:
        yield 'The tokenizer has no chat template: questions are asked in plain words, "Question: ... Answer:".'
    if asked is None and form == "both":
        yield "A run's tokenizer knows the words of its text only: it is asked by completion, without a control."
    if subject.sat:
        yield "The run is asked what its own exam asks: forward is the order that its text states."
    if subject.exam.max_candidates:
        most = max(len(pool) for one in forms.values() for pool in one.exam.candidates.values())
        yield f"An answer is ranked among {most} candidates at most."


def describe(source: Sources, facts: str | Path | FactSet, exam: Exam) -> dict[str, Any]:
    """Return which facts the model was asked, in numbers; of documents, their questions are the facts."""
    given = source.facts or exam.facts
    return {
        "name": given.name,
        "source": str(facts) if not isinstance(facts, FactSet) else given.source or given.name,
        "hash": given.hash,
        "exam": exam.hash,
        "facts": len(given.facts),
        "entities": len(given.entities),
        "asked": len({query.fact for query in exam.queries if query.split == "test"}),
        "documents": len(source.texts),
        "questions": len(source.questions),
    }


def repeat(
    model: str | Path,
    facts: str | Path | FactSet,
    qa: str | Path | None,
    folder: Path | None,
    form: str,
    shots: int,
    limit: int,
    split: int,
) -> str:
    """Return the command that gives the same numbers."""
    source = str(facts) if not isinstance(facts, FactSet) else facts.source or facts.name
    more = [
        ("--qa", qa),
        ("--form", form if form != "both" else None),
        ("--shots", shots or None),
        ("--limit", limit if limit != LIMIT else None),
        ("--split", split or None),
        ("-o", folder),
    ]
    return command_line(["bothways", "audit", str(model), source], more)


__all__ = ["Audit", "audit"]
