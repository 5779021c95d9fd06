"""How a relation is said: templates made from its name, and sentences made from templates.

A template holds `{head}` and `{tail}` once each. Every default template ends in the entity it asks for and has no
final period, so that a question is the sentence cut before its last word.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Literal, NamedTuple

from bothways.errors import FactsError
from bothways.facts.readers.lines import MAX_LISTED, listed, short
from bothways.types import Asks, Fact, Relation, Span

Part = Literal["head", "tail"]


def _word_set(text: str) -> frozenset[str]:
    return frozenset(text.split())


GLUED = {
    "isa": "is a",
    "isin": "is in",
    "ispartof": "is part of",
    "instanceof": "instance of",
    "subclassof": "subclass of",
    "locatedin": "located in",
    "locatedat": "located at",
    "bornin": "born in",
    "livesin": "lives in",
    "worksfor": "works for",
    "worksat": "works at",
    "partof": "part of",
    "memberof": "member of",
    "capitalof": "capital of",
    "interactswith": "interacts with",
}
"""Names that are written in one word in well-known data sets."""
VERBS = _word_set("""
    is has was had can does affects assesses belongs borders causes co-occurs complicates conducts connects consists
    contains creates degrades derives diagnoses disrupts employs exhibits expresses follows founds hates hires
    indicates influences inhibits integrates interacts issues kills knows leads likes lives loves makes manages
    manifests marries measures needs occurs owns performs plays practices precedes predicts prevents processes
    produces publishes regulates replaces requires shares sits speaks starts stimulates studies supervises surrounds
    teaches traverses treats uses wants works wrote won founded directed played invented discovered killed taught
    married met led knew made
""")
"""Verbs that a relation's name may begin with; "{head} <name> {tail}" is then a sentence."""
ADJECTIVES = _word_set("""
    adjacent allergic analogous based born built close connected contained derived different equal equivalent found
    held identical included known linked located made married near named owned published related similar situated
    subordinate superior used written
""")
"""Words that need "is" before them where a preposition follows."""
PREPOSITIONS = _word_set("""
    about after against as at before behind below between beside by during for from in inside into near on onto over
    per than through to towards under upon via with within
""")
SHARED_NOUNS = _word_set("case example instance kind member part property sort subclass subset type")
"""Nouns of which one thing has several: "is a part of", not "is the part of"."""


class Pieces(NamedTuple):
    """A template, cut at its two places."""

    before: str
    first: Part
    between: str
    second: Part
    after: str


@lru_cache(maxsize=4096)
def split_template(template: str) -> Pieces:
    """Cut a template at `{head}` and `{tail}`.

    Raises:
        FactsError: one of them is missing or there twice, or the template has another brace.

    >>> split_template("{tail}'s child is {head}!")
    Pieces(before='', first='tail', between="'s child is ", second='head', after='!')
    """
    parts = re.split(r"\{(head|tail)\}", template)
    if len(parts) != 5 or parts[1] == parts[3] or any(c in "{}" for text in parts[::2] for c in text):
        raise FactsError(
            f"A template holds {{head}} and {{tail}} once each and no other braces, got {short(template)}. Rewrite it."
        )
    first: Part = "head" if parts[1] == "head" else "tail"
    return Pieces(parts[0], first, parts[2], "tail" if first == "head" else "head", parts[4])


def render(template: str, fact: Fact) -> tuple[str, tuple[Span, Span]]:
    """Write a fact as a sentence, and say where its two entities stand, in reading order.

    Raises:
        FactsError: the template is no template.

    >>> render("{tail}'s child is {head}", Fact("Ann", "mother", "Bea"))
    ("Bea's child is Ann", (Span(start=0, end=3, entity='Bea'), Span(start=15, end=18, entity='Ann')))
    """
    pieces = split_template(template)
    one, two = (fact.head, fact.tail) if pieces.first == "head" else (fact.tail, fact.head)
    start = len(pieces.before)
    middle = start + len(one) + len(pieces.between)
    text = f"{pieces.before}{one}{pieces.between}{two}{pieces.after}"
    return text, (Span(start, start + len(one), one), Span(middle, middle + len(two), two))


def prompt(template: str, fact: Fact, asks: Asks) -> tuple[str, str]:
    """Return the text before the asked entity, without its last space, and the text after it.

    Raises:
        FactsError: the template is no template, or names the asked entity before the other one.

    >>> prompt("{tail}'s child is {head}", Fact("Ann", "mother", "Bea"), "head")
    ("Bea's child is", '')
    """
    pieces = split_template(template)
    if pieces.second != asks:
        raise FactsError(
            f"A question names the cue before the answer, got {short(template)} asking for the {asks}. "
            f"Use a template that ends with {{{asks}}}."
        )
    text, (_, answer) = render(template, fact)
    return text[: answer.start].rstrip(), text[answer.end :]


def swapped(templates: Iterable[str]) -> tuple[str, ...]:
    """Return templates with head and tail exchanged: what they say of the inverse relation.

    >>> swapped(["{head}'s student is {tail}"])
    ("{tail}'s student is {head}",)
    """
    places = {"{head}": "{tail}", "{tail}": "{head}"}
    return tuple(re.sub(r"\{head\}|\{tail\}", lambda place: places[place[0]], template) for template in templates)


