"""One transformer for every objective.

A pre-norm decoder stack whose `causal` is an argument of the call, so the same weights can be read
left to right (autoregressive) or all at once (masked diffusion). Positions are none, learned,
rotary or ALiBi; the output matrix is the embedding itself (tied) or its own (untied).

Source: the GPT-2 block (Radford et al. 2019); positions as in `positions.py`. Differs by: attention is
written out as two matrix products: for the short rows of this project that is faster than the fused
kernel, whose backward pass dominates there.

A pack of models (`training/learner.py`) is this same module with a leading axis on every parameter: the four functions
of `pack_layers.py` are all that know of it.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from bothways.errors import BothwaysError
from bothways.models.pack_layers import add_positions, embed, layer_norm, linear
from bothways.models.positions import Positions, distance_bias, rotary_angles, rotary_frequencies, rotate
from bothways.tensors import HeadMaps, LanguageModel, ModelConfig, Role, Side, Trace
from bothways.trees import TreeRows

Shared = Literal["shared", "by_side"]


@dataclass(frozen=True, kw_only=True)
class TransformerConfig(ModelConfig):
    """The shape of a transformer; `build` makes one with fresh weights."""

    n_layers: int = 2
    """Number of blocks."""
    d_model: int = 128
    """Width of the residual stream."""
    n_heads: int = 4
    """Attention heads; must divide d_model."""
    d_mlp: int = 512
    """Width of the hidden layer of each MLP; 0 for blocks of attention alone."""
    activation: Literal["relu", "gelu"] = "relu"
    """Of the MLP; gelu is the exact one: a quarter of the cost of GPT-2's approximation, and within 0.001 of it."""
    positions: Positions = "learned"
    """How a token's place enters: not at all, as a learned vector, rotary, or as an ALiBi bias."""
    tied: bool = False
    """Whether the output matrix is the embedding matrix."""
    frozen: bool = False
    """Whether the vectors of tokens and places stay as they were drawn."""
    attention: Literal["softmax", "linear"] = "softmax"
    """How scores become weights: by a softmax, or as they are, divided by how many tokens are seen."""
    residual: bool = True
    """Whether attention and MLP are added to what they read; without it they replace it."""
    routing: Shared = "shared"
    """Whether queries and keys (W_Q, W_K) are the same for tokens left and right of the reader, or each side has its
    own; the reader itself belongs to the left."""
    storage: Shared = "shared"
    """Whether values and outputs (W_V, W_O) are the same for both sides. With either by side, what was learned of a
    token on the right is of no use when it stands on the left: the cut through the weight sharing that the paper on
    masked diffusion (arXiv 2602.02133) holds responsible for reversal."""

    def __post_init__(self) -> None:
        for name, least in (("n_layers", 1), ("d_model", 1), ("n_heads", 1), ("d_mlp", 0), ("max_length", 1)):
            if getattr(self, name) < least:
                raise BothwaysError(f"{name} must be at least {least}, got {name}={getattr(self, name)}. Raise it.")
        if self.d_model % self.n_heads:
            near = max(1, self.d_model // self.n_heads) * self.n_heads
            raise BothwaysError(
                f"n_heads must divide d_model, got n_heads={self.n_heads} and d_model={self.d_model}. "
                f"Choose d_model={near} or {near + self.n_heads}."
            )
        if self.positions == "rotary" and self.d_head % 2:
            raise BothwaysError(
                f"Rotary positions need an even head width, got d_model / n_heads = {self.d_head}. "
                f"Choose another n_heads."
            )

    @property
    def d_head(self) -> int:
        """Width of a head."""
        return self.d_model // self.n_heads

    @property
    def tiny(self) -> bool:
        """Whether such models gain from training in packs; a wider one fills a core by itself."""
        return self.d_model <= 32

    @property
    def sides(self) -> bool:
        """Whether some weights differ between what stands left and right of the reader."""
        return "by_side" in (self.routing, self.storage)

    def build(self, n_tokens: int, seed: int) -> "Transformer":
        """Make a transformer over a vocabulary of `n_tokens` ids, its weights drawn from `seed`.

        Raises:
            BothwaysError: n_tokens is below 1.
        """
        if n_tokens < 1:
            raise BothwaysError(f"A model needs at least one token, got n_tokens={n_tokens}. Give it a vocabulary.")
        return Transformer(self, n_tokens, torch.Generator().manual_seed(seed))


class Transformer(LanguageModel):
    """Token ids in, one logit per vocabulary entry out."""

    embed: Tensor
    position: Tensor

    def __init__(self, config: TransformerConfig, n_tokens: int, generator: torch.Generator) -> None:
        super().__init__()
        self.config = config
        self.n_tokens = n_tokens
        self.tiny = config.tiny
        self._hold("embed", n_tokens)
        if config.positions == "learned":
            self._hold("position", config.max_length)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layers))
        self.norm = nn.LayerNorm(config.d_model)
        if not config.tied:
            self.unembedding = nn.Parameter(torch.empty(n_tokens, config.d_model))
        self._initialise(generator)

    def _hold(self, name: str, n_rows: int) -> None:
        """Make a matrix of vectors, a parameter unless it is frozen."""
        vectors = torch.empty(n_rows, self.config.d_model)
        if self.config.frozen:
            self.register_buffer(name, vectors)
        else:
            self.register_parameter(name, nn.Parameter(vectors))

    def _initialise(self, generator: torch.Generator) -> None:
        """Draw every weight; norms start at 1 and biases at 0.

        Matrices of a block keep the variance of what they read (std 1/sqrt(fan in)), and those that write to
        the residual stream are scaled down by the number of additions. Entities are read and written with
        larger vectors than GPT-2's 0.02: small models then learn facts about four times sooner (LOG.md).
        """
        additions = math.sqrt(2 * self.config.n_layers)
        for name, parameter in (*self.named_buffers(), *self.named_parameters()):
            if parameter.ndim == 1:
                nn.init.constant_(parameter, 1.0 if name.endswith("norm.weight") else 0.0)
                continue
            fan_in = self.config.d_model if name.endswith("attention_out.weight") else parameter.shape[1]
            std = {"embed": 0.1, "position": 0.1, "unembedding": 0.3}.get(name, 1 / math.sqrt(fan_in))
            nn.init.normal_(parameter, std=std / (additions if name.endswith("out.weight") else 1), generator=generator)

    def hidden(self, tokens_BL: Int[Tensor, "B L"], *, causal: bool) -> Float[Tensor, "B L D"]:
        """Return the residual stream after the last block and norm."""
        n_rows, length = tokens_BL.shape
        self._check(length)
        tokens_BL = tokens_BL.to(self.embed.device)
        fusible = self.config.positions != "alibi" and self.config.attention == "softmax" and not self.config.sides
        if fusible and (length >= LONG or tokens_BL.is_cuda):
            return self._read(tokens_BL, torch.arange(length, device=tokens_BL.device), Fused(causal))
        own_rows = n_rows // len(self.embed) if self.embed.ndim == 3 else n_rows
        sharing = rows_sharing(own_rows, length, self.config.d_model)
        if causal and sharing > 1 and (tokens_BL[:, 0] == tokens_BL[0, 0]).all():
            return self._read_first_once(tokens_BL, sharing)
        together = rows_together(own_rows, length, self.config.d_head)
        row_L = torch.arange(together, device=tokens_BL.device).repeat_interleave(length)
        place_L = torch.arange(length, device=tokens_BL.device).repeat(together)
        blind_LL = row_L[None, :] != row_L[:, None] if together > 1 else None
        if causal:
            ahead_LL = place_L[None, :] > place_L[:, None]
            blind_LL = ahead_LL if blind_LL is None else blind_LL | ahead_LL
        x_BLD = self._read(tokens_BL.reshape(n_rows // together, together * length), place_L, blind_LL)
        return x_BLD.view(n_rows, length, -1)

    def _read_first_once(self, tokens_BL: Tensor, sharing: int) -> Tensor:
        """Return the hidden vectors of causal rows that begin with one token: so many rows in turn share it."""
        n_rows, length = tokens_BL.shape
        tokens_GRL = tokens_BL.view(-1, sharing, length)
        # a group reads as one row: the first token, then what else its rows have, kept apart by the mask
        row_T, place_T = (
            torch.cat([first, rest])
            for first, rest in (
                (torch.tensor([-1]), torch.arange(sharing).repeat_interleave(length - 1)),
                (torch.tensor([0]), torch.arange(1, length).repeat(sharing)),
            )
        )
        blind_TT = (row_T[None, :] != row_T[:, None]) & (place_T[None, :] > 0) | (place_T[None, :] > place_T[:, None])
        x_GTD = self._read(torch.cat([tokens_GRL[:, 0, :1], tokens_GRL[..., 1:].flatten(1)], 1), place_T, blind_TT)
        first_GR1D = x_GTD[:, None, :1].expand(-1, sharing, -1, -1)
        rest_GRLD = x_GTD[:, 1:].view(len(x_GTD), sharing, length - 1, -1)
        return torch.cat([first_GR1D, rest_GRLD], 2).view(n_rows, length, -1)

    def reads_trees(self, width: int) -> bool:
        """Whether `hidden_of_trees` serves rows of this many tokens."""
        return True

    def hidden_of_trees(self, rows: TreeRows) -> Float[Tensor, "B L D"]:
        """Return for each token what `hidden(..., causal=True)` returns for it in a row of its own branch."""
        self._check(int(rows.place_BL.max()) + 1)
        return self._read(rows.tokens_BL, rows.place_BL, ~rows.sees_BLL)

    def _check(self, length: int) -> None:
        if length > self.config.max_length:
            raise BothwaysError(
                f"A row may have at most {self.config.max_length} tokens, got {length}. Raise model.max_length."
            )

    def _read(self, tokens_BL: Tensor, place: Tensor, blind: "Tensor | Fused | None") -> Tensor:
        """Return the hidden vectors of tokens at their places, (L) or (B, L), each `blind` to some, (L, L) or more."""
        x_BLD = embed(tokens_BL, self.embed)
        if self.config.positions == "learned":
            x_BLD = add_positions(x_BLD, self.position[..., place, :])
        bias = blind if isinstance(blind, Fused) else attention_bias(self.config, place, blind, x_BLD.dtype)
        rotation, right_LL = rotation_at(self.config, place, x_BLD.dtype), right_of(self.config, place)
        for block in self.blocks:
            x_BLD = block(x_BLD, bias, rotation, right_LL)
        return layer_norm(x_BLD, self.norm)

    def trace(self, tokens_BL: Int[Tensor, "B L"], *, causal: bool) -> Trace:
        """Return the stream and the scores of every block; of one model, not of a pack."""
        self._check(tokens_BL.shape[1])
        tokens_BL = tokens_BL.to(self.embed.device)
        place_L = torch.arange(tokens_BL.shape[1], device=tokens_BL.device)
        ahead_LL = place_L[None, :] > place_L[:, None] if causal else None
        x_BLD = embed(tokens_BL, self.embed)
        if self.config.positions == "learned":
            x_BLD = add_positions(x_BLD, self.position[place_L])
        bias = attention_bias(self.config, place_L, ahead_LL, x_BLD.dtype)
        rotation, right_LL = rotation_at(self.config, place_L, x_BLD.dtype), right_of(self.config, place_L)
        stream, scores = [x_BLD], list[Tensor]()
        for block in cast(Iterable[Block], self.blocks):
            scores.append(block.scores(stream[-1], bias, rotation, right_LL))
            stream.append(block(stream[-1], bias, rotation, right_LL))
        return Trace(tuple(stream), tuple(scores))

    def lens(self, stream_BLD: Float[Tensor, "B L D"]) -> Float[Tensor, "B L D"]:
        """Return the stream through the final norm."""
        return layer_norm(stream_BLD, self.norm)

    @property
    def embedding_VD(self) -> Float[Tensor, "V D"]:
        """The input embeddings."""
        return self.embed

    @property
    def n_layers(self) -> int:
        """How many blocks there are."""
        return len(self.blocks)

    def head_maps(self, layer: int, side: Side = "left") -> HeadMaps:
        """Return one block's attention as linear maps."""
        block, config, n = cast(Block, self.blocks[layer]), self.config, int(side == "right")
        D, H = config.d_model, config.n_heads
        weight_HKD = (block.qkv.weight * block.attention_norm.weight).view(-1, H, D // H, D)
        bias_HK = (block.qkv.bias + block.qkv.weight @ block.attention_norm.bias).view(-1, H, D // H)
        out_HDK = block.attention_out.weight.view(D, -1, H, D // H).permute(1, 2, 0, 3)
        query, key, value = block.thirds(n)
        return HeadMaps(
            weight_HKD[query],
            weight_HKD[key],
            weight_HKD[value],
            out_HDK[n if config.storage == "by_side" else 0],
            query_bias_HK=bias_HK[query],
            turn_I=rotary_frequencies(config.d_head, block.qkv.weight.device) if config.positions == "rotary" else None,
        )

    def part_of(self, name: str, gradient: Tensor) -> Mapping[Role, Tensor]:
        """Cut the gradient of `qkv` into queries and keys, and values; the output projection and matrix store."""
        if ".qkv." in name:
            sides = 2 if self.config.routing == "by_side" else 1
            query_and_key, value = gradient.tensor_split([2 * sides * self.config.d_model])
            return {"routing": query_and_key, "storage": value}
        return {"storage" if name == "unembedding" or ".attention_out." in name else "other": gradient}

    def flop(self, rows: int, length: int, predicted: int) -> float:
        """Return what `training_flop` counts."""
        return training_flop(self.config, self.n_tokens, rows, length, predicted)

    @property
    def output_VD(self) -> Float[Tensor, "*P V D"]:
        """The embedding where it is tied, a matrix of its own otherwise."""
        return self.embed if self.config.tied else self.unembedding


LONG = 256
"""Tokens in a row from which attention is left to torch's fused kernel, which keeps no matrix of scores."""


@dataclass(frozen=True)
class Fused:
    """In place of a mask: attention by the fused kernel, to all tokens or to those before."""

    causal: bool


class Block(nn.Module):
    """Attention, then an MLP, each added to the residual stream."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.n_heads, self.config = config.n_heads, config
        n_routes, n_stores = 1 + (config.routing == "by_side"), 1 + (config.storage == "by_side")
        self.attention_norm = nn.LayerNorm(config.d_model)
        self.qkv = nn.Linear(config.d_model, (2 * n_routes + n_stores) * config.d_model)
        self.attention_out = nn.Linear(n_stores * config.d_model, config.d_model)
        if config.d_mlp:
            self.mlp_norm = nn.LayerNorm(config.d_model)
            self.mlp_in = nn.Linear(config.d_model, config.d_mlp)
            self.mlp_out = nn.Linear(config.d_mlp, config.d_model)
            self.activation = {"relu": F.relu, "gelu": F.gelu}[config.activation]

    def thirds(self, side: int) -> tuple[int, int, int]:
        """Return which stripes of `qkv` make queries, keys and values for the left (0) or the right (1).

        Left queries, left keys, and the right ones if they differ; then left values, and the right ones.
        """
        n_routes = 1 + (self.config.routing == "by_side")
        route, store = min(side, n_routes - 1), side * (self.config.storage == "by_side")
        return 2 * route, 2 * route + 1, 2 * n_routes + store

    def forward(
        self,
        x_BLD: Tensor,
        bias: Tensor | Fused | None,
        rotation: tuple[Tensor, Tensor] | None,
        right_LL: Tensor | None = None,
    ) -> Tensor:
        """Return the residual stream after this block."""
        read_BLD = self._attend(layer_norm(x_BLD, self.attention_norm), bias, rotation, right_LL)
        x_BLD = self._write(x_BLD, linear(read_BLD, self.attention_out))
        if not self.config.d_mlp:
            return x_BLD
        inner_BLM = self.activation(linear(layer_norm(x_BLD, self.mlp_norm), self.mlp_in))
        return self._write(x_BLD, linear(inner_BLM, self.mlp_out))

    def _write(self, x_BLD: Tensor, written_BLD: Tensor) -> Tensor:
        return x_BLD + written_BLD if self.config.residual else written_BLD

    def scores(
        self, x_BLD: Tensor, bias: Tensor | None, rotation: tuple[Tensor, Tensor] | None, right_LL: Tensor | None = None
    ) -> Tensor:
        """Return what this block's softmax is taken of, (B, H, L, L), given the stream before it."""
        return self._scored(self._heads(layer_norm(x_BLD, self.attention_norm), rotation), bias, right_LL)

    def _attend(
        self,
        x_BLD: Tensor,
        bias: Tensor | Fused | None,
        rotation: tuple[Tensor, Tensor] | None,
        right_LL: Tensor | None,
    ) -> Tensor:
        heads = self._heads(x_BLD, rotation)
        if isinstance(bias, Fused):
            q_BHLK, k_BHLK, v_BHLK = heads
            read_BHLK = F.scaled_dot_product_attention(q_BHLK, k_BHLK, v_BHLK, is_causal=bias.causal)
            return read_BHLK.transpose(1, 2).reshape(x_BLD.shape)
        weight_BHLL = self._weights(self._scored(heads, bias, right_LL))
        if self.config.storage == "shared" or right_LL is None:
            return (weight_BHLL @ heads[-1]).transpose(1, 2).reshape(x_BLD.shape)
        seen = (weight_BHLL.masked_fill(right_LL, 0.0), weight_BHLL.masked_fill(~right_LL, 0.0))
        read = [part_BHLL @ heads[self.thirds(side)[2]] for side, part_BHLL in enumerate(seen)]
        return torch.cat([one.transpose(1, 2).reshape(x_BLD.shape) for one in read], -1)

    def _weights(self, score_BHLL: Tensor) -> Tensor:
        return score_BHLL.softmax(-1) if self.config.attention == "softmax" else averaged(score_BHLL)

    def _scored(self, heads: Sequence[Tensor], bias: Tensor | None, right_LL: Tensor | None) -> Tensor:
        """Return the scores, those of keys right of the reader by their own queries and keys if they have some."""
        score_BHLL = scored(heads[0], heads[1], bias)
        if self.config.routing == "shared" or right_LL is None:
            return score_BHLL
        return torch.where(right_LL, scored(heads[2], heads[3], bias), score_BHLL)

    def _heads(self, x_BLD: Tensor, rotation: tuple[Tensor, Tensor] | None) -> Sequence[Tensor]:
        """Return the stripes of `qkv`, each (B, H, L, K), in the order of `thirds`; queries and keys are turned."""
        B, L, D = x_BLD.shape
        stripes = linear(x_BLD, self.qkv).view(B, L, -1, self.n_heads, D // self.n_heads).permute(2, 0, 3, 1, 4)
        if rotation is None:
            return stripes.unbind()
        n_turned = 4 if self.config.routing == "by_side" else 2
        return [rotate(one, rotation) if n < n_turned else one for n, one in enumerate(stripes)]


def scored(q_BHLK: Tensor, k_BHLK: Tensor, bias: Tensor | None) -> Tensor:
    """Return the attention scores of queries and keys."""
    score_BHLL = q_BHLK @ k_BHLK.transpose(-1, -2) / math.sqrt(q_BHLK.shape[-1])
    return score_BHLL if bias is None else score_BHLL + bias


def averaged(score_BHLL: Tensor) -> Tensor:
    """Return scores as weights without a softmax: divided by how many tokens a query sees, 0 where it is blind.

    >>> averaged(torch.tensor([[[[3.0, -torch.inf], [1.0, -2.0]]]])).tolist()
    [[[[3.0, 0.0], [0.5, -1.0]]]]
    """
    blind_BHLL = score_BHLL == -torch.inf
    return score_BHLL.masked_fill(blind_BHLL, 0.0) / (~blind_BHLL).sum(-1, keepdim=True)


SMALL = 400
"""A matrix product of fewer multiplications is done in a plain loop by torch, five times slower than by its library."""


def rows_together(n_rows: int, length: int, d_head: int) -> int:
    """Return how many short rows share one attention, kept apart by its mask: 1 unless rows are very short."""
    together = 1
    while (together * length) ** 2 * d_head < SMALL and n_rows % (2 * together) == 0:
        together *= 2
    return together


WIDE = 256
"""Width from which the matrices of a block cost so much more than its attention that a token spared pays."""


def rows_sharing(n_rows: int, length: int, d_model: int) -> int:
    """Return how many causal rows share their first token: 1 unless the model is wide.

    So many that the longer attention costs little beside the block's matrices: for each token of a group of T it
    multiplies 2 T d_model times, and they 12 d_model².

    >>> rows_sharing(64, 3, d_model=768), rows_sharing(64, 3, d_model=128), rows_sharing(64, 100, d_model=768)
    (32, 1, 1)
    """
    if d_model < WIDE or length < 2:
        return 1
    most = max(1, d_model // 8 // (length - 1))
    return max(n for n in range(1, min(n_rows, most) + 1) if n_rows % n == 0)


def attention_bias(config: TransformerConfig, place: Tensor, blind: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    """Return what is added to the attention scores, (B or 1, H or 1, L, L): ALiBi's slope, -inf where a query is blind.

    Args:
        config: says whether there is a slope.
        place: where the tokens stand, (L) or (B, L).
        blind: what each query must not read, (L, L) or (B, L, L); None for nothing.
        dtype: of the result.
    """
    bias = None
    if config.positions == "alibi":
        bias = distance_bias(config.n_heads, place)
    if blind is not None:
        bias = torch.zeros(1, 1, 1, device=place.device) if bias is None else bias
        bias = bias.masked_fill(blind[..., None, :, :], -torch.inf)
    return bias if bias is None else bias.to(dtype)


def rotation_at(config: TransformerConfig, place: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor] | None:
    """Return cos and sin of every place's rotation; None if positions are not rotary."""
    return rotary_angles(config.d_head, place, dtype) if config.positions == "rotary" else None


def right_of(config: TransformerConfig, place: Tensor) -> Tensor | None:
    """Return which keys stand right of each reader, (1 or B, 1, L, L); None where it makes no difference.

    Args:
        config: says whether it does.
        place: where the tokens stand, (L) or (B, L).
    """
    return (place[..., None, None, :] > place[..., None, :, None]) if config.sides else None


def training_flop(config: TransformerConfig, n_tokens: int, rows: int, length: int, predicted: int) -> float:
    """Return the floating-point operations of one training step that the model cannot do without.

    Two for each multiplication, three passes (forward, gradient of the input, gradient of the weights): the matrices of
    the blocks for every token, attention for every pair of tokens, the output matrix for every predicted token.
    Norms, softmax, activation and update are left out, as is usual for model FLOP utilisation.

    >>> training_flop(TransformerConfig(n_layers=1, d_model=2, n_heads=1, d_mlp=4), 3, rows=1, length=1, predicted=1)
    252.0
    """
    doubled = (config.routing == "by_side") + (config.storage == "by_side")
    block = (4 + 2 * doubled) * config.d_model**2 + 2 * config.d_model * config.d_mlp
    attention = (2 + doubled) * length * config.d_model
    return 6.0 * (rows * length * config.n_layers * (block + attention) + predicted * n_tokens * config.d_model)
