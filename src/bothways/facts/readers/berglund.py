"""Read the files of the reversal curse as they are: parent-child pairs, and prompts with completions.

**Parents.** `child,parent,parent_type` becomes Fact(child, mother or father, parent). Both relations share the
tail-first sentence "{tail}'s child is {head}".

**Names and descriptions.** The fictitious set has 30 names, each told of in 30 prompts, and a name's description has
several grammatical forms ("the director of X", "directed X"). What is true is one pair a name, so a name is *one*
fact, Fact(name, "description", description). Its description is the longest phrase beginning with "the" in at
least `SHARE` of the name's rows. A file of prompts that name the person first (p2d) states it head first, one of
prompts that describe first (d2p) tail first, and a name with both kinds of rows is stated both ways.

The prompts become the relation's templates: a row in which name and description stand word for word, once each, is a
template once they are replaced, and it is kept if at least half of the names have such a row. Rows in other words
("directed X") cannot be said by a template that fits every fact; of them only the wording of the description is kept,
as an alias. A notice says how many rows that is. So a file of 900 rows is 30 facts with some 26 templates, which write
almost as many sentences; a study that needs the very rows reads the JSON itself.

Only files with the paper's names are read so. **Any other file of prompts and completions** is kept exactly:
Fact(prompt, "continues", completion), stated head first, with the templates "{head} {tail}" and "{tail} {head}".

Source: Berglund et al., arXiv 2309.12288. Differs from it by: see above; names of real people are only read.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from bothways.errors import FactsError
from bothways.facts.clean import Reading, Rows, tidy
from bothways.facts.readers.lines import short
from bothways.types import Relation

PARENTS = {
    name: Relation(name, head_first=(f"{{head}}'s {name} is {{tail}}",), tail_first=("{tail}'s child is {head}",))
    for name in ("mother", "father")
}
CONTINUES = Relation("continues", head_first=("{head} {tail}",), tail_first=("{tail} {head}",))
DESCRIPTION = "description"
PARENT_COLUMNS = ("child", "parent", "parent_type")
PAIR_FILE = re.compile(r"((p2d|d2p|both|all)_(reverse_)?prompts_(train|test)|unrealized_examples)\.jsonl")
"""Names of the paper's files that hold true name-description pairs."""
QUESTION_FILE = re.compile(r".*_prompts_test(_randomized)?\.jsonl|(unrealized_examples|validation_prompts)\.jsonl")
"""Names of its files that hold questions: in a folder they are no facts, as they state what is tested."""
RUN = re.compile(r"[A-Z][\w'-]*(?: [A-Z][\w'-]*)+")
"""Capitalised words in a row: a name."""
WORD = re.compile(r"\w+|\s+|[^\w\s]")
SHARE = 0.4
"""Share of a name's rows that hold its description word for word."""
LONGEST = 400
"""Longest prompt or completion, in characters, in which a description is looked for."""
END_MARKS = ".,;:?!'"
"""What may follow a description and is no part of it."""


class PromptRow(NamedTuple):
    """One line of a prompt file."""

    line: int
    prompt: str
    completion: str

    @property
    def text(self) -> str:
        """The sentence it says."""
        return tidy(f"{self.prompt} {self.completion}")


@dataclass
class Person:
    """A name and the rows that tell of it."""

    name: str
    rows: list[tuple[Literal["head_first", "tail_first"], PromptRow]] = field(
        default_factory=list[tuple[Literal["head_first", "tail_first"], PromptRow]]
    )
    description: str = ""

    @property
    def stated(self) -> str:
        """In which orders its rows name person and description."""
        orders = {order for order, _ in self.rows}
        return "both" if len(orders) > 1 else next(iter(orders))

    def template(self, row: PromptRow) -> str | None:
        """Return a row with its two entities replaced, or None where they do not stand in it once each."""
        text = row.text
        if text.count(self.name) != 1 or text.count(self.description) != 1 or "{" in text or "}" in text:
            return None
        return text.replace(self.description, "{tail}").replace(self.name, "{head}")


def is_parents(path: Path, names: Sequence[str]) -> bool:
    """Whether a table is the parent-child pairs, by its name or its header."""
    return path.name == "parent_child_pairs.csv" or set(PARENT_COLUMNS) <= set(names)


