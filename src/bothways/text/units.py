"""Cut a text into units of meaning: by its known entities, by rules, or by asking a language model.

Whatever the way, the units cover the text without gap or overlap, and an entity is always one unit.
"""

import abc
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from bothways.errors import BothwaysError
from bothways.text.assistant import answer
from bothways.types import Span

PREPOSITIONS = (
    "about above across after against along among around as at before behind below between beyond by "
    "despite down during for from in inside into near of off on onto out outside over past since through "
    "to toward towards under until up upon via with within without"
)
VERBS = (
    "am is are was were be been being has have had does did can could may might must shall should will would "
    "became becomes began begins created creates died directed directs discovered founded grew invented lead "
    "leads led lived lives made makes married owns played plays said says served starred studied taught "
    "teaches told tells won wins worked works writes wrote"
)
JOINERS = "and but or nor because if that when where which while who whom whose"
OPENERS = "a an her his in it its my our she he the their these they this those we you your"

CUT_BEFORE = frozenset(f"{PREPOSITIONS} {VERBS} {JOINERS}".split())
"""Words, in lower case, that begin a unit."""

PLAIN_WHEN_CAPITAL = CUT_BEFORE | frozenset(OPENERS.split())
"""Words that say nothing about being a name when a sentence begins with them."""

WORD = re.compile(r"['\u2019]s\b|(?:(?!['\u2019]s\b)\S)+")
"""A run without blanks; a possessive ending is a word of its own."""

QUOTES = "\"'\u201c\u201d\u2018\u2019"

SEPARATOR = "|"

PROMPT = """Split each sentence into short pieces that mean something by themselves: a name, a date, a verb, a phrase. \
Copy every word and every sign as it is, and write | between the pieces.

Sentence: In 1911 the young painter moved to Lisbon with her brother.
Pieces: In 1911 | the young painter | moved | to Lisbon | with her brother.

Sentence: The author of Quiet Harbours is Edda Marlowe.
Pieces: The author | of | Quiet Harbours | is | Edda Marlowe.

Sentence: {text}
Pieces:"""


class Segmenter(abc.ABC):
    """A way to cut a text into units of meaning."""

    @abc.abstractmethod
    def segment(self, text: str, entities: tuple[Span, ...]) -> tuple[Span, ...]:
        """Return spans that cover the text in order, each entity being one of them.

        Args:
            text: what to cut.
            entities: spans of its entities, which may not overlap.

        Raises:
            BothwaysError: an entity's span is empty, leaves the text or overlaps another.
        """


@dataclass(frozen=True, kw_only=True)
class FactSpans(Segmenter):
    """The entities, and the stretches between them.

    Source: the units of semantic-aware permutation (Guo et al., arXiv 2403.00758). Differs from it by:
    entities come from the fact a text was written from, not from an assistant model.

    >>> text = "Mia Kent's mother is Ana Ruiz"
    >>> units = FactSpans().segment(text, (Span(0, 8, "Mia Kent"), Span(21, 29, "Ana Ruiz")))
    >>> [text[unit.start : unit.end] for unit in units]
    ['Mia Kent', "'s mother is ", 'Ana Ruiz']
    """

    def segment(self, text: str, entities: tuple[Span, ...]) -> tuple[Span, ...]:
        """Return the entities and what lies between."""
        return cut(text, (), entities)


@dataclass(frozen=True, kw_only=True)
class Rules(Segmenter):
    """Cut after punctuation, before small words that begin a phrase, and around runs of capitalised words.

    Source: our own rules, for the phrases that semantic-aware permutation (Guo et al., arXiv 2403.00758)
    asks a model for. Differs from it by: no model, English only.

    >>> text = "In 1911 the painter moved to Lisbon, where Edda Marlowe lived."
    >>> [text[unit.start : unit.end] for unit in Rules().segment(text, ())]
    ['In 1911 the painter moved ', 'to ', 'Lisbon, ', 'where ', 'Edda Marlowe ', 'lived.']
    """

    def segment(self, text: str, entities: tuple[Span, ...]) -> tuple[Span, ...]:
        """Return the units the rules give."""
        return cut(text, places_by_rule(text), entities)


