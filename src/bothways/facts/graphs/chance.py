"""Chance by address: the draw at a place is a function of seed and place, whatever was drawn before.

So a world of a million people needs no list: any part of it can be made alone, in any order, by many numbers at once.
"""

from functools import lru_cache

import numpy as np
from jaxtyping import Int, UInt64

STEP = np.uint64(0x9E3779B97F4A7C15)
MULTIPLIERS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
ROUNDS = 4
"""Of the shuffle: three already make a random-looking order, one more is cheap."""


def draw(seed: int, stream: str, place_N: Int[np.ndarray, "*N"]) -> UInt64[np.ndarray, "*N"]:
    """Return 64 random bits for each place.

    Args:
        seed: of the world or run.
        stream: what the bits are for; different streams of a seed have nothing to do with each other.
        place_N: whole numbers from 0.

    Source: the output function of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014), run twice: over the key, then over
    the places.
    """
    return _mix(place_N.astype(np.uint64) ^ _key(seed, stream))


def below(n: int, seed: int, stream: str, place_N: Int[np.ndarray, "*N"]) -> Int[np.ndarray, "*N"]:
    """Return a whole number in [0, n) for each place; for n up to 2^31, where the remainder's bias is below 2^-32.

    >>> below(6, 0, "dice", np.arange(3)).tolist() == below(6, 0, "dice", np.arange(3)).tolist()
    True
    """
    return (draw(seed, stream, place_N) % np.uint64(n)).astype(np.int64)


def chances(seed: int, stream: str, place_N: Int[np.ndarray, "*N"]) -> np.ndarray:
    """Return a number in [0, 1) for each place."""
    return (draw(seed, stream, place_N) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def shuffle(place_N: Int[np.ndarray, "*N"], n: int, seed: int, stream: str) -> Int[np.ndarray, "*N"]:
    """Return where a random permutation of [0, n) puts each place, without making the permutation.

    A Feistel network permutes the smallest square that holds n; what leaves [0, n) goes round again until it is back.

    Source: Black and Rogaway, "Ciphers with arbitrary finite domains" (2002): cycle walking.

    >>> sorted(shuffle(np.arange(10), 10, 3, "order").tolist()) == list(range(10))
    True
    """
    side = int(np.ceil(np.sqrt(n)))
    out_N = _feistel(place_N, side, seed, stream)
    while bool((outside_N := out_N >= n).any()):
        out_N[outside_N] = _feistel(out_N[outside_N], side, seed, stream)
    return out_N


@lru_cache(4096)
def _key(seed: int, stream: str) -> np.uint64:
    """Return what tells a seed's stream from all others."""
    key_1 = np.array([seed & 0xFFFFFFFFFFFFFFFF], np.uint64)
    for letter in stream.encode():
        key_1 = _mix(key_1 ^ np.uint64(letter))
    return _mix(key_1)[0]


def _feistel(place_N: np.ndarray, side: int, seed: int, stream: str) -> np.ndarray:
    left_N, right_N = np.divmod(place_N.astype(np.int64), side)
    for turn in range(ROUNDS):
        left_N, right_N = right_N, (left_N + below(side, seed, f"{stream} {turn}", right_N)) % side
    return left_N * side + right_N


def _mix(bits_N: np.ndarray) -> np.ndarray:
    bits_N = bits_N + STEP
    bits_N = (bits_N ^ (bits_N >> np.uint64(30))) * MULTIPLIERS[0]
    bits_N = (bits_N ^ (bits_N >> np.uint64(27))) * MULTIPLIERS[1]
    return bits_N ^ (bits_N >> np.uint64(31))