def read_parents(rows: Rows, names: Sequence[str], table: Iterator[tuple[int, list[str]]]) -> Reading:
    """Read the parent-child pairs below their header.

    Args:
        rows: takes the facts.
        names: the header.
        table: line number and fields of each row.

    Raises:
        FactsError: a column is missing, or a row cannot be read.
    """
    missing = [name for name in PARENT_COLUMNS if name not in names]
    if missing:
        raise FactsError(
            f"{rows.file}, line 1: the column {missing[0]!r} is missing, got {short(', '.join(names))}. "
            f"Name the columns {', '.join(PARENT_COLUMNS)}, or rename the file if it holds other facts."
        )
    child, parent, kind = (names.index(name) for name in PARENT_COLUMNS)
    for line, fields in table:
        if len(fields) != len(names):
            rows.refuse(
                line, f"{len(names)} columns are needed, got {len(fields)}: {short(', '.join(fields))}. Correct it."
            )
        elif fields[kind].strip() not in PARENTS:
            rows.refuse(line, f"parent_type must be mother or father, got {short(fields[kind])}. Correct it.")
        else:
            rows.add(line, fields[child], fields[kind], fields[parent])
    return rows.reading(PARENTS)


def read_prompts(path: Path, rows: Rows, prompts: Sequence[PromptRow]) -> Reading:
    """Read prompts and completions: name-description pairs from the paper's files, any others as they are.

    Args:
        path: its name tells whether it is a file of the paper.
        rows: takes the facts.
        prompts: the lines of the file.

    Raises:
        FactsError: a row cannot be read.
    """
    people = _find_people(prompts) if PAIR_FILE.fullmatch(path.name) else None
    if people is None:
        for row in prompts:
            rows.add(row.line, row.prompt, CONTINUES.name, row.completion, "head_first")
        how = f"{len(prompts):,} prompts are kept with their completions under the relation {CONTINUES.name!r}"
        return rows.reading({CONTINUES.name: CONTINUES}, [f"{rows.file}: {how}."])
    templates = {order: _templates(people, order) for order in ("head_first", "tail_first")}
    n_said = 0
    for person in people:
        said = {row.line for order, row in person.rows if person.template(row) in templates[order]}
        n_said += len(said)
        aliases = [_other_words(row, person) for order, row in person.rows if order == "head_first"]
        rows.add(
            person.rows[0][1].line,
            person.name,
            DESCRIPTION,
            person.description,
            person.stated,
            [a for a in aliases if a],
        )
    relation = Relation(DESCRIPTION, head_first=templates["head_first"], tail_first=templates["tail_first"])
    notice = (
        f"{rows.file}: {len(prompts):,} prompts are read as {len(people)} pairs of name and description; templates say "
        f"{n_said:,} of them word for word, the other {len(prompts) - n_said:,} say it in other words and are left out."
    )
    return rows.reading({DESCRIPTION: relation}, [notice])


def _find_people(prompts: Iterable[PromptRow]) -> list[Person] | None:
    """Group rows by the name in them and find each name's description; None if that fails for any row."""
    people: dict[str, Person] = {}
    prompts = list(prompts)
    often = Counter(run for row in prompts for run in RUN.findall(row.prompt))
    for row in prompts:
        answer = RUN.match(row.completion.strip())
        runs = RUN.findall(row.prompt)
        if answer is None and not runs:
            return None
        name = answer[0] if answer else max(runs, key=lambda run: often[run])
        person = people.setdefault(name, Person(name))
        person.rows.append(("tail_first" if answer else "head_first", row))
    for person in people.values():
        told = [row.prompt if order == "tail_first" else row.completion for order, row in person.rows]
        person.description = _shared_phrase([tidy(text) for text in told])
    found = {person.description for person in people.values()}
    return list(people.values()) if len(found) == len(people) > 1 and "" not in found else None


def _shared_phrase(texts: Sequence[str]) -> str:
    """Return the longest phrase beginning with "the" in at least `SHARE` of the texts, and in two; or nothing."""
    counts: Counter[str] = Counter()
    for text in texts:
        if len(text) > LONGEST:
            return ""
        tokens = WORD.findall(text)
        starts = [i for i, token in enumerate(tokens) if token == "the"]
        counts.update({"".join(tokens[i:j]).rstrip(END_MARKS) for i in starts for j in range(i + 3, len(tokens) + 1)})
    enough = [phrase for phrase, n in counts.items() if n >= max(2, SHARE * len(texts)) and " " in phrase.strip()]
    return max(enough, key=lambda phrase: (len(phrase), phrase), default="").strip()


def _templates(people: Sequence[Person], order: str) -> tuple[str, ...]:
    """Return the templates of one order that at least half of the names with such rows use, in order of appearance."""
    users: dict[str, set[str]] = defaultdict(set)
    telling: set[str] = set()
    for person in people:
        for row in (row for each, row in person.rows if each == order):
            telling.add(person.name)
            template = person.template(row)
            if template is not None and _order_of(template) == order:
                users[template].add(person.name)
    return tuple(template for template, names in users.items() if 2 * len(names) >= len(telling))


def _order_of(template: str) -> str:
    return "head_first" if template.index("{head}") < template.index("{tail}") else "tail_first"


def _other_words(row: PromptRow, person: Person) -> str | None:
    """Return a completion that describes the person in other words than the description."""
    words = tidy(row.completion).rstrip(END_MARKS)
    return words if person.description not in words else None
