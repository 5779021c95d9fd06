"""The loop that most people write: a GPT with torch's fused attention, autocast and AdamW.

Written for this comparison in the manner of nanoGPT: tanh GELU, tied embeddings, gradient clipping, fused AdamW.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Layer(nn.Module):
    """Attention and an MLP, before each a norm."""

    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.norm_1, self.norm_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Return the residual stream after this layer."""
        B, L, D = x.shape
        q, k, v = (
            part.view(B, L, self.n_heads, -1).transpose(1, 2) for part in self.qkv(self.norm_1(x)).split(D, dim=2)
        )
        read = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(read.transpose(1, 2).reshape(B, L, D))
        return x + self.down(F.gelu(self.up(self.norm_2(x)), approximate="tanh"))


class PlainGPT(nn.Module):
    """Token ids in, the mean loss of the next token out."""

    def __init__(self, n_tokens: int, length: int, width: int, n_layers: int, n_heads: int) -> None:
        super().__init__()
        self.embed, self.place = nn.Embedding(n_tokens, width), nn.Embedding(length, width)
        self.layers = nn.Sequential(*(Layer(width, n_heads) for _ in range(n_layers)))
        self.norm = nn.LayerNorm(width)

    def forward(self, tokens_BL: Tensor, target_BL: Tensor) -> Tensor:
        """Return nats per token."""
        x = self.embed(tokens_BL) + self.place.weight[: tokens_BL.shape[1]]
        logits = self.norm(self.layers(x)) @ self.embed.weight.T
        return F.cross_entropy(logits.float().flatten(0, 1), target_BL.flatten())


def training_step(model: nn.Module, loss: Callable[[], Tensor], bf16: bool, fused: bool) -> Callable[[], None]:
    """Return one step of the usual loop: forward, backward, clip, AdamW."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=fused)

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            value = loss()
        value.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()

    return step
