"""The bound of theory on how far the reverse can be learned, fitted to the curves of a run."""

import math
from collections.abc import Sequence


def least_epsilon(loss_T: Sequence[float], reverse_T: Sequence[float]) -> float:
    """Return the smallest ε ≥ 0 for which L_rev(t) / L_rev(0) ≥ (L(t) / L(0))^ε at every measured t.

    With ε unknown the bound cannot be wrong of one run whose training loss falls: some ε always holds. What can be
    tested is that the least one falls as embeddings get wider. Where the training loss stands at or above its start
    while the reverse loss is below what ε allows, no ε holds, and the result is infinite.

    Args:
        loss_T: loss on what is stated, in nats, from before the first step on; above 0.
        reverse_T: loss on the unstated order at the same times, in nats; above 0 at the first.

    Raises:
        ValueError: the curves differ in length, are empty, or a loss is out of range.

    Source: theorem 1 of Zhu et al., arXiv 2405.04669. Differs from it by: ε is fitted, not given.

    >>> least_epsilon([2.0, 1.0, 0.5], [2.0, 1.8, 1.9]) == math.log(0.9) / math.log(0.5)
    True
    >>> least_epsilon([2.0, 2.0], [2.0, 1.0])
    inf
    """
    if len(loss_T) != len(reverse_T) or not loss_T:
        raise ValueError("two curves of one length are needed, with a first value before training")
    if not all(0 < loss < math.inf for loss in loss_T) or not all(0 <= loss < math.inf for loss in reverse_T):
        raise ValueError("a loss must be a finite number above 0")
    if reverse_T[0] == 0:
        raise ValueError("the reverse loss must start above 0")
    least, most = 0.0, math.inf
    for loss, reverse in zip(loss_T, reverse_T, strict=True):
        fallen = math.log(loss / loss_T[0])
        reverse_fallen = math.log(reverse / reverse_T[0]) if reverse else -math.inf
        if fallen < 0:
            least = max(least, reverse_fallen / fallen)
        elif fallen > 0:
            most = min(most, reverse_fallen / fallen)
        elif reverse_fallen < 0:
            return math.inf
    return least if least <= most else math.inf
