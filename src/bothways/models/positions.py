"""How a token's place enters attention: turned queries and keys (rotary), or a bias by distance (ALiBi).

Source: rotary positions (Su et al., arXiv 2104.09864); ALiBi (Press et al., arXiv 2108.12409). Differs from ALiBi by:
the bias is -m|i-j|, symmetric, so that it also serves calls that are not causal.
"""

from typing import Literal

import torch
from torch import Tensor

Positions = Literal["none", "learned", "rotary", "alibi"]


def distance_bias(n_heads: int, place: Tensor) -> Tensor:
    """Return ALiBi's bias of the scores, (B or none, H, L, L), of tokens at their places, (L) or (B, L)."""
    slopes_H = 2.0 ** (-8.0 * torch.arange(1, n_heads + 1, device=place.device) / n_heads)
    apart = (place[..., None, :, None] - place[..., None, None, :]).abs()
    return -slopes_H[:, None, None] * apart


def rotary_angles(d_head: int, place: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Return cos and sin of every place's rotation, each (B or none, 1, L, K/2); places are (L) or (B, L)."""
    angle = place[..., None, :, None] * rotary_frequencies(d_head, place.device)
    return angle.cos().to(dtype), angle.sin().to(dtype)


def rotary_frequencies(d_head: int, device: torch.device) -> Tensor:
    """Return by what angle each pair of channels turns from one place to the next, in radians."""
    half = d_head // 2
    return 10000.0 ** (-torch.arange(half, device=device) / half)


def rotate(x_BHLK: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
    """Rotate each pair of channels (i, i + K/2) by its place's angle."""
    cos, sin = rotation
    first, second = x_BHLK.chunk(2, dim=-1)
    return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)
