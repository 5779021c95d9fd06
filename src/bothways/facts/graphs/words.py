"""What the world of graphs says: name parts, job titles, relations and how each is worded.

Everything here was made for this project. No word is in two of the pools.
"""

from bothways.types import Relation

FIRST = ("Ba", "Ce", "Di", "Fo", "Gu", "Ha", "Ke", "Li", "Mo", "Nu"), (
    "bran", "dell", "fin", "gart", "lena", "mira", "nor", "ris", "than", "vey",
)  # fmt: skip
MIDDLE = ("Ar", "Bel", "Cor", "Dan", "El", "Fal", "Gil", "Hol", "Is", "Jor"), (
    "abe", "edo", "ina", "opa", "ume", "ato", "elu", "ivi", "oro", "usa",
)  # fmt: skip
LAST = ("Amber", "Birch", "Clay", "Dun", "Elm", "Frost", "Glen", "Hazel", "Iron", "Kirk"), (
    "bank", "combe", "dale", "field", "gate", "hurst", "ley", "moor", "stead", "well",
)  # fmt: skip
POOL = 100
"""Parts in each of the three pools of names."""


def name_parts() -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Return the first, middle and last parts of names.

    >>> [len(set(pool)) for pool in name_parts()]
    [100, 100, 100]
    """
    first, middle, last = ([a + b for b in ends for a in starts] for starts, ends in (FIRST, MIDDLE, LAST))
    return tuple(first), tuple(middle), tuple(last)


SYMMETRIC = ("friend", "neighbour", "colleague", "cousin")
INVERSE = (
    ("parent", "child"), ("teacher", "student"), ("employer", "employee"), ("doctor", "patient"),
    ("landlord", "tenant"), ("lawyer", "client"),
)  # fmt: skip
"""Pairs of words: if the first of A is B, the second of B is A."""
HEAD_FIRST = (
    "{head}'s RELATION is {tail}",
    "the RELATION of {head} is {tail}",
    "{head} has a RELATION named {tail}",
    "{head} found a RELATION in {tail}",
)
TAIL_FIRST = (
    "{tail} is the RELATION of {head}",
    "{tail} became a RELATION to {head}",
    "{tail} serves as RELATION of {head}",
    "{tail} was made RELATION for {head}",
)
"""Both say that head's relation is tail; every sentence ends in its second entity, so each can be a question."""
JOB = "job"
JOB_FIRST = (
    "{head} works as {tail}",
    "{head}'s job is {tail}",
    "{head} is employed as {tail}",
    "{head} earns a living as {tail}",
)
DISTRACTORS = (
    "the summer was long and dry", "trains were late that week", "a new bridge was opened", "bread got cheaper",
    "nobody noticed the rain", "the market closed early", "snow fell in the hills", "the old mill was sold",
    "a ship came in at night", "lamps were lit along the river", "the band played until dawn", "grain was scarce",
)  # fmt: skip
"""Sentences about nobody."""
ANAPHOR = ("this", "person")
"""What stands for somebody who was just named: it fits every template, and takes no sides."""


def relations(n_symmetric: int, n_inverse: int) -> dict[str, Relation]:
    """Return the first relations of each sort, and the job.

    >>> relations(1, 1)["child"].tail_first[0]
    '{tail} is the child of {head}'
    """
    made = {JOB: Relation(JOB, head_first=JOB_FIRST)}
    for name in SYMMETRIC[:n_symmetric]:
        made[name] = Relation(name, None, True, *worded(name))
    for pair in INVERSE[:n_inverse]:
        for name, inverse in (pair, pair[::-1]):
            made[name] = Relation(name, inverse, False, *worded(name))
    return made


def worded(name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return a relation's templates, head first and tail first."""
    first, second = (tuple(t.replace("RELATION", name) for t in group) for group in (HEAD_FIRST, TAIL_FIRST))
    return first, second
