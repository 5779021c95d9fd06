"""Exact statements about why masked diffusion reverses, each as a function that computes both sides.

They need no training: a seed draws a small instance, and the function returns its numbers by name. What the paper
proves is not fully known to us; these are our own derivations of what its abstract says, and of what must hold beside
it.

Source: Jeon et al., arXiv 2602.02133 (rotary correlation, storage gradient). Differs from it by: the formulas are exact
sums instead of bounds, and hold for the model's own query; parity, the left-to-right control and the mismatched pairs
are ours.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from bothways.models.positions import Positions, rotary_angles, rotary_frequencies, rotate
from bothways.models.transformer import TransformerConfig


def rotary_correlation(
    turn_I: Float[Tensor, " I"], apart_N: Float[Tensor, " N"], query_K: Float[Tensor, " K"] | None = None
) -> Float[Tensor, " N"]:
    """Return the correlation of the scores of one key left and right of a query, under rotary positions.

    Over independent isotropic keys it is sum_i |q_i|^2 cos(a t_i) / |q|^2 for one query q whose pair of channels i
    turns by t_i a place, a being the places between the two keys; over random isotropic queries as well, (2 / K) sum_i
    cos(a t_i). Both are exact. For a key at equal distance D on either side, a = 2 D.

    Args:
        turn_I: angle of each pair of channels, radians a place.
        apart_N: places from the left key to the right one.
        query_K: the query, whose channels i and i + K/2 are a pair; None for random ones.
    """
    weight_I = torch.ones_like(turn_I) if query_K is None else query_K.unflatten(0, (2, -1)).square().sum(0)
    return (weight_I * (apart_N[:, None].to(turn_I) * turn_I).cos()).sum(1) / weight_I.sum()


def rotary_routes(seed: int, *, width: int = 64, distance: int = 1, samples: int = 4000) -> dict[str, float]:
    """Return the rotary correlation by formula, by turning real vectors, and by sampling (MD-T1).

    Args:
        seed: draws queries and keys.
        width: channels of a head.
        distance: places from the query to the key, on either side.
        samples: pairs of a query and a key.

    Returns:
        `formula` and `turned` (equal: the trace of the rotation by 2 D over the width), `sampled` (its Monte-Carlo
        estimate), `own_formula`, `own_turned`, `own_sampled` (the same for one query), and `large_width`, the limit
        1 - (gamma + ln 2D - Ci 2D) / ln base.
    """
    rotation = rotary_angles(width, torch.tensor([distance, 0, 2 * distance]), torch.float64)  # query, left, right key
    turn_K3K = rotate(torch.eye(width, dtype=torch.float64)[:, None].expand(-1, 3, -1), rotation)
    left_KK, right_KK = (turn_K3K[:, 0] @ turn_K3K[:, side].T for side in (1, 2))  # a score is q left k, or q right k
    generator = torch.Generator().manual_seed(seed)
    query_NK, key_NK = torch.randn(2, samples, width, generator=generator, dtype=torch.float64)
    own_K = query_NK[0]

    def sampled(query_NK: Tensor) -> float:
        scores = [((query_NK @ side_KK) * key_NK).sum(1) for side_KK in (left_KK, right_KK)]
        return torch.corrcoef(torch.stack(scores))[0, 1].item()

    turn_I, apart_1 = rotary_frequencies(width, torch.device("cpu")).double(), torch.tensor([2.0 * distance])
    limit = 1 - (EULER + math.log(2 * distance) - cosine_integral(2.0 * distance)) / math.log(10000.0)
    return {
        "formula": rotary_correlation(turn_I, apart_1).item(),
        "turned": (left_KK * right_KK).sum().item() / width,
        "sampled": sampled(query_NK),
        "own_formula": rotary_correlation(turn_I, apart_1, own_K).item(),
        "own_turned": ((own_K @ left_KK) @ (own_K @ right_KK) / own_K.square().sum()).item(),
        "own_sampled": sampled(own_K.expand_as(query_NK)),
        "large_width": limit,
    }


EULER = 0.5772156649015329
"""Euler's constant."""


