"""Where the blocks of library models keep their attention, and how to read it as linear maps.

A row of `LAYOUTS` is a family of blocks, known by the names of its modules: what a block is called does not matter.
"""

import abc
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn

from bothways.errors import BothwaysError
from bothways.tensors import HeadMaps, Role


@dataclass(frozen=True)
class Layout(abc.ABC):
    """The names, inside a block, of what attention is made of."""

    out: str
    """The matrix that writes what the heads have read."""
    norm: str | None
    """The norm before attention; None where blocks read a stream that is normed already."""

    @property
    @abc.abstractmethod
    def inward(self) -> tuple[str, ...]:
        """The matrices that make queries, keys and values."""

    @abc.abstractmethod
    def split(self, weights: list[Tensor], n_heads: int) -> list[Tensor]:
        """Cut the inward matrices, (out, in) each, into one for queries, one for keys and one for values."""

    @abc.abstractmethod
    def roles(self, path: str, gradient: Tensor, n_heads: int) -> Mapping[Role, Tensor]:
        """Cut a gradient, output channels first, of the inward matrix at `path` or its bias."""

    def fits(self, block: nn.Module) -> bool:
        """Whether a block has all these modules, with matrices in them, and no norm of queries or keys."""
        if not all(_has(block, path) for path in (*self.inward, self.out, *([self.norm] if self.norm else []))):
            return False
        if any(getattr(block.get_submodule(path), "weight", None) is None for path in (*self.inward, self.out)):
            return False
        beside = block.get_submodule(self.inward[0].rpartition(".")[0])
        return not any("norm" in name.lower() for name, _ in beside.named_children())

    def maps(self, block: nn.Module, n_heads: int) -> HeadMaps:
        """Return a block's attention as linear maps; heads that share keys and values get them repeated."""
        out_DI = _matrix(block.get_submodule(self.out))
        width = out_DI.shape[1] // n_heads
        scale = _scale(block.get_submodule(self.norm), out_DI) if self.norm else 1.0
        pieces = self.split([_matrix(block.get_submodule(path)) for path in self.inward], n_heads)
        heads = [(piece * scale).view(-1, width, piece.shape[1]) for piece in pieces]
        query, key, value = (piece.repeat_interleave(n_heads // len(piece), 0) for piece in heads)
        return HeadMaps(query, key, value, out_DI.view(-1, n_heads, width).transpose(0, 1))


@dataclass(frozen=True)
class Separate(Layout):
    """A matrix each for queries, keys and values."""

    query: str
    key: str
    value: str

    @property
    def inward(self) -> tuple[str, ...]:
        """The three matrices."""
        return self.query, self.key, self.value

    def split(self, weights: list[Tensor], n_heads: int) -> list[Tensor]:
        """Return them as they are."""
        return weights

    def roles(self, path: str, gradient: Tensor, n_heads: int) -> Mapping[Role, Tensor]:
        """Queries and keys route, values store."""
        return {"storage" if path == self.value else "routing": gradient}


@dataclass(frozen=True)
class Joint(Layout):
    """One matrix for all three."""

    all: str
    order: Literal["3 H K", "H 3 K"]
    """How its output channels are ordered: first all queries, or head by head."""

    @property
    def inward(self) -> tuple[str, ...]:
        """The one matrix."""
        return (self.all,)

    def fits(self, block: nn.Module) -> bool:
        """Whether it also has as many keys and values as queries."""
        if not super().fits(block):
            return False
        return len(_matrix(block.get_submodule(self.all))) == 3 * _matrix(block.get_submodule(self.out)).shape[1]

    def split(self, weights: list[Tensor], n_heads: int) -> list[Tensor]:
        """Return the three thirds."""
        return [third.flatten(0, 1) for third in self._thirds(weights[0], n_heads)]

    def roles(self, path: str, gradient: Tensor, n_heads: int) -> Mapping[Role, Tensor]:
        """Two thirds route, one stores."""
        thirds = self._thirds(gradient, n_heads)
        return {"routing": thirds[:2], "storage": thirds[2]}

    def _thirds(self, channels_first: Tensor, n_heads: int) -> Tensor:
        rest = channels_first.shape[1:]
        if self.order == "3 H K":
            return channels_first.reshape(3, n_heads, -1, *rest)
        return channels_first.reshape(n_heads, 3, -1, *rest).transpose(0, 1)


LAYOUTS: tuple[Layout, ...] = (
    Separate(  # Llama, Mistral, Qwen2
        query="self_attn.q_proj",
        key="self_attn.k_proj",
        value="self_attn.v_proj",
        out="self_attn.o_proj",
        norm="input_layernorm",
    ),
    Separate(  # BERT, RoBERTa
        query="attention.self.query",
        key="attention.self.key",
        value="attention.self.value",
        out="attention.output.dense",
        norm=None,
    ),
    Joint(all="attn.c_attn", out="attn.c_proj", norm="ln_1", order="3 H K"),  # GPT-2
    Joint(all="attn.Wqkv", out="attn.Wo", norm="attn_norm", order="3 H K"),  # ModernBERT
    Joint(all="attention.query_key_value", out="attention.dense", norm="input_layernorm", order="H 3 K"),  # GPT-NeoX
)


def blocks_of(body: nn.Module, n_layers: int) -> nn.ModuleList:
    """Return the blocks of a model without its output head.

    Raises:
        BothwaysError: it has no list of as many modules.
    """
    for module in body.modules():
        if isinstance(module, nn.ModuleList) and len(module) == n_layers:
            return module
    raise BothwaysError(
        f"{type(body).__name__} keeps its blocks where nobody looked yet. Leave out the probes of them."
    )


def layout_of(block: nn.Module) -> Layout:
    """Return the names by which a block keeps its attention.

    Raises:
        BothwaysError: none are known for such a block.
    """
    for layout in LAYOUTS:
        if layout.fits(block):
            return layout
    raise BothwaysError(
        f"The attention of a {type(block).__name__} is of a form that is not known as linear maps. "
        "Leave out the probes that need them."
    )


def part_of(name: str, gradient: Tensor, blocks: nn.ModuleList, prefix: str, n_heads: int) -> Mapping[Role, Tensor]:
    """Cut the gradient of a parameter inside the blocks, whose names begin with `prefix`, by what it is for.

    Raises:
        BothwaysError: the form of the block's attention is not known.
    """
    number, _, path = name.removeprefix(prefix).partition(".")
    block = blocks[int(number)]
    layout, (path, _, _) = layout_of(block), path.rpartition(".")
    if path == layout.out:
        return {"storage": gradient}
    if path not in layout.inward:
        return {"other": gradient}
    turned = gradient.T if _is_turned(block.get_submodule(path)) and gradient.ndim == 2 else gradient
    return layout.roles(path, turned, n_heads)


def normed_by(norm: Any, vectors_ND: Tensor) -> Tensor:
    """Return vectors as a norm leaves them before its scale and shift; an identity leaves them as they are.

    Whether it takes out the mean is found by trying.
    """
    if isinstance(norm, nn.Identity):
        return vectors_ND
    some_1D = torch.linspace(-1, 1, vectors_ND.shape[-1], device=vectors_ND.device, dtype=_dtype(norm))[None]
    moved_1D = norm(some_1D + 10) - norm(some_1D)
    centres = bool(moved_1D.abs().max() < 0.1 * (norm(some_1D) - norm(-some_1D)).abs().max())
    middle_N1 = vectors_ND.mean(-1, keepdim=True) if centres else 0.0
    apart_ND = vectors_ND - middle_N1
    return apart_ND / (apart_ND.square().mean(-1, keepdim=True) + _epsilon(norm)).sqrt()


def _epsilon(norm: Any) -> float:
    """Return what a norm adds to the mean square."""
    return float(
        next((e for name in ("eps", "variance_epsilon") if (e := getattr(norm, name, None)) is not None), 1e-6)
    )


def _dtype(norm: Any) -> torch.dtype:
    return next((parameter.dtype for parameter in norm.parameters()), torch.float32)


def _has(module: nn.Module, path: str) -> bool:
    try:
        module.get_submodule(path)
    except AttributeError:
        return False
    return True


def _is_turned(module: nn.Module) -> bool:
    """Whether a layer keeps its matrix as (in, out), which GPT-2's do."""
    from transformers.pytorch_utils import Conv1D

    return isinstance(module, Conv1D)


def _matrix(module: nn.Module) -> Tensor:
    weight = cast(Tensor, module.weight)
    return weight.T if _is_turned(module) else weight


def _scale(norm: Any, like: Tensor) -> Tensor:
    """Return what a norm multiplies each channel by, found by trying: some keep the scale, some the scale less one.

    Two opposite vectors of mean 0, normed already, tell it apart from the bias; they are long, so that what the norm
    adds to the variance is lost in rounding.
    """
    sign_D = torch.ones(len(like), device=like.device, dtype=like.dtype)
    sign_D[1::2] = -1
    if isinstance(norm, nn.Identity):
        return sign_D.abs()
    return (norm(1000 * sign_D) - norm(-1000 * sign_D)) / 2 * sign_D