@dataclass(frozen=True, kw_only=True)
class AskModel(Segmenter):
    """Ask a causal language model to write the text again with `|` between its units.

    The answer counts only if, blanks aside, it is the text; else the units are those of `Rules`. Answers are
    greedy and kept per text, and cuts inside a known entity are dropped.

    Source: the assistant model of semantic-aware permutation (Guo et al., arXiv 2403.00758). Differs from
    it by: a prompt of our own (theirs is not public to us), the check of the answer, and any model will do.
    """

    model: str
    """Folder or name of the model."""

    def __post_init__(self) -> None:
        if not self.model:
            raise BothwaysError("model must be a folder or a name, got model=''. Name the model to ask.")

    @property
    def fallbacks(self) -> int:
        """How many different texts were cut by `Rules` because the model's answer could not be used."""
        return sum(places is None for places in self._places.values())

    @cached_property
    def _places(self) -> dict[str, tuple[int, ...] | None]:
        """Where to cut each text asked about; None where the answer was of no use."""
        return {}

    def segment(self, text: str, entities: tuple[Span, ...]) -> tuple[Span, ...]:
        """Return the units the model gives, or those of `Rules`.

        Raises:
            BothwaysError: transformers is not installed, the model cannot be loaded, or as for every segmenter.
        """
        if text not in self._places:
            usable = bool(text.strip()) and SEPARATOR not in text
            self._places[text] = places_in(ask(self.model, text), text) if usable else None
        places = self._places[text]
        return Rules().segment(text, entities) if places is None else cut(text, places, entities)


def cut(text: str, places: Iterable[int], entities: tuple[Span, ...]) -> tuple[Span, ...]:
    """Return the spans between the given places, each entity being one span.

    A place inside an entity is dropped, and blanks alone are no unit unless they stand between two entities.

    >>> cut("ab cd", (3,), ())
    (Span(start=0, end=3, entity=None), Span(start=3, end=5, entity=None))
    """
    if not text:
        return ()
    entities = in_order(text, entities)
    edges = {0, len(text), *(edge for span in entities for edge in (span.start, span.end))}
    inside = {place for span in entities for place in range(span.start + 1, span.end)}
    kept = [0]
    for place in sorted({*edges, *places} - inside):
        if place > kept[-1] and (place in edges or not text[kept[-1] : place].isspace()):
            kept.append(place)
    names = {(span.start, span.end): span.entity for span in entities}
    return tuple(Span(start, end, names.get((start, end))) for start, end in pairwise(kept))


def in_order(text: str, entities: tuple[Span, ...]) -> tuple[Span, ...]:
    """Return the entities from first to last, or say which one has an impossible span."""
    entities = tuple(sorted(entities, key=lambda span: span.start))
    end = 0
    for span in entities:
        if not end <= span.start < span.end <= len(text):
            raise BothwaysError(
                f"Spans of entities must be in the text and apart, got {span.start} to {span.end} for "
                f"{span.entity!r} in {text!r}. Mark each entity once."
            )
        end = span.end
    return entities


def places_by_rule(text: str) -> list[int]:
    """Return where the rules cut: the starts of some words.

    >>> places_by_rule("Mia Kent's mother is Ana Ruiz")
    [8, 18, 21]
    """
    found = list(WORD.finditer(text))
    words = [match[0] for match in found]
    sign_before = ["", *(word.rstrip(QUOTES)[-1:] for word in words)]
    names = [is_name(word, opens=sign in ("", *".!?")) for word, sign in zip(words, sign_before, strict=False)]

    def begins_unit(i: int) -> bool:
        after_sign = sign_before[i] in (*",;:.!?)]",) or words[i][0] in "(["
        return after_sign or names[i] != names[i - 1] or (words[i].lower() in CUT_BEFORE and not names[i])

    return [found[i].start() for i in range(1, len(words)) if begins_unit(i)]


def is_name(word: str, opens: bool) -> bool:
    """Whether a word is capitalised; one that opens a sentence must also be no common small word.

    >>> is_name("Lisbon,", opens=False), is_name("The", opens=True), is_name("The", opens=False)
    (True, False, True)
    """
    bare = word.strip(f"{QUOTES}()[],;:.!?")
    return bare[:1].isupper() and bare != "I" and not (opens and bare.lower() in PLAIN_WHEN_CAPITAL)


def places_in(answer: str, text: str) -> tuple[int, ...] | None:
    """Return where an answer cuts the text, or None if, blanks aside, it is not the text.

    >>> places_in("Mia Kent | is Ana", "Mia Kent  is Ana"), places_in("Mia | knows Ana", "Mia Kent is Ana")
    ((10,), None)
    """
    lengths = [len("".join(piece.split())) for piece in answer.split(SEPARATOR)]
    solid = [place for place, character in enumerate(text) if not character.isspace()]
    if "".join(answer.replace(SEPARATOR, " ").split()) != "".join(text.split()):
        return None
    counts = [sum(lengths[: i + 1]) for i in range(len(lengths))]
    return tuple(sorted({solid[count] for count in counts if 0 < count < len(solid)}))


def ask(model: str, text: str) -> str:
    """Return the first line the model writes when asked to split the text; "" if it has no room to answer."""
    lines = answer(model, PROMPT.format(text=" ".join(text.split())), text).splitlines()
    return lines[0].removeprefix("Pieces:") if lines else ""
