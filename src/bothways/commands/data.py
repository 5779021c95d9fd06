"""data: check, make and convert facts, before anything is trained."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bothways.errors import BothwaysError, FactsError
from bothways.evaluation.baselines import Baseline, shallow_baselines
from bothways.facts.exam import ExamConfig, make_exam
from bothways.facts.find import find_facts, make_world
from bothways.facts.mining import MinedPattern, mine_relations
from bothways.facts.read import read_facts
from bothways.facts.semantics import Semantics
from bothways.facts.write import write_facts
from bothways.options import at_least, component
from bothways.types import SCHEMA, Exam, FactSet

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, slots=True)
class RelationCheck:
    """What can be tested of one relation."""

    relation: str
    facts: int
    kind: str
    """one-to-one, one-to-many, many-to-one, many-to-many, or symmetric."""
    isolated: int
    partner: int
    implied: int
    """Facts that no text states, and that are asked for that reason."""
    withheld: int
    says: str
    """How a fact is asked in reverse."""


@dataclass(frozen=True)
class Check:
    """What an exam on these facts would test, what it would not, and why."""

    facts: FactSet
    relations: tuple[RelationCheck, ...]
    mined: tuple[MinedPattern, ...]
    baselines: tuple[Baseline, ...]
    leak: str
    flips: int
    notes: tuple[str, ...]
    testable: bool

    def to_pandas(self) -> "pandas.DataFrame":
        """One row per relation."""
        import pandas

        return pandas.DataFrame([asdict(row) for row in self.relations])


def check(facts: str | Path | FactSet, *, split: int = 0) -> Check:
    """Say what can be tested with these facts, what cannot, and why; train nothing.

    Args:
        facts: a file, a folder, a world's name, or facts already read.
        split: seed of the exam.

    Raises:
        FactsError: the facts cannot be read.
    """
    at_least(0, "Choose another seed.", split=split)
    given = facts if isinstance(facts, FactSet) else find_facts(facts, split)
    try:
        exam = make_exam(given, ExamConfig(), split)
    except FactsError as error:
        rows = tuple(check_relation(given, None, name) for name in relation_names(given))
        return Check(given, rows, tuple(mine_relations(given)), (), "", 0, (str(error),), testable=False)
    kinds = Counter(query.kind for query in exam.queries)
    return Check(
        facts=given,
        relations=tuple(check_relation(given, exam, name) for name in relation_names(given)),
        mined=tuple(mine_relations(given)),
        baselines=tuple(shallow_baselines(exam)),
        leak=exam.leak,
        flips=kinds["flip"],
        notes=exam.notes,
        testable=True,
    )


def relation_names(facts: FactSet) -> Sequence[str]:
    """Return the relations that facts use, the most frequent first."""
    return [name for name, _ in Counter(fact.relation for fact in facts.facts).most_common()]


def check_relation(facts: FactSet, exam: Exam | None, name: str) -> RelationCheck:
    """Return one relation's row."""
    members = [fact for fact in facts.facts if fact.relation == name]
    relation = facts.relations[name]
    queries = [q for q in exam.queries if q.relation == name] if exam else []
    return RelationCheck(
        relation=name,
        facts=len(members),
        kind="symmetric" if relation.symmetric else multiplicity([(f.head, f.tail) for f in members]),
        isolated=sum(q.kind == "reverse_tested" for q in queries),
        partner=sum(q.kind == "reverse_partner" for q in queries),
        implied=sum(q.kind == "implied" for q in queries),
        withheld=sum(fact.relation == name for fact in exam.withheld) if exam else 0,
        says=relation.tail_first[0] if relation.tail_first else "",
    )


def multiplicity(pairs: Sequence[tuple[str, str]]) -> str:
    """Return how many tails a head has and how many heads a tail.

    >>> multiplicity([("a", "x"), ("b", "x")])
    'many-to-one'
    """
    heads, tails = Counter(h for h, _ in pairs), Counter(t for _, t in pairs)
    left = "one" if max(tails.values(), default=1) == 1 else "many"
    right = "one" if max(heads.values(), default=1) == 1 else "many"
    return f"{left}-to-{right}"


@dataclass(frozen=True)
class Pairs:
    """Which relations follow from each other, how many of their pairs an exam tests, and what is left out."""

    rows: tuple[Mapping[str, Any], ...]
    """One per two partners, those with the most tested pairs first."""
    questions: Mapping[str, int]
    """How many of each kind an exam asks; empty where nothing can be tested."""
    notes: tuple[str, ...]
    testable: bool

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return {"schema": SCHEMA, **asdict(self)}

    def to_pandas(self) -> "pandas.DataFrame":
        """One row per two partners."""
        import pandas

        return pandas.DataFrame(list(self.rows))


def pairs(facts: str | Path | FactSet, *, exam: str = "semantics", split: int = 0) -> Pairs:
    """Say which pairs of triples `semantics` would test, relation by relation, and why not others; train nothing.

    Args:
        facts: a file, a folder, a world's name, or facts already read.
        exam: `semantics` with its options, such as `semantics:partners=part of/has part`.
        split: seed of the exam.

    Raises:
        BothwaysError: another exam is named, an option does not fit, or the facts cannot be read.
    """
    at_least(0, "Choose another seed.", split=split)
    how = component("exams", exam)
    if not isinstance(how, Semantics):
        raise BothwaysError(f"Pairs are those of the exam semantics, got {exam}. Write semantics, with its options.")
    given = facts if isinstance(facts, FactSet) else find_facts(facts, split)
    counts = sorted(how.withhold(given, split).counts, key=lambda count: -count.tested)
    rows = tuple(count.to_row() for count in counts)
    try:
        made = how.make(given, split)
    except FactsError as error:
        return Pairs(rows, {}, (str(error),), testable=False)
    return Pairs(rows, dict(Counter(q.kind for q in made.queries)), (*made.facts.notices, *made.notes), testable=True)


def make(world: str, out: str | Path, *, seed: int = 0) -> FactSet:
    """Make a world's facts and write them to a file.

    Args:
        world: a registered world, with options: `family` or `relations:n_entities=100`.
        out: the file; its suffix says the format.
        seed: the same seed makes the same file.

    Raises:
        BothwaysError: the world or an option is unknown, or the file cannot be written.
    """
    at_least(0, "Choose another seed.", seed=seed)
    facts = make_world(world, seed)
    write_facts(facts, Path(out))
    return facts


def convert(source: str | Path, out: str | Path) -> FactSet:
    """Read facts in one format and write them in another.

    Raises:
        FactsError: the source cannot be read, or the target's format is unknown.
    """
    facts = read_facts(Path(source))
    write_facts(facts, Path(out))
    return facts
