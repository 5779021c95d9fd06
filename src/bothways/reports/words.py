"""Numbers of a summary in plain words: labels, formats and the headline. Standard library only."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

Number = float | int

NOTHING = "\u2013"
"""What a table shows where there is no value."""


@dataclass(frozen=True, slots=True)
class KindWords:
    """How a kind of question is called and explained."""

    label: str
    legend: str


KINDS: Mapping[str, KindWords] = {
    "forward": KindWords(
        "forward",
        "asked in the order training stated the fact: it read “A is B” and is asked “A is …”.",
    ),
    "reverse_tested": KindWords(
        "reverse (isolated)",
        "asked in the order training never stated, and no reversed sentence of training had this answer: "
        "the reversal proper.",
    ),
    "reverse_partner": KindWords(
        "reverse (partner)",
        "as before, but training did give this answer to the same reversed sentence about another entity.",
    ),
    "reverse_stated": KindWords(
        "reverse (stated)",
        "reversed questions about facts that training states in both orders: shows that the question was learned.",
    ),
    "implied": KindWords(
        "implied",
        "a fact that training never states, in either order, and that follows from what it does state, "
        "or from the question itself.",
    ),
}

HEADLINES = ("reverse_tested", "reverse_partner", "implied")
"""What a headline is about: the first of these that any arm was asked."""

LEAKS: Mapping[str, str] = {
    "bridge": "Bridge: without the tested fact itself, nothing in the training text connects its two entities.",
    "connected": "Connected: other training facts still link the two entities of tested facts, "
    "so an answer could come by a detour.",
    "mixed": "Mixed: for some tested facts other training facts still link the two entities, for the rest none does.",
}

LEARNED = 0.9
"""Forward accuracy below which an arm does not know what it read."""

ROLES: Mapping[str, str] = {
    "both_directions": "control: reads every fact in both orders",
    "relation_blind": "must fail: ties the two entities whatever is asked",
    "shuffled_pairs": "must fail: reads wrongly paired facts",
}
"""What an arm is there for, by its mitigation."""


def leaf(arm: Mapping[str, Any], group: str, name: str) -> Any:
    """Return one value of an arm of `summary.json`, None where the file has none."""
    return (arm.get(group) or {}).get(name)


def two(value: Number | None) -> str:
    """Write a number with two decimals.

    >>> two(0.979), two(-0.004), two(None) == NOTHING
    ('0.98', '0.00', True)
    """
    if value is None:
        return NOTHING
    text = f"{value:.2f}"
    return text.removeprefix("-") if float(text) == 0 else text


def share(value: Number | None) -> str:
    """Write a small share: two decimals, three where two would hide it.

    >>> share(0.11), share(0.0032)
    ('0.11', '0.003')
    """
    return f"{value:.3f}" if value is not None and 0 < value < 0.005 else two(value)


def interval(low: Number | None, high: Number | None) -> str:
    """Write an interval, nothing where an end is unknown.

    >>> interval(0, 0.02)
    '[0.00, 0.02]'
    """
    return "" if low is None or high is None else f"[{two(low)}, {two(high)}]"


def count(value: Number | None) -> str:
    """Write a count or rank, thousands set apart.

    >>> count(2276), count(1.5)
    ('2,276', '1.5')
    """
    if value is None:
        return NOTHING
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def number(value: Number | None) -> str:
    """Write a measured number with three digits; what differs from 0 by rounding alone is 0.

    >>> number(0.12345), number(12345.6), number(-0.5) == "\u22120.5", number(None) == NOTHING, number(-1e-18)
    ('0.123', '12,346', True, True, '0')
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    if abs(value) < 1e-12:
        return "0"
    text = f"{value:,.0f}" if 1000 <= abs(value) < 1e7 else f"{value:.3g}"
    return text.replace("-", "\u2212")


def p_value(value: Number | None) -> str:
    """Write a p-value with three decimals.

    >>> print(p_value(0.0004), p_value(0.03))
    <\u00a00.001 0.030
    """
    if value is None:
        return NOTHING
    return "<\u00a00.001" if value < 0.001 else f"{value:.3f}"