def words_of(name: str) -> str:
    """Return the words of a relation's name: snake_case, camelCase and the last part of an IRI are undone.

    >>> words_of("birthPlace"), words_of("_instance_hypernym"), words_of("http://example.org/terms#isPartOf")
    ('birth place', 'instance hypernym', 'is part of')
    """
    last = re.split(r"[/#]", name.rstrip("/#"))[-1] if "://" in name or name.startswith("/") else name
    plain = last.replace("_", " ").replace("{", "(").replace("}", ")")
    if " " not in last.strip():
        plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", plain)
        plain = " ".join(
            word.lower() if word.istitle() and word.isalpha() and len(word) > 1 else word for word in plain.split()
        )
    plain = " ".join(plain.split())
    return GLUED.get(plain.lower(), plain) or re.sub(r"[{}]", "", name) or "relation"


def default_templates(name: str) -> Relation:
    """Return a relation said as well as its name alone allows.

    >>> default_templates("mother").head_first, default_templates("mother").tail_first
    (("{head}'s mother is {tail}",), ('{tail} is the mother of {head}',))
    >>> default_templates("capital_of").head_first, default_templates("capital_of").tail_first
    (('{head} is the capital of {tail}',), ("{tail}'s capital is {head}",))
    >>> default_templates("located_in").tail_first
    ('The one that is located in {tail} is {head}',)
    """
    words = words_of(name)
    first, *rest = words.split(" ")
    last = rest[-1] if rest else first
    is_verb = first.endswith(("s", "ed")) and not first.endswith(("ss", "us", "is"))
    if rest and (last == "by" or (first.lower() in ADJECTIVES and last in PREPOSITIONS | {"of"})):
        return _sentence(name, words if first.endswith("s") else f"is {words}")
    if first.lower() in VERBS or (rest and last in PREPOSITIONS and is_verb):
        return _sentence(name, words)
    if last == "of" and rest:
        noun = " ".join(words.split(" ")[:-1])
        article = "a" if noun.split(" ")[-1] in SHARED_NOUNS else "the"
        article = "an" if article == "a" and noun[0].lower() in "aeiou" else article
        return Relation(
            name, None, False, (f"{{head}} is {article} {words} {{tail}}",), (f"{{tail}}'s {noun} is {{head}}",)
        )
    if last in PREPOSITIONS:
        return _sentence(name, f"is the {words}" if rest else f"is {words}")
    return Relation(name, None, False, (f"{{head}}'s {words} is {{tail}}",), (f"{{tail}} is the {words} of {{head}}",))


def _sentence(name: str, words: str) -> Relation:
    """Say a relation whose words are the middle of a sentence."""
    return Relation(name, None, False, (f"{{head}} {words} {{tail}}",), (f"The one that {words} {{tail}} is {{head}}",))


def fill_templates(relation: Relation, relations: Mapping[str, Relation]) -> Relation:
    """Return a relation with templates for both orders: its own, else its inverse's, else made from names.

    A relation's tail-first sentence is the head-first sentence of its inverse, or its own if it is symmetric.

    Args:
        relation: what is known; templates that are there stay as they are.
        relations: all relations, among which the inverse is looked up.

    >>> teacher, student = Relation("teacher", inverse="student"), Relation("student", inverse="teacher")
    >>> fill_templates(teacher, {"teacher": teacher, "student": student}).tail_first
    ("{tail}'s student is {head}",)
    """
    default = default_templates(relation.name)
    if relation.symmetric:
        head_first = relation.head_first or swapped(relation.tail_first) or default.head_first
        return replace(relation, head_first=head_first, tail_first=relation.tail_first or swapped(head_first))
    if relation.inverse is None:
        return replace(
            relation,
            head_first=relation.head_first or default.head_first,
            tail_first=relation.tail_first or default.tail_first,
        )
    inverse = relations.get(relation.inverse, Relation(relation.inverse))
    said_of_inverse = inverse.head_first or default_templates(inverse.name).head_first
    return replace(
        relation,
        head_first=relation.head_first or swapped(inverse.tail_first) or default.head_first,
        tail_first=relation.tail_first or swapped(said_of_inverse),
    )


def worded_alike(relations: Mapping[str, Relation]) -> tuple[str, ...]:
    """Say which relations no reader could tell apart, because they share a head-first template.

    >>> worded_alike({name: default_templates(name) for name in ("isa", "is_a")})[0][:51]
    'The relations isa, is_a are said in the same words '
    """
    users: dict[str, list[str]] = defaultdict(list)
    for relation in relations.values():
        for template in relation.head_first:
            users[template].append(relation.name)
    shared = {template: names for template, names in users.items() if len(names) > 1}
    return tuple(
        f"The relations {listed(names)} are said in the same words ({short(template)}): "
        f"give {'one' if len(names) == 2 else 'all but one'} of them another template in relations.yaml."
        for template, names in list(shared.items())[:MAX_LISTED]
    )
