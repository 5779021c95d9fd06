"""Gradient alignment: does learning a fact forward lower the loss of its reverse question?"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor

from bothways.batches.tokenizers import Tokenizer
from bothways.cross_entropy import weighted_cross_entropy
from bothways.mechanisms.base import Probe
from bothways.mechanisms.contexts import Asker, Contexts, Pair, tested_pairs
from bothways.tensors import LanguageModel, Objective
from bothways.types import Exam, Finding

PARTS = ("storage", "routing", "all")
Gradient = dict[str, Tensor]
"""A gradient by the names of the parameters."""


@dataclass(frozen=True, kw_only=True)
class GradientAlignment(Probe):
    """Inner product of the gradients of a pair's forward and reverse loss: weights that store, that route, and all.

    Losses are nats per asked token, of one text each. What the mask and the relation share makes gradients of
    unrelated facts agree as well, so each pair (A, B) stands beside three mismatched reverse losses: (A, B'), which
    keeps the target, (A', B), which keeps what is read, and (A', B'), which keeps neither. The reverse loss is then
    measured after one step of plain descent on the forward loss, with all weights or with those that store alone,
    beside what the inner product predicts of it, -rate * product. The weights are put back bit by bit. Memory: the
    weights, one copy of them, and one gradient.

    For a model that reads left to right the two losses are of B after "A R" and of A after "B R'".

    Source: the gradient alignment of Jeon et al., arXiv 2602.02133. Differs from it by: the mismatched pairs, and a
    measured step beside the predicted one; the sign of the storage product alone is nearly an identity and shows
    little.
    """

    max_pairs: int = 16
    """Facts looked at, from the first; each takes five backward passes."""
    rates: tuple[float, ...] = (1e-4, 1e-3, 1e-2)
    """Sizes of the measured step, in units of the gradient."""

    def __call__(self, model: LanguageModel, objective: Objective, tokenizer: Tokenizer, exam: Exam) -> Finding:
        """Return a row for each part and kind of pair, and one for each part and rate; the model is as it was."""
        asker, pairs = Asker.of(model, objective, tokenizer, exam), tested_pairs(exam, self.max_pairs)
        sums = {kind: {part: Sum() for part in PARTS} for kind in reversed_pairs(pairs, 0)}
        steps = {(part, rate): Sum() for part in ("storage", "all") for rate in self.rates}
        with learning(model):
            for n, pair in enumerate(pairs):
                forward = gradient(model, asker.forward([pair]))
                found = {
                    kind: products(model, forward, asker.reverse([other]))
                    for kind, other in reversed_pairs(pairs, n).items()
                }
                for kind, parts in found.items():
                    for part, product in parts.items():
                        sums[kind][part].add(product.product, product.cosine)
                reverse = asker.reverse([pair])
                for part in ("storage", "all") if self.rates else ():
                    changes = stepped(model, forward, part, self.rates, lambda r=reverse: loss(model, r))
                    for rate, change in zip(self.rates, changes, strict=True):
                        steps[part, rate].add(change, -rate * found["matched"][part].product)
        return summarise(sums, steps)


@dataclass
class Sum:
    """Two numbers of each pair, averaged."""

    one: list[float] = field(default_factory=list[float])
    other: list[float] = field(default_factory=list[float])

    def add(self, one: float, other: float) -> None:
        """Take the numbers of one more pair."""
        self.one.append(one)
        self.other.append(other)

    @property
    def means(self) -> tuple[float, float]:
        """The mean of each."""
        return sum(self.one) / len(self.one), sum(self.other) / len(self.other)


def summarise(sums: Mapping[str, Mapping[str, Sum]], steps: Mapping[tuple[str, float], Sum]) -> Finding:
    """Return the finding of all pairs."""
    rows: list[dict[str, object]] = []
    numbers: dict[str, float] = {}
    for part in PARTS:
        means = {kind: parts[part].means for kind, parts in sums.items()}
        rows += [{"part": part, "pairs": k, "product": p, "cosine": c} for k, (p, c) in means.items()]
        numbers[f"{part}_product"], numbers[f"{part}_cosine"] = means["matched"]
        numbers[f"{part}_cosine_mismatched"] = max(cosine for kind, (_, cosine) in means.items() if kind != "matched")
        for kind, (product, _) in means.items():
            if kind != "matched":
                numbers[f"{part}_product_minus_{kind}"] = means["matched"][0] - product
    for (part, rate), sum_of in steps.items():
        change, predicted = sum_of.means
        rows.append({"part": part, "rate": rate, "change": change, "predicted": predicted})
        numbers[f"{part}_change_at_{rate:g}"] = change
        if predicted:
            numbers[f"{part}_change_over_predicted_at_{rate:g}"] = change / predicted
    summary = ", ".join(
        f"{part} cosine {numbers[f'{part}_cosine']:.3f}, mismatched {numbers[f'{part}_cosine_mismatched']:.3f}"
        for part in PARTS
    )
    return Finding("gradient_alignment", summary, tuple(rows), numbers)


def reversed_pairs(pairs: Sequence[Pair], n: int) -> dict[str, Pair]:
    """Return whose reverse loss is compared with pair n's forward loss: its own, and mixtures with another pair's."""
    pair = pairs[n]
    after = [*pairs[n + 1 :], *pairs[:n]]
    other = next((one for one in after if not {one.first, one.last} & {pair.first, pair.last}), after[0])
    return {
        "matched": pair,
        "other_last": pair.named(pair.first, other.last),
        "other_first": pair.named(other.first, pair.last),
        "other_both": pair.named(other.first, other.last),
    }


@contextmanager
def learning(model: LanguageModel) -> Iterator[None]:
    """Let every weight have a gradient for the length of a `with`; then nothing of it is left."""
    was_training = [(module, module.training) for module in model.modules()]
    parameters = list(model.parameters())
    kept = [(parameter.requires_grad, parameter.grad) for parameter in parameters]
    model.eval()
    try:
        with torch.enable_grad():
            for parameter in parameters:
                parameter.requires_grad_(True)
                parameter.grad = None
            yield
    finally:
        for parameter, (required, grad) in zip(parameters, kept, strict=True):
            parameter.requires_grad_(required)
            parameter.grad = grad
        for module, training in was_training:  # one by one: parts of a library model may differ from the whole
            module.training = training


def gradient(model: LanguageModel, contexts: Contexts) -> Gradient:
    """Return the gradient of the loss of these contexts."""
    weighted_cross_entropy(model, contexts.prepared).mean.sum().backward()
    found: Gradient = {}
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            found[name], parameter.grad = parameter.grad, None
    return found


@dataclass
class Product:
    """An inner product of two gradients, and their squared lengths, of one part of the weights."""

    product: float = 0.0
    one_square: float = 0.0
    other_square: float = 0.0

    @property
    def cosine(self) -> float:
        """0 where one of them is."""
        return self.product / max((self.one_square * self.other_square) ** 0.5, 1e-30)

    def add(self, one: Tensor, other: Tensor) -> None:
        """Take one more piece of both gradients."""
        one, other = one.flatten().float(), other.flatten().float()
        self.product += (one @ other).item()
        self.one_square += (one @ one).item()
        self.other_square += (other @ other).item()


def products(model: LanguageModel, forward: Gradient, contexts: Contexts) -> dict[str, Product]:
    """Return the inner products of a gradient with that of the loss of these contexts.

    Each weight's gradient is used and let go as soon as the backward pass has made it: a second one is never whole.
    """
    found = {part: Product() for part in PARTS}

    def use(name: str) -> Callable[[Tensor], None]:
        def hook(parameter: Tensor) -> None:
            assert parameter.grad is not None
            if name in forward:
                other = model.part_of(name, parameter.grad)
                for role, piece in model.part_of(name, forward[name]).items():
                    for part in ("all", role):
                        if part in found:
                            found[part].add(piece, other[role])
            parameter.grad = None

        return hook

    handles = [p.register_post_accumulate_grad_hook(use(name)) for name, p in model.named_parameters()]
    try:
        weighted_cross_entropy(model, contexts.prepared).mean.sum().backward()
    finally:
        for handle in handles:
            handle.remove()
    return found


@torch.no_grad()
def loss(model: LanguageModel, contexts: Contexts) -> float:
    """Return the loss of these contexts, nats per asked token."""
    return weighted_cross_entropy(model, contexts.prepared).mean.sum().item()


@torch.no_grad()
def stepped(
    model: LanguageModel, forward: Gradient, part: str, rates: Sequence[float], measure: Callable[[], float]
) -> list[float]:
    """Return by how much a measure changes when part of the weights steps down a gradient, for each size of step."""
    kept = {name: p.data.clone() for name, p in model.named_parameters() if name in forward}
    before, changes = measure(), list[float]()
    try:
        for rate in rates:
            for name, parameter in model.named_parameters():
                if name in kept:
                    parameter.data.copy_(kept[name])
                    pieces, steps = model.part_of(name, parameter.data), model.part_of(name, forward[name])
                    for role, piece in pieces.items():
                        if part in ("all", role):
                            piece.sub_(rate * steps[role])
            changes.append(measure() - before)
    finally:
        for name, parameter in model.named_parameters():
            if name in kept:
                parameter.data.copy_(kept[name])
    return changes