def cosine_integral(x: float) -> float:
    """Return Ci(x) = gamma + ln x + the integral of (cos t - 1) / t from 0 to x, by Simpson's rule.

    >>> round(cosine_integral(2.0), 6)
    0.422981
    """
    steps = 2 * math.ceil(50 * x + 50)
    t_N = torch.linspace(0, x, steps + 1, dtype=torch.float64)
    value_N = torch.where(t_N > 0, (t_N.cos() - 1) / t_N.clamp(min=1e-300), 0.0)
    weight_N = torch.ones(steps + 1, dtype=torch.float64)
    weight_N[1:-1:2], weight_N[2:-1:2] = 4, 2
    return EULER + math.log(x) + (weight_N @ value_N).item() * x / steps / 3


@dataclass(frozen=True)
class Toy:
    """One layer of attention without residual stream: logits = M h, h = sum_j alpha_j x_j, M = W_U W_O W_V.

    Entities come first, then the mask, the relation and its other wording; all vectors are random and nearly
    orthogonal.
    """

    store_VD: Float[Tensor, "V D"]
    """M: what is stored."""
    token_VD: Float[Tensor, "V D"]
    """x: what is read."""
    n_entities: int
    alpha_3: Float[Tensor, " 3"]
    """Attention of the mask to itself, the relation and the given entity in the forward context."""
    beta_3: Float[Tensor, " 3"]
    """The same in the reverse context."""

    @classmethod
    def draw(cls, seed: int, *, n_entities: int = 8, width: int = 256) -> "Toy":
        """Draw an instance."""
        generator = torch.Generator().manual_seed(seed)
        n = n_entities + 3
        store_VD, token_VD = (torch.randn(n, width, generator=generator, dtype=torch.float64) for _ in range(2))
        alpha_23 = torch.randn(2, 3, generator=generator, dtype=torch.float64).softmax(-1)
        return cls(0.3 * store_VD / width**0.5, token_VD / width**0.5, n_entities, *alpha_23)

    def forward(self, last: int) -> Float[Tensor, " D"]:
        """Return what the mask of "[M] R B" reads."""
        return self.alpha_3 @ self.token_VD[[self.n_entities, self.n_entities + 1, last]]

    def reverse(self, last: int) -> Float[Tensor, " D"]:
        """Return what the mask of "B R' [M]" reads."""
        return self.beta_3 @ self.token_VD[[self.n_entities, self.n_entities + 2, last]]

    def loss(self, read_D: Tensor, answer: int, store_VD: Tensor | None = None) -> Tensor:
        """Return -log p(answer) of what was read, in nats."""
        return -((self.store_VD if store_VD is None else store_VD) @ read_D).log_softmax(-1)[answer]

    def gradient(self, read_D: Tensor, answer: int) -> Float[Tensor, "V D"]:
        """Return the gradient of that loss in the store, by automatic differentiation."""
        store_VD = self.store_VD.clone().requires_grad_()
        with torch.enable_grad():
            return torch.autograd.grad(self.loss(read_D, answer, store_VD), store_VD)[0]


def storage_gradient(seed: int, *, rate: float = 1e-4) -> dict[str, float]:
    """Return both sides of the storage gradient's identity, and what one step on the forward loss does (MD-T2).

    With a = p_fwd(A) and b = p_rev(A):
    <dL_fwd/dM, dL_rev/dM> = <h_fwd, h_rev> [(1 - a)(1 - b) + sum_{y != A} p_fwd(y) p_rev(y)].

    Returns:
        `product` by differentiation, `formula`, its factors `reads` and `bracket` (never negative), and the `change` of
        L_rev after M moved by -rate dL_fwd/dM beside what is `predicted`, -rate * product, all in nats.
    """
    toy, first, last = Toy.draw(seed), 0, 1
    forward_D, reverse_D = toy.forward(last), toy.reverse(last)
    gradient_VD = toy.gradient(forward_D, first)
    product = (gradient_VD * toy.gradient(reverse_D, first)).sum().item()
    p_V, q_V = ((toy.store_VD @ read_D).softmax(-1) for read_D in (forward_D, reverse_D))
    bracket = ((1 - p_V[first]) * (1 - q_V[first]) + p_V @ q_V - p_V[first] * q_V[first]).item()
    reads = (forward_D @ reverse_D).item()
    moved_VD = toy.store_VD - rate * gradient_VD
    change = (toy.loss(reverse_D, first, moved_VD) - toy.loss(reverse_D, first)).item()
    return {
        "product": product, "formula": reads * bracket, "reads": reads, "bracket": bracket,
        "change": change, "predicted": -rate * product,
    }  # fmt: skip


