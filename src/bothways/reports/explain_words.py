"""What the probes of one model say in words: small rules, each a sentence with its numbers. Standard library only.

A is the entity that a fact's statement names first, B the one it names last; forward asks for B, reverse for A. A rule
says what was measured, never why: the thresholds below decide between words, not between causes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from bothways.reports.words import number, share

Looked = Mapping[str, Any]
"""One model's part of explain.json: `probes` (numbers by probe), `tables` (rows by probe), `left_out`."""

KNOWN = 0.5
"""Share of stated questions from which the facts count as known."""
LOST = 0.5
"""A direction counts as lost if reverse accuracy is at most this share of the forward one."""
RAISED, FAINT = 0.5, 0.1
"""Probability from which an answer counts as raised, and from which as faintly raised."""
HELD, PARTLY = 0.5, 0.05
"""Share of pairs whose partner comes first in the value maps from which they count as held, and as held in part."""
TIMES_CHANCE = 6.0
"""A share must also be this many times chance: the best of several blocks is taken."""
ALIKE, ABOVE_OTHERS, NO_MORE = 0.5, 0.3, 0.1
"""Correlation from which routes are alike, what it must exceed that of other pairs by, and up to what it does not."""
NOTICED = 0.05
"""Share of attention from which an entity is looked at."""
SYMMETRIC, RANDOM = 0.7, 1.2
"""Asymmetry up to which maps count as nearly symmetric, and from which as random."""
MARGIN = 0.05
"""By what a gradient's cosine must exceed that of mismatched pairs."""
NATS = 1.0
"""Gap up to which two factorisations agree."""
LIKENESS = 0.1
"""By what partners' cosine must exceed that of other pairs."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """What one rule says of one model."""

    about: str
    verdict: str
    """In a word, for the rules that put several together."""
    text: str
    numbers: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {"about": self.about, "verdict": self.verdict, "text": self.text, "numbers": dict(self.numbers)}


def says(looked: Looked) -> list[Sentence]:
    """Return the sentences of every rule that has its numbers, where the direction is lost last."""
    found = [sentence for rule in RULES if (sentence := rule(looked)) is not None]
    return [*found, where_lost(found)]


def read(looked: Looked, probe: str, *names: str) -> dict[str, float] | None:
    """Return the numbers of a probe by these names; None if one of them is not there."""
    numbers = looked["probes"].get(probe) or {}
    return (
        {name: float(numbers[name]) for name in names} if all(numbers.get(name) is not None for name in names) else None
    )


def reverse_kind(looked: Looked) -> str:
    """Return the stratum that stands for reverse: the isolated one where it was asked."""
    return "reverse_tested" if read(looked, "answers", "reverse_tested_accuracy") else "reverse_partner"


def says_answers(looked: Looked) -> Sentence | None:
    """Say which way questions are answered."""
    kind = reverse_kind(looked)
    found = read(looked, "answers", "forward_accuracy", f"{kind}_accuracy")
    if found is None:
        return None
    forward, reverse = found.values()
    both = f"{share(forward)} forward, {share(reverse)} in reverse"
    if forward < KNOWN:
        verdict, text = "unknown", f"Few facts are answered even as they are stated ({both})."
    elif reverse <= LOST * forward:
        much = "not" if reverse < FAINT else "much less"
        verdict, text = "lost", f"Facts are answered as they are stated, and {much} the other way ({both})."
    else:
        verdict, text = "both", f"Facts are answered both ways ({both})."
    return Sentence("answers", verdict, text, found)


def says_lens(looked: Looked) -> Sentence | None:
    """Say after which block an answer is there, in both directions."""
    rows, numbers, said, verdicts = looked["tables"].get("logit_lens") or [], dict[str, float](), [], []
    for given, asked, kind in (("A", "B", "forward"), ("B", "A", reverse_kind(looked))):
        own = [row for row in rows if row["kind"] == kind and row["probability"] is not None]
        if not own:
            return None
        best = max(own, key=lambda row: row["probability"])
        value = numbers[f"{asked} from {given}, highest probability"] = float(best["probability"])
        numbers[f"{asked} from {given}, after block"] = float(best["blocks"])
        after = f"after block {best['blocks']}" if best["blocks"] else "before the first block"
        if value >= RAISED:
            said.append(f"{given}'s mention raises {asked} {after} (logit lens {share(value)})")
        elif value >= FAINT:
            said.append(f"{given}'s mention raises {asked} faintly, {after} (logit lens {share(value)})")
        else:
            said.append(f"{given}'s mention never raises {asked} (at most {share(value)})")
        verdicts.append(value >= RAISED)
    return Sentence("logit lens", directions(*verdicts), f"{', '.join(said)}.", numbers)


def directions(forward: bool, reverse: bool) -> str:
    """Return in a word which directions something holds for.

    >>> directions(True, False)
    'forward'
    """
    return {(True, True): "both", (True, False): "forward", (False, True): "reverse"}.get((forward, reverse), "neither")


def says_linear_probe(looked: Looked) -> Sentence | None:
    """Say whether a linear map finds partners of facts it was not fitted to."""
    found = read(looked, "linear_probe", "forward_asked", "reverse_asked", "chance")
    if found is None:
        return None
    forward, reverse, chance = found.values()
    enough = max(FAINT, TIMES_CHANCE * chance)
    verdict = directions(forward >= enough, reverse >= enough) if enough < 1 else "few"
    text = (
        f"Where the answer is asked, a linear map finds B for {share(forward)} of facts it was not fitted to, "
        f"and A for {share(reverse)} (chance {share(chance)})."
    )
    return Sentence("linear probe", verdict, text + (FEW if verdict == "few" else ""), found)


FEW = " There are too few pairs to tell this from chance."


def says_storage(looked: Looked) -> Sentence | None:
    """Say which partner the value maps write when they read an entity."""
    names = ("last_from_first", "last_from_first_best", "first_from_last", "first_from_last_best", "chance")
    found = read(looked, "storage_evidence", *names)
    if found is None:
        return None
    b_logits, b_best, a_logits, a_best, chance = found.values()
    if TIMES_CHANCE * chance >= 1:
        text = f"Storage: B from A {number(b_logits)} logits, A from B {number(a_logits)}.{FEW}"
        return Sentence("storage", "few", text, found)
    b, a = held(b_logits, b_best, chance), held(a_logits, a_best, chance)
    b_said = f"{b} B from A ({number(b_logits)} logits, the partner first in {share(b_best)} of pairs)"
    a_said = f"{a} A from B ({number(a_logits)} logits, {share(a_best)} of pairs; chance {share(chance)})"
    return Sentence("storage", directions(b != NOT_HELD, a != NOT_HELD), f"Storage {b_said}, and {a_said}.", found)


IS_HELD, PART_HELD, NOT_HELD = "holds", "partly holds", "does not hold"


def held(logits: float, best: float, chance: float) -> str:
    """Return whether the value maps hold a partner: its logit stands above the others', first among them often enough.

    >>> held(12.3, 0.98, 0.02), held(0.1, 0.02, 0.02)
    ('holds', 'does not hold')
    """
    if logits <= 0 or best < max(PARTLY, TIMES_CHANCE * chance):
        return NOT_HELD
    return IS_HELD if best >= HELD else PART_HELD


def says_routes(looked: Looked) -> Sentence | None:
    """Say whether attention goes to the given entity alike in both texts."""
    found = read(looked, "attention_routes", "correlation", "other_pairs", "forward_weight", "reverse_weight")
    if found is None:
        return None
    own, other, forward, reverse = found.values()
    if looked["causal"]:
        return by_weight(found, forward, reverse)
    numbers = f"(correlation over pairs {number(own)}, between different pairs {number(other)})"
    if other >= ALIKE:
        verdict, text = (
            "unclear",
            f"Attention goes alike even between different pairs {numbers}: routes say nothing here",
        )
    elif own >= ALIKE and own - other >= ABOVE_OTHERS:
        verdict, text = "alike", f"Attention goes to the given entity alike in both texts {numbers}"
    elif own - other <= NO_MORE:
        verdict, text = (
            "apart",
            f"Attention in the two texts goes together no more than between different pairs {numbers}",
        )
    else:
        verdict, text = "partly", f"Attention goes to the given entity somewhat alike in both texts {numbers}"
    weights = f"the entity gets {share(forward)} of it forward and {share(reverse)} in reverse"
    return Sentence("attention", verdict, f"{text}; {weights}.", found)


def by_weight(found: dict[str, float], forward: float, reverse: float) -> Sentence:
    """Say of a model that reads left to right how much of its attention the given entity gets.

    It is given A in one text and B in the other: two keys, whose scores need not go together.
    """
    if max(forward, reverse) < NOTICED:
        weights = f"{share(forward)} forward, {share(reverse)} in reverse, mean of all heads"
        text = f"The given entity gets little attention in either text ({weights})."
        return Sentence("attention", "unclear", text, found)
    alike = min(forward, reverse) >= LOST * max(forward, reverse)
    how = "as much attention in both texts, or nearly so" if alike else "attention, and not alike in both texts"
    text = f"The given entity gets {how} ({share(forward)} forward, {share(reverse)} in reverse, mean of all heads)."
    return Sentence("attention", "alike" if alike else "apart", text, found)


def says_weights(looked: Looked) -> Sentence | None:
    """Say how symmetric the maps from token to token are."""
    rows = [row for row in looked["tables"].get("weight_asymmetry") or [] if row["asymmetry"] is not None]
    means = {role: [row["asymmetry"] for row in rows if row["role"] == role] for role in ("storage", "routing")}
    if not means["storage"]:
        return None
    found = {role: fmean(values) for role, values in means.items() if values}
    value = found["storage"]
    if value <= SYMMETRIC:
        verdict, how = "symmetric", "nearly symmetric: what raises B after A raises A after B as well"
    elif value >= RANDOM:
        verdict, how = "random", "no more symmetric than random ones"
    else:
        verdict, how = "between", "more symmetric than random ones, and not symmetric"
    routing = f", those of attention {number(found['routing'])}" if "routing" in found else ""
    text = f"Maps of storage are {how} (asymmetry {number(value)}{routing}; 0 is symmetric, 1.41 random)."
    return Sentence("weights", verdict, text, found)


def says_gradients(looked: Looked) -> Sentence | None:
    """Say whether learning a fact forward lowers the loss of its reverse question, more than that of others."""
    names = [f"{part}_cosine{end}" for part in ("all", "storage", "routing") for end in ("", "_mismatched")]
    found = read(looked, "gradient_alignment", *names)
    if found is None:
        return None
    above = found["all_cosine"] - found["all_cosine_mismatched"]
    if above >= MARGIN and found["all_cosine"] > 0:
        verdict, how = "helps", "lowers its reverse loss, and more than that of mismatched pairs"
    elif above > -MARGIN:
        verdict, how = "no more", "changes its reverse loss no more than that of mismatched pairs"
    else:
        verdict, how = "less", "helps its reverse loss less than that of mismatched pairs"
    parts = "; ".join(
        f"{label} {number(found[f'{part}_cosine'])} against {number(found[f'{part}_cosine_mismatched'])}"
        for part, label in (("all", "all weights"), ("storage", "storage"), ("routing", "routing"))
    )
    return Sentence("gradients", verdict, f"A small step that learns a fact forward {how} (cosine: {parts}).", found)


def says_gap(looked: Looked) -> Sentence | None:
    """Say whether the two ways to write one joint probability agree."""
    found = read(looked, "factorisation_gap", "between_texts_gap", "between_texts_signed")
    if found is None:
        return None
    gap, signed = found.values()
    if gap <= NATS:
        return Sentence(
            "factorisation", "agree", f"p(A) p(B|A) and p(B) p(A|B) agree (within {number(gap)} nats).", found
        )
    likelier = "the stated order is the likelier" if signed > 0 else "the other order is the likelier"
    text = (
        f"p(A) p(B|A) and p(B) p(A|B) differ by {number(gap)} nats; on average {likelier} (by {number(abs(signed))})."
    )
    return Sentence("factorisation", "differ", text, found)


def says_embeddings(looked: Looked) -> Sentence | None:
    """Say whether partners are alike in the embeddings themselves."""
    found = read(looked, "embedding_cosine", "partners", "others")
    if found is None:
        return None
    partners, others = found.values()
    numbers = f"(cosine {number(partners)}, other pairs {number(others)})"
    if partners - others >= LIKENESS:
        text = f"Partners have alike embeddings {numbers}: a reverse answer may be likeness, not relation."
        return Sentence("embeddings", "alike", text, found)
    return Sentence("embeddings", "apart", f"Partners' embeddings are no more alike than others' {numbers}.", found)


def where_lost(sentences: Sequence[Sentence]) -> Sentence:
    """Put answers, storage and routes together; what these do not show is not said."""
    verdict = {sentence.about: sentence.verdict for sentence in sentences}
    answers, storage = verdict.get("answers"), verdict.get("storage")
    if answers is None:
        return Sentence("where", "unasked", "The questions could not be asked, so no direction can be called lost.", {})
    if answers == "unknown":
        text = "The facts are not known as they are stated, so where a direction is lost cannot be said."
        return Sentence("where", "unknown", text, {})
    if answers == "both":
        return Sentence("where", "none", "The facts are answered both ways: no direction is lost.", {})
    found = {name: value for one in sentences if one.about == "storage" for name, value in one.numbers.items()}
    bests = [value for name, value in found.items() if name.endswith("_best")]
    least = min(bests, default=0.0) if storage == "both" else max(bests, default=0.0)
    routes = {
        "alike": "attention goes alike in both texts",
        "partly": "attention goes somewhat alike in both texts",
        "apart": "attention goes differently in the two texts",
    }.get(verdict.get("attention", ""), "attention cannot be compared")
    rest = WHERE.get((storage or "", ""), ("open", NOT_SHOWN))
    name, text = WHERE.get((storage or "", verdict.get("attention", "")), rest)
    said = text.format(routes=routes, holds=IS_HELD if least >= HELD else PART_HELD)
    return Sentence("where", name, f"The reverse direction is lost: {said}.", {})


NOT_SHOWN = "the value maps hold the facts in neither order, and {routes}; these measures do not show where"
WHERE: Mapping[tuple[str, str], tuple[str, str]] = {
    ("forward", "alike"): (
        "storage",
        "storage {holds} B from A and not A from B, and {routes}, so by these measures storage is missing, not routing",
    ),
    ("forward", "apart"): ("storage and routing", "storage {holds} B from A and not A from B, and {routes} as well"),
    ("forward", ""): ("storage", "storage {holds} B from A and not A from B; {routes}"),
    ("both", "alike"): ("open", "yet storage {holds} both directions and {routes}; these measures do not show where"),
    ("both", "apart"): (
        "routing",
        "storage {holds} both directions, but {routes}, so by these measures routing differs, not storage",
    ),
    ("both", ""): ("open", "yet storage {holds} both directions; {routes}"),
    ("reverse", ""): ("open", "yet storage {holds} A from B and not B from A; {routes}"),
    ("few", ""): ("open", "there are too few pairs to say what storage holds; {routes}"),
    ("", ""): ("open", "what storage holds was not measured; {routes}"),
}
"""By what storage holds and how attention goes: a name, and what is said."""

RULES: Sequence[Callable[[Looked], Sentence | None]] = (
    says_answers,
    says_lens,
    says_linear_probe,
    says_storage,
    says_routes,
    says_weights,
    says_gradients,
    says_gap,
    says_embeddings,
)