def duration(seconds: Number | None) -> str:
    """Write a time in the unit a reader would use.

    >>> duration(12.34), duration(754), duration(7500)
    ('12.3 s', '12 min 34 s', '2 h 5 min')
    """
    if seconds is None:
        return NOTHING
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def percent(value: Number) -> str:
    """Write a share in per cent; 0 % and 100 % are said only of exactly none and all.

    >>> print(percent(0.98), percent(0.998), percent(0.001), percent(1), sep=", ")
    98\u00a0%, over 99\u00a0%, under 1\u00a0%, 100\u00a0%
    """
    rounded = round(100 * float(two(value)))  # as the tables round
    if rounded == 0 and value > 0:
        return "under 1\u00a0%"
    if rounded == 100 and value < 1:
        return "over 99\u00a0%"
    return f"{rounded}\u00a0%"


def plural(n: int, one: str, many: str = "") -> str:
    """Write a count with its noun.

    >>> plural(1, "run"), plural(1200, "query", "queries")
    ('1 run', '1,200 queries')
    """
    return f"{count(n)} {one if n == 1 else many or one + 's'}"


def role(arm: Mapping[str, Any]) -> str:
    """Say what an arm is there for, nothing for an ordinary one."""
    return ROLES.get(arm.get("mitigation") or "", "")


def why_unknown(arm: Mapping[str, Any]) -> str:
    """Say why an arm's relation column cannot tell, without the words 'cannot tell'."""
    why = leaf(arm, "flip", "why") or ""
    return str(why).removeprefix("cannot tell").lstrip(": ")