def mirror_parity(seed: int, *, positions: Positions = "none", n_layers: int = 3, filler: int = 0) -> dict[str, float]:
    """Return how far the mask's logits of a text and of its exact mirror are apart, in one bidirectional model (MD-T3).

    Without positions a model cannot tell the two texts apart, with a symmetric bias by distance it sees the same
    distances: the gap is rounding, at any depth. With rotary or learned positions it is not.

    Args:
        seed: draws weights and tokens.
        positions: of the model.
        n_layers: depth.
        filler: tokens put at one end of the mirrored text only: a broken mirror.

    Returns:
        `gap`, the largest difference of two logits, and `scale`, the largest logit.
    """
    config = TransformerConfig(d_model=32, n_heads=4, d_mlp=64, n_layers=n_layers, positions=positions)
    model = config.build(20, seed).double()
    text_L = torch.cat([torch.tensor([3]), torch.randint(6, 20, (4,), generator=torch.Generator().manual_seed(seed))])
    mirror_L = torch.cat([text_L.flip(0), torch.full((filler,), 2)])
    with torch.inference_mode():
        forward_V = model(text_L[None], causal=False)[0, 0]
        reverse_V = model(mirror_L[None], causal=False)[0, len(text_L) - 1]
    return {"gap": (forward_V - reverse_V).abs().max().item(), "scale": forward_V.abs().max().item()}


def left_to_right(seed: int, *, width: int = 1024) -> dict[str, float]:
    """Return what learning "A R B" left to right does for the reverse question, beside what a mask does (MD-T4).

    Read left to right, the forward text stores (p - e_B) x_A^T and the reverse question needs (p' - e_A) x_B^T: the
    product of the gradients is <p - e_B, p' - e_A> <x_A, x_B>, and 0 for orthogonal embeddings. A masked text stores
    what the reverse question needs.

    Returns:
        `product` by differentiation and `formula`; `cosine` of these gradients, of size 1 / sqrt(width), and
        `masked_cosine` of those of a masked model in its two contexts.
    """
    toy, first, last = Toy.draw(seed, width=width), 0, 1
    x_D, y_D = toy.token_VD[first], toy.token_VD[last]
    one_VD, other_VD = toy.gradient(x_D, last), toy.gradient(y_D, first)
    p_V, q_V = ((toy.store_VD @ read_D).softmax(-1) for read_D in (x_D, y_D))
    e_VV = torch.eye(len(p_V), dtype=p_V.dtype)
    formula = (p_V - e_VV[last]) @ (q_V - e_VV[first]) * (x_D @ y_D)
    masked = [toy.gradient(read_D, first) for read_D in (toy.forward(last), toy.reverse(last))]
    return {
        "product": (one_VD * other_VD).sum().item(),
        "formula": formula.item(),
        "cosine": cosine(one_VD, other_VD),
        "masked_cosine": cosine(*masked),
    }


def mismatched_pairs(n_seeds: int = 20, *, first_seed: int = 0) -> dict[str, float]:
    """Return how much better a pair's own gradients agree than those of mismatched pairs, over seeds (MD-T5).

    The mask is shared by all facts and makes the gradients of unrelated facts agree too. A pair (A', B') loses the
    shared target trivially, so (A, B') and (A', B) stand beside it.

    Returns:
        The mean of the matched product minus each mismatched one, and the `_low` and `_high` ends of its 95 % interval
        over seeds (1.96 standard errors).
    """
    kinds = {"other_last": (0, 3), "other_first": (2, 1), "other_both": (2, 3)}
    found = {kind: list[float]() for kind in kinds}
    for seed in range(first_seed, first_seed + n_seeds):
        toy = Toy.draw(seed)
        forward_VD = toy.gradient(toy.forward(1), 0)
        matched = (forward_VD * toy.gradient(toy.reverse(1), 0)).sum().item()
        for kind, (first, last) in kinds.items():
            found[kind].append(matched - (forward_VD * toy.gradient(toy.reverse(last), first)).sum().item())
    numbers: dict[str, float] = {}
    for kind, values in found.items():
        value_S = torch.tensor(values, dtype=torch.float64)
        half = 1.96 * value_S.std().item() / n_seeds**0.5
        mean = value_S.mean().item()
        numbers |= {kind: mean, f"{kind}_low": mean - half, f"{kind}_high": mean + half}
    return numbers


def cosine(one: Tensor, other: Tensor) -> float:
    """Return the cosine of two gradients, read as vectors."""
    return torch.cosine_similarity(one.flatten(), other.flatten(), dim=0).item()
