"""Which facts are stated in which order, and which of them are tested: the two strata of the exam.

The unit that is drawn is an answer with the order in which it is asked for: (A, tail_first) stands for the
questions "B's child is" whose answer is A.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import TypeVar

import numpy as np

from bothways.facts.graph import Slot, same_sense
from bothways.facts.wording import ORDERS, OneOrder, asked_by, first_named, last_named, opposite, question, wordings
from bothways.types import FactSet, Order

Answer = tuple[str, OneOrder]
"""An entity and the order of the questions that ask for it."""
Statement = tuple[int, OneOrder]
"""A fact, by its index, in one order."""


T = TypeVar("T")


def shuffled(items: Sequence[T], random: np.random.Generator) -> list[T]:
    """Return the items in random order."""
    return [items[n] for n in random.permutation(len(items)).tolist()]


def other(order: OneOrder) -> OneOrder:
    """Return the other order."""
    return "head_first" if order == "tail_first" else "tail_first"


class Strata:
    """Settles the orders of facts, answer by answer; an order that the facts bring along is never changed.

    `isolate` comes first, then `leave_partners`; `stated` and `tested` hold what they settled.
    """

    def __init__(self, facts: FactSet, testable: Sequence[int], random: np.random.Generator) -> None:
        self.facts, self.relations = facts.facts, facts.relations
        self.random = random
        self.may = set(testable)
        self.tested: list[int] = []
        self._stated: list[Order | None] = [fact.stated for fact in self.facts]
        self._on_pair = Counter(fact.pair for fact in self.facts)
        self._taken: set[frozenset[str]] = set()
        self.n_withheld = 0
        self._last: dict[tuple[OneOrder, str], list[Statement]] = defaultdict(list)
        self._meant: dict[tuple[Slot, str], list[Statement]] = defaultdict(list)
        self._speakers: Counter[str] = Counter()
        for i, fact in enumerate(self.facts):
            for order in ORDERS if fact.stated != "never" else ():
                name = last_named(fact, order)
                self._last[order, name].append((i, order))
                for slot in same_sense(self.relations[fact.relation], asked_by(order)):
                    self._meant[slot, name].append((i, order))
                self._speakers.update(self._keys((i, order)) if fact.stated in (None, "both", order) else ())
        self._answers: dict[Answer, list[int]] = defaultdict(list)
        for i in testable:
            self._answers[first_named(self.facts[i]), opposite(self.facts[i])].append(i)

    @property
    def stated(self) -> list[Order]:
        """The order of every fact; what nobody settled is stated both ways."""
        return [order or "both" for order in self._stated]

    def isolate(self, share: float, *, most: int, withheld: int) -> None:
        """Draw a share of the answers and state every fact about one so that no reverse statement names it last.

        Answers whose facts all bring their orders along, each the only one about its pair, are isolated as they
        stand: testing them costs neither a statement nor a fact.

        Args:
            share: of the other answers.
            most: how many facts are tested.
            withheld: how many facts may be withheld for it; at least one fact is tested whatever it costs.
        """
        shut = {answer: self._to_shut(answer) for answer in self._answers}
        eligible = [answer for answer, statements in shut.items() if self._can_shut(statements)]
        free = [answer for answer in eligible if self._costs_nothing(shut[answer])]
        rest = [answer for answer in eligible if not self._costs_nothing(shut[answer])]
        drawn = self._draw(rest, share, lambda answer: self._can_shut(shut[answer], speakers=True))
        candidates: list[int] = []
        for answer in chain(free, drawn):  # each changes who may be drawn next
            for i, order in shut[answer]:
                if self._stated[i] is None:
                    self._speakers.subtract(self._keys((i, order)))
                    self._stated[i] = other(order)
                if i in self.may and question(self.relations[self.facts[i].relation], self.facts[i], order):
                    candidates.append(i)
            del self._answers[answer]
        self._test(candidates, most, withheld)

    def leave_partners(self, share: float, *, most: int, withheld: int) -> None:
        """Draw a share of the other answers: one fact of each wording stays stated both ways, the rest are tested.

        Args:
            share: of the answers with at least two facts that are asked in the same words.
            most: how many facts are tested.
            withheld: how many facts may be withheld for it; at least one fact is tested whatever it costs.
        """
        families = {answer: list(self._families(answer)) for answer in self._answers}
        eligible = [answer for answer, found in families.items() if found]
        candidates: list[int] = []
        for answer in self._draw(eligible, share, lambda answer: True):
            for family in families[answer]:
                members = shuffled(family, self.random)
                speakers = [i for i in members if self._speaks((i, answer[1]))]
                # a fact that states it anyway, or cannot be tested, leaves the others to be tested
                partner = min(speakers, key=lambda i: (self._stated[i] is None, i in self.may))
                self._stated[partner] = self._stated[partner] or "both"
                self._taken.add(self.facts[partner].pair)
                candidates += [i for i in members if i != partner and i in self.may]
        for i in self._test(candidates, most, withheld):
            self._stated[i] = self._stated[i] or other(opposite(self.facts[i]))

    def _draw(self, answers: Sequence[Answer], share: float, accept: Callable[[Answer], bool]) -> Iterator[Answer]:
        """Yield a share of the answers that are acceptable when their turn comes, at least one unless it is 0."""
        wanted = max(round(share * len(answers)), 1 if share else 0)
        for answer in shuffled(answers, self.random):
            if wanted and accept(answer):
                wanted -= 1
                yield answer

    def _test(self, candidates: Sequence[int], most: int, withheld: int) -> list[int]:
        """Draw the facts to test, one a pair, within the limits, and return them."""
        drawn: list[int] = []
        spent = 0
        for i in shuffled(sorted(set(candidates)), self.random):
            pair = self.facts[i].pair
            cost = self._on_pair[pair] - 1
            if pair not in self._taken and len(drawn) < most and (not drawn or spent + cost <= withheld):
                self._taken.add(pair)
                drawn.append(i)
                spent += cost
        self.tested = sorted([*self.tested, *drawn])
        self.n_withheld += spent
        return drawn

    def _to_shut(self, answer: Answer) -> list[Statement]:
        """Return the statements that must not be made if nothing is to name the answer last in reverse."""
        name, order = answer
        slots: dict[Slot, None] = {(self.facts[i].relation, asked_by(order)): None for i in self._answers[answer]}
        same = (statement for slot in slots for statement in self._meant[slot, name])
        return list(dict.fromkeys((*self._last[order, name], *same)))

    def _can_shut(self, statements: Sequence[Statement], *, speakers: bool = False) -> bool:
        """Whether no settled order makes any of these statements, and (speakers) somebody else uses their words."""
        if len({i for i, _ in statements}) < len(statements):
            return False  # a loop of a symmetric relation names its entity last either way
        if any(self._stated[i] not in (None, other(order)) for i, order in statements):
            return False
        lost = Counter(key for i, order in statements if self._stated[i] is None for key in self._keys((i, order)))
        return not speakers or all(self._speakers[key] > n for key, n in lost.items())

    def _costs_nothing(self, statements: Sequence[Statement]) -> bool:
        """Whether no order is left to settle, and no fact would be withheld."""
        return all(self._stated[i] is not None and self._on_pair[self.facts[i].pair] == 1 for i, _ in statements)

    def _families(self, answer: Answer) -> Iterator[list[int]]:
        """Yield the facts that ask for an answer in the same words: one can be the partner, another be tested."""
        name, order = answer
        groups: dict[str, list[int]] = defaultdict(list)
        for i, _ in self._last[order, name]:
            fact = self.facts[i]
            asked = question(self.relations[fact.relation], fact, order)
            if asked is not None and fact.pair not in self._taken:
                groups[asked.key].append(i)
        for group in groups.values():
            speakers = {i for i in group if self._speaks((i, order))}
            if any(self._open((i, order)) and speakers - {i} for i in group):
                yield [i for i in group if i in speakers or self._open((i, order))]

    def _speaks(self, statement: Statement) -> bool:
        """Whether a statement is, or can be, made."""
        return self._stated[statement[0]] in (None, "both", statement[1])

    def _open(self, statement: Statement) -> bool:
        """Whether a fact may be tested in the order of this statement, which is not made."""
        i, order = statement
        return i in self.may and opposite(self.facts[i]) == order and self._stated[i] in (None, other(order))

    def _keys(self, statement: Statement) -> set[str]:
        """Return the wordings of a statement."""
        i, order = statement
        return wordings(self.relations[self.facts[i].relation], order)
