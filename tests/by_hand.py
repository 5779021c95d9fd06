"""A Llama-like model written from its description, with plain torch operations: what LLaDA and Dream compute.

RMSNorm (Zhang and Sennrich, arXiv 1910.07467), rotary positions (Su et al., arXiv 2104.09864), SwiGLU (Shazeer, arXiv
2002.05202), grouped queries (Ainslie et al., arXiv 2305.13245). Weights are named as in LLaDA's files.
"""

from collections.abc import Mapping
from typing import Any


def rms_norm(x: Any, weight: Any, eps: float) -> Any:
    """Divide by the root of the mean square, then scale."""
    return weight * x / (x.pow(2).mean(-1, keepdim=True) + eps).sqrt()


def rotated(x_BLHK: Any, theta: float) -> Any:
    """Turn channel i and channel i + K/2, as one complex number, by place * theta^(-2i/K)."""
    import torch

    length, half = x_BLHK.shape[1], x_BLHK.shape[-1] // 2
    angle = torch.outer(torch.arange(length).double(), theta ** (-torch.arange(half).double() / half))
    turned = torch.complex(x_BLHK[..., :half].double(), x_BLHK[..., half:].double())
    turned = turned * torch.polar(torch.ones_like(angle), angle)[None, :, None]
    return torch.cat([turned.real, turned.imag], -1).float()


def logits_by_hand(
    weights: Mapping[str, Any], tokens_BL: Any, *, n_heads: int, theta: float, eps: float, causal: bool
) -> Any:
    """Return the logits at every place, each read from the place itself."""
    import torch

    def get(name: str) -> Any:
        return weights[f"model.transformer.{name}.weight"].float()

    x_BLD = get("wte")[tokens_BL]
    B, L, D = x_BLD.shape
    n_layers = len([name for name in weights if name.endswith("attn_norm.weight")])
    for layer in range(n_layers):
        block = f"blocks.{layer}"

        def heads(name: str, normed: Any, block: str = block) -> Any:
            made = normed @ get(f"{block}.{name}").T
            bias = weights.get(f"model.transformer.{block}.{name}.bias")
            return (made if bias is None else made + bias).view(B, L, -1, D // n_heads)

        normed = rms_norm(x_BLD, get(f"{block}.attn_norm"), eps)
        query, key = rotated(heads("q_proj", normed), theta), rotated(heads("k_proj", normed), theta)
        value = heads("v_proj", normed)
        read = torch.zeros_like(query)
        for head in range(n_heads):
            shared = head * key.shape[2] // n_heads
            score_BLL = query[:, :, head] @ key[:, :, shared].transpose(1, 2) / (D // n_heads) ** 0.5
            if causal:
                score_BLL = score_BLL.masked_fill(torch.ones(L, L).triu(1).bool(), -torch.inf)
            read[:, :, head] = score_BLL.softmax(-1) @ value[:, :, shared]
        x_BLD = x_BLD + read.reshape(B, L, D) @ get(f"{block}.attn_out").T
        normed = rms_norm(x_BLD, get(f"{block}.ff_norm"), eps)
        gate = normed @ get(f"{block}.ff_proj").T
        x_BLD = x_BLD + (gate * gate.sigmoid() * (normed @ get(f"{block}.up_proj").T)) @ get(f"{block}.ff_out").T
    output = "ff_out" if "model.transformer.ff_out.weight" in weights else "wte"
    return rms_norm(x_BLD, get("ln_f"), eps) @ get(output).T
