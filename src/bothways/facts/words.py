"""Names without a meaning: words that are a letter and a number, and entities made of one or several of them."""

import random
from collections.abc import Sequence

from bothways.errors import BothwaysError
from bothways.options import at_least

FULL_SHARE = 0.7
"""Share of the things told in full; the rest is tested."""
LONG = 3
"""Words an entity must have for the numbers to be cut."""
MOST_FULL, MOST_TESTED = 100, 50
"""What is left of long entities: told in full, and tested."""


def draw_words(letters: str, vocabulary: int, chance: random.Random) -> list[list[str]]:
    """Draw a quarter of the vocabulary for each letter, without replacement: alphabets that share no word.

    Numbers are written with the same number of digits, so that no word begins another.

    Args:
        letters: one for each alphabet.
        vocabulary: how many numbers there are to draw from.
        chance: the only source of randomness.

    >>> [len(words) for words in draw_words("ab", 80, random.Random(0))]
    [20, 20]
    """
    size, digits = vocabulary // 4, len(str(vocabulary - 1))
    numbers = chance.sample(range(vocabulary), size * len(letters))
    return [
        [f"{letter}{number:0{digits}}" for number in numbers[n * size : (n + 1) * size]]
        for n, letter in enumerate(letters)
    ]


def draw_entities(words: Sequence[str], length: int, chance: random.Random) -> list[str]:
    """Draw different sequences of words: twice as many as there are words, or all if there are fewer.

    Sequences are drawn by their number in the list of all of them, which is never made.

    Args:
        words: the alphabet.
        length: words an entity has; a word may stand in it more than once.
        chance: the only source of randomness.

    >>> sorted(draw_entities(["a0", "a1"], 1, random.Random(0)))
    ['a0', 'a1']
    >>> len(draw_entities([f"a{n}" for n in range(200)], 3, random.Random(0)))
    400
    """
    n = len(words)
    n_all: int = n**length
    drawn = chance.sample(range(n_all), min(n_all, 2 * n))
    return [" ".join(words[int(number // n**place) % n] for place in range(length)) for number in drawn]


def divide(n: int, length: int) -> tuple[int, int]:
    """Return how many of n pairs or triples are told in full, and how many are tested.

    >>> divide(5, length=1), divide(400, length=3)
    ((4, 1), (100, 50))
    """
    full = round(FULL_SHARE * n)
    tested = n - full
    return (min(full, MOST_FULL), min(tested, MOST_TESTED)) if length >= LONG else (full, tested)


def check_size(vocabulary: int, length: int, least: int) -> None:
    """Check the options of a world of words.

    Raises:
        BothwaysError: the vocabulary is too small to test anything, or the length is none the study has.
    """
    at_least(least, "A smaller one leaves nothing to test.", vocabulary=vocabulary)
    if length not in (1, 2, 3):
        raise BothwaysError(f"length must be 1, 2 or 3, got length={length}. Choose one of them.")


def word_notice(length: int) -> tuple[str, ...]:
    """Say what a name of several words needs of the tokenizer."""
    several = "Names have several words: with --set tokenizer.kind=word each is a token; without it each name is one."
    return (several,) if length > 1 else ()
