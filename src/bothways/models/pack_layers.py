"""The layers that know of packs: with a leading axis P on their parameters, each run's rows go through its own.

A pack of P models (`training/learner.py`) is one module whose parameters have that axis; of the B rows that it is
given the first B / P are the first run's, the next the second's. Without the axis these are torch's own layers.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def linear(x_BLD: Tensor, layer: nn.Linear) -> Tensor:
    """Multiply by a layer's matrix and add its bias; each run of a pack by its own."""
    if layer.weight.ndim == 2:
        return F.linear(x_BLD, layer.weight, layer.bias)
    x_PND = x_BLD.reshape(len(layer.weight), -1, x_BLD.shape[-1])
    return torch.baddbmm(layer.bias[:, None], x_PND, layer.weight.mT).view(*x_BLD.shape[:-1], -1)


def layer_norm(x_BLD: Tensor, norm: nn.LayerNorm) -> Tensor:
    """Normalise each vector, then scale and shift it; each run of a pack by its own numbers."""
    D = x_BLD.shape[-1]
    if norm.weight.ndim == 1:
        return F.layer_norm(x_BLD, (D,), norm.weight, norm.bias, norm.eps)
    x_PND = F.layer_norm(x_BLD.float(), (D,), eps=norm.eps).view(len(norm.weight), -1, D)  # in bf16 it would be slower
    out_PND = torch.addcmul(norm.bias[:, None].float(), x_PND, norm.weight[:, None].float())
    return out_PND.to(x_BLD.dtype).view_as(x_BLD)


def embed(tokens_BL: Tensor, embed_VD: Tensor) -> Tensor:
    """Look vectors up; each run of a pack in its own matrix."""
    if embed_VD.ndim == 2:
        return F.embedding(tokens_BL, embed_VD)
    P, V, D = embed_VD.shape
    first_P1 = V * torch.arange(P, device=tokens_BL.device)[:, None]
    return F.embedding((tokens_BL.view(P, -1) + first_P1).view_as(tokens_BL), embed_VD.reshape(P * V, D))


def add_positions(x_BLD: Tensor, position_LD: Tensor) -> Tensor:
    """Add each place's vector, (L, D) or (B, L, D); each run of a pack its own, (P, L, D)."""
    if position_LD.ndim == 2 or len(position_LD) == len(x_BLD):
        return x_BLD + position_LD
    return (x_BLD.view(len(position_LD), -1, *x_BLD.shape[1:]) + position_LD[:, None]).view_as(x_BLD)