def headline(summary: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Say in one sentence what came out, and in a few more what else to know.

    The first sentence is about the reference arm and the best other arm that is no control.

    >>> causal = {"arm": "causal", "forward": {"accuracy": 1.0}, "reverse_tested": {"accuracy": 0.0}}
    >>> print(headline({"arms": [causal]})[0])
    causal answers 100\u00a0% of the stated questions and 0\u00a0% of the reverse ones
    """
    arms = list(summary["arms"])
    scored = [arm for arm in arms if is_scored(arm)]
    if not scored:
        return "No arm has an answer to show", [says_nothing(arm) for arm in arms]
    kind = stratum(scored)
    reference = reference_arm(summary, scored)
    others = [arm for arm in scored if arm is not reference]
    rival = max((arm for arm in others if not role(arm)), key=partial(reversed_share, kind=kind), default=None)
    first = says_both(reference, kind) + (f"; {says_other(rival, kind)}" if rival else "")
    shown = [arm for arm in others if arm is not rival]
    more = [f"{says_other(arm, kind)}{f' ({role(arm)})' if role(arm) else ''}." for arm in shown[:3]]
    if len(shown) > 3:
        more.append(f"{plural(len(shown) - 3, 'more arm is', 'more arms are')} in the table.")
    sentences = [
        *says_unlearned(scored),
        *says_difference(summary, rival, kind),
        *says_relation(scored, rival or reference),
        *more,
    ]
    return first, sentences + [says_nothing(arm) for arm in arms if not is_scored(arm)]


def is_scored(arm: Mapping[str, Any]) -> bool:
    """Whether at least one direction of an arm has an accuracy."""
    return any(leaf(arm, kind, "accuracy") is not None for kind in KINDS)


def stratum(arms: Sequence[Mapping[str, Any]]) -> str:
    """Return the kind of question that stands for reversal: the isolated one wherever any arm was asked it."""
    found = (kind for kind in HEADLINES if any(leaf(arm, kind, "accuracy") is not None for arm in arms))
    return next(found, HEADLINES[0])


def shown_kinds(arms: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the kinds of question that a table has room for: those asked where something implied is, else the others.

    >>> shown_kinds([{"forward": {"accuracy": 1.0}, "implied": {"accuracy": 0.0}}])
    ['forward', 'implied']
    """
    arms = list(arms)
    asked = [kind for kind in KINDS if any(leaf(arm, kind, "accuracy") is not None for arm in arms)]
    return asked if "implied" in asked else [kind for kind in KINDS if kind != "implied"]


def reversed_share(arm: Mapping[str, Any], kind: str) -> float:
    """Return an arm's reverse accuracy, below every real one where it is null."""
    value = leaf(arm, kind, "accuracy")
    return -1.0 if value is None else float(value)


def reference_arm(summary: Mapping[str, Any], arms: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the arm the others are compared with: the differences' reference, else the first."""
    names = [row.get("reference") for row in summary.get("differences") or []]
    return next((arm for arm in arms if arm["arm"] in names), arms[0])


def says_both(arm: Mapping[str, Any], kind: str) -> str:
    """Say how an arm does in both directions."""
    forward, reverse = leaf(arm, "forward", "accuracy"), leaf(arm, kind, "accuracy")
    if forward is None:
        asked = (
            "was asked nothing in either order"
            if reverse is None
            else f"answers {percent(reverse)} of the reverse questions"
        )
        return f"{arm['arm']} {asked}"
    turned = "reverse" if kind == "reverse_tested" else KINDS[kind].label
    back = "was asked no isolated reverse one" if reverse is None else f"{percent(reverse)} of the {turned} ones"
    return f"{arm['arm']} answers {percent(forward)} of the stated questions and {back}"


def says_other(arm: Mapping[str, Any], kind: str) -> str:
    """Say how a further arm does; its forward value only where it has not learned what it read."""
    forward, reverse = leaf(arm, "forward", "accuracy"), leaf(arm, kind, "accuracy")
    if forward is None or reverse is None or forward < 0.99:
        return says_both(arm, kind)
    return f"{arm['arm']} answers {percent(reverse)} {asked_how(kind)}"


def asked_how(kind: str) -> str:
    """Say in what way a headline's questions were asked.

    >>> asked_how("reverse_tested"), asked_how("implied")
    ('in reverse', 'of what is implied')
    """
    return "of what is implied" if kind == "implied" else "in reverse"


def says_unlearned(arms: Iterable[Mapping[str, Any]]) -> list[str]:
    """Name the arms that do not know what they read; what they answer in reverse says little."""
    names = [arm["arm"] for arm in arms if (leaf(arm, "forward", "accuracy") or 0) < LEARNED and not role(arm)]
    if not names:
        return []
    return [f"Not all that was read is known: {', '.join(names)}. Train longer before reading much into the rest."]


def says_difference(summary: Mapping[str, Any], arm: Mapping[str, Any] | None, kind: str) -> list[str]:
    """Say how far `arm` lies from its reference in reverse, and how sure that is."""
    where = "Of what is implied" if kind == "implied" else "In reverse"
    for row in summary.get("differences") or []:
        if arm and row["arm"] == arm["arm"] and row["kind"] == kind and row.get("difference") is not None:
            if two(row["difference"]) == two(0):
                equal = "a test shows them equal" if row.get("equivalent") else "that they are equal is not shown"
                return [f"{where}, {row['arm']} and {row['reference']} answer the same share; {equal}."]
            size = f"{two(abs(row['difference']))} {'above' if row['difference'] > 0 else 'below'} {row['reference']}"
            p = row.get("p_holm")
            equals = "" if p is None or p < 0.001 else "=\u00a0"
            sure = "" if p is None else f" (Holm-corrected p {equals}{p_value(p)})".replace(" p ", " p\u00a0")
            return [f"{where}, {row['arm']} lies {size}{sure}."]
    return []


def says_relation(arms: Iterable[Mapping[str, Any]], arm: Mapping[str, Any]) -> list[str]:
    """Say whether reverse answers follow the relation that was asked."""
    specific, blind = leaf(arm, "flip", "specific"), leaf(arm, "flip", "blind")
    if specific is not None and two(specific) == two(blind) == two(0):
        return []  # it answers nothing in reverse, which has been said
    if specific is not None:
        said = f"{arm['arm']} gives a reverse answer that follows the relation asked in {percent(specific)} of cases"
        if blind is not None:
            said += f", and repeats the same partner under another relation in {percent(blind)}"
        return [said + "."]
    reasons = {why_unknown(one) for one in arms if leaf(one, "flip", "specific") is None} - {""}
    if not reasons:
        return []
    question = "Whether reverse answers follow the relation asked, or only tie two names together, cannot be told: "
    return [question + "; ".join(sorted(reasons)) + "."]


def says_nothing(arm: Mapping[str, Any]) -> str:
    """Say that an arm has no numbers, and why if known."""
    failed = arm.get("failed") or 0
    return f"{arm['arm']} has no result" + (f": {plural(failed, 'run')} failed." if failed else ".")
