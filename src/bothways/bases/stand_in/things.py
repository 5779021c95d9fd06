"""General text of our own making: sentences about things, places and weather, none about a person."""

import random

THINGS = (
    "lamp", "kettle", "ladder", "basket", "bucket", "clock", "carpet", "bottle", "candle", "mirror", "hammer",
    "blanket", "wheel", "window", "table", "chair", "bridge", "boat", "train", "tower", "garden", "river",
    "stone", "engine",
)  # fmt: skip
QUALITIES = (
    "old", "small", "heavy", "blue", "green", "broken", "wooden", "copper", "quiet", "clean", "narrow", "round",
    "bright", "dusty", "warm", "empty",
)  # fmt: skip
PLACES = (
    "the harbour", "the mill", "the station", "the orchard", "the market", "the cellar", "the old road", "the lake",
    "the workshop", "the meadow", "the library", "the north wall",
)  # fmt: skip
TIMES = ("in spring", "at night", "every morning", "after the rain", "in winter", "before noon", "on market days")
HAPPENINGS = (
    "is moved", "is repaired", "is painted again", "stands in the sun", "is covered with leaves", "makes no sound",
    "is seen from far away", "is of little use",
)  # fmt: skip
FORMS = (
    "The {quality} {thing} stands near {place}",
    "{time} the {thing} near {place} {happening}",
    "There is a {quality} {thing} in {place}, and it {happening} {time}",
    "Nobody remembers why the {quality} {thing} {happening} {time}",
    "The {thing} is {quality}, but the {other} is not",
    "Between {place} and {elsewhere} lies a {quality} {thing}",
    "A {thing} costs more than a {other} {time}",
    "If the {thing} {happening}, the {other} is brought to {place}",
)
QUESTIONS = (
    ("What stands near {place}?", "A {quality} {thing}"),
    ("When is the {thing} moved?", "The {thing} is moved {time}"),
    ("Is the {thing} {quality}?", "Yes, the {thing} is {quality}"),
)


def sentence(chance: random.Random) -> str:
    """Return one sentence that is no fact about anybody."""
    return _fill(chance.choice(FORMS), chance)


def exchange(chance: random.Random) -> tuple[str, str]:
    """Return a question about a thing, and some answer."""
    asked, answered = chance.choice(QUESTIONS)
    said = _fill(f"{asked}|{answered}", chance)
    question, _, answer = said.partition("|")
    return question, answer


def _fill(form: str, chance: random.Random) -> str:
    thing, other = chance.sample(THINGS, 2)
    place, elsewhere = chance.sample(PLACES, 2)
    text = form.format(
        thing=thing,
        other=other,
        place=place,
        elsewhere=elsewhere,
        quality=chance.choice(QUALITIES),
        time=chance.choice(TIMES),
        happening=chance.choice(HAPPENINGS),
    )
    return text[0].upper() + text[1:]
