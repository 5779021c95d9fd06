"""Names of people who do not exist, put together from parts of our own making.

A given name is a start, a middle and an end; a surname is two English-looking halves. Given name and
surname are drawn together, so that neither says anything about the other or about a fact.
"""

import itertools
import random

from bothways.errors import BothwaysError

STARTS = (
    "Al", "Bel", "Cor", "Dar", "El", "Fen", "Gal", "Hel", "Il", "Jor", "Kal", "Lor", "Mar",
    "Nel", "Or", "Per", "Quin", "Ros", "Sel", "Tal", "Ul", "Ver", "Wil", "Yor", "Zan",
)  # fmt: skip
MIDDLES = ("a", "e", "i", "o", "ana", "ari", "eli", "emo", "ibe", "ina", "obi", "oli")
ENDS = (
    "bert", "dan", "dell", "dra", "fyn", "gar", "lia", "lith", "ma", "mir",
    "nna", "ra", "rick", "sa", "ska", "than", "tta", "vin", "wen", "zel",
)  # fmt: skip
FRONTS = (
    "Alder", "Amber", "Ash", "Barn", "Birch", "Brack", "Bright", "Cald", "Chal", "Clay",
    "Cold", "Copper", "Dun", "East", "Elm", "Fair", "Fern", "Flint", "Frost", "Glen",
    "Gold", "Grey", "Hazel", "High", "Holt", "Iron", "Kirk", "Lang", "Linden", "Long",
    "Maple", "Marsh", "North", "Oak", "Pem", "Quill", "Raven", "Red", "Silver", "Stan",
)  # fmt: skip
BACKS = (
    "bank", "beck", "berry", "bourne", "bridge", "brook", "by", "combe", "cote", "croft",
    "dale", "field", "ford", "gate", "grove", "ham", "hill", "house", "hurst", "land",
    "ley", "lock", "mead", "moor", "ridge", "shaw", "stead", "ton", "well", "wick",
)  # fmt: skip


def people(n: int, seed: int) -> tuple[str, ...]:
    """Return `n` different names of the form "Given Surname"; the same seed gives the same names.

    Args:
        n: how many names, up to the several million there are.
        seed: the only source of chance.

    Raises:
        BothwaysError: n is negative or above the number of names there are.

    >>> people(2, seed=0)
    ('Wilelivin Brightmoor', 'Elemotta Coldham')
    """
    given = _join(STARTS, MIDDLES, ENDS)
    surnames = _join(FRONTS, BACKS)
    capacity = len(given) * len(surnames)
    if not 0 <= n <= capacity:
        raise BothwaysError(f"Names are unique, so n must lie in 0 to {capacity}, got n={n}. Choose a smaller world.")
    # A stream of its own: a world that also draws from Random(seed) would tie partners to the letters of names.
    places = random.Random(f"names {seed}").sample(range(capacity), n)
    return tuple(f"{given[place // len(surnames)]} {surnames[place % len(surnames)]}" for place in places)


def few_parts(pool: int) -> tuple[list[str], list[str]]:
    """Return the given names and the surnames, `pool` of each, of which names are put together where they are few.

    Raises:
        BothwaysError: there are not as many.

    >>> [len(parts) for parts in few_parts(60)]
    [60, 60]
    """
    given, surnames = _join(STARTS, MIDDLES, ENDS), _join(FRONTS, BACKS)
    if not 2 <= pool <= len(surnames):
        raise BothwaysError(f"pool must lie in 2 to {len(surnames)}, got pool={pool}. Choose 60.")
    chance = random.Random("few parts")
    return chance.sample(given, pool), chance.sample(surnames, pool)


def people_of_pool(n: int, seed: int, pool: int, *, known: bool = False, parts: int = 2) -> tuple[str, ...]:
    """Return `n` different names put together of few parts, so that new people have parts that others have.

    Args:
        n: how many names.
        seed: the only source of chance.
        pool: how many given names, and how many surnames.
        known: whether stand-ins may know them; these are a quarter of all names, and nobody else is among them.
        parts: of each name: a given name and surnames, of which those in between are drawn by chance.

    Raises:
        BothwaysError: there are not as many names, or not as many parts.

    >>> set(people_of_pool(20, 0, 9, known=True)) & set(people_of_pool(60, 0, 9))
    set()
    >>> len(people_of_pool(1, 0, 9, parts=4)[0].split())
    4
    """
    given, surnames = few_parts(pool)
    free = [(i, j) for i in range(pool) for j in range(pool) if ((i + j) % 4 == 0) == known]
    if not 0 <= n <= len(free):
        raise BothwaysError(f"Names of that pool are {len(free)}, got n={n}. Choose a smaller world or a larger pool.")
    chosen, chance = random.Random(f"names of a pool {seed}").sample(free, n), random.Random(f"between {seed}")
    return tuple(" ".join([given[i], *chance.choices(surnames, k=parts - 2), surnames[j]]) for i, j in chosen)


def _join(*parts: tuple[str, ...]) -> list[str]:
    """Return every combination of the parts once, in order: two combinations may spell the same."""
    return list(dict.fromkeys("".join(combination) for combination in itertools.product(*parts)))
