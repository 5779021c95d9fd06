"""A language model of the transformers library, read as one of ours.

What a class does differently from some steps and an output matrix after its last hidden states, or from attention by a
mask, is found by trying: the first is refused, the second costs speed only. What it computes on the way is shown by
letting the library keep its attention weights, which only its plain implementation, eager, does.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from bothways.errors import BothwaysError
from bothways.models.folder import silence
from bothways.models.head_maps import blocks_of, layout_of, normed_by, part_of
from bothways.models.heads import OutputHead
from bothways.tensors import HeadMaps, LanguageModel, Role, Side, TokenMap, Trace
from bothways.trees import Branches, TreeRows, grow, lay_out
from bothways.types import SpecialTokens

WINDOWS = ("sliding_window", "window_size", "attention_chunk_size")
"""Settings under which library classes keep how far a token reads back."""

FINAL_NORMS = ("norm", "ln_f", "final_layer_norm", "final_norm", "final_layernorm")
"""Names of the norm after the last block; blocks that end with a norm of their own have none."""


class HuggingFaceModel(LanguageModel):
    """Token ids in, logits out, by any model of the library; `causal=False` lifts a decoder's causal mask.

    Args:
        model: a model of the library with an output matrix.
        special: the special tokens of its tokenizer.
        reads: how it was trained to be read.
        shift: how many places before a token it predicts it when all tokens are seen.
        sees_all: whether it is an encoder, which has no causal mask that could be lifted or set.
        transform: steps between its last hidden states and its output matrix.

    Raises:
        BothwaysError: its logits are not made by these steps and its output matrix, or its attention is
            of a kind whose mask we cannot give.
    """

    def __init__(
        self,
        model: Any,
        special: SpecialTokens,
        *,
        reads: Literal["causal", "masked"] = "causal",
        shift: int = 0,
        sees_all: bool = False,
        transform: tuple[Callable[[Tensor], Tensor], ...] = (),
    ) -> None:
        super().__init__()
        self.model = model.eval()
        self.special = special
        self.reads = reads
        self.shift = shift
        self.sees_all = sees_all
        self.head = OutputHead(model.get_output_embeddings(), transform)
        self.n_tokens = int(self.head.layer.weight.shape[0])
        self.attention = str(model.config._attn_implementation)
        if self.attention not in ("sdpa", "eager"):
            raise BothwaysError(
                f"Attention must be sdpa or eager, got attention={self.attention}. Load the model with one of them."
            )
        self._refuse_other_logits()
        self._branches = not sees_all and self._keeps_branches_apart()
        self.eval()  # the whole as its part: whoever puts a mode back must not wake the library's dropout

    @property
    def output_VD(self) -> Float[Tensor, "V D"]:
        """The weight of the output layer, and its bias as a last column where it has one."""
        return self.head.output_VD

    @property
    def embedding_VD(self) -> Float[Tensor, "V D"]:
        """The input embeddings."""
        return self.model.get_input_embeddings().weight

    @property
    def n_layers(self) -> int:
        """How many blocks there are."""
        return int(self._config.num_hidden_layers)

    def unembed(self, hidden: Float[Tensor, "*N D"]) -> Float[Tensor, "*N V"]:
        """Turn hidden vectors into logits."""
        return self.head.unembed(hidden)

    def hidden(self, tokens_BL: Int[Tensor, "B L"], *, causal: bool) -> Float[Tensor, "B L D"]:
        """Return what the output matrix is compared with, the final norm included.

        Where tokens are predicted a place early (`shift`) and all are seen, the vectors are moved to the places they
        predict; the first place keeps its own, which stands for the second token.
        """
        last_BLD = self._read(tokens_BL, **self._sight(tokens_BL, causal)).last_hidden_state
        if self.shift and not causal:
            last_BLD = torch.cat([last_BLD[:, : self.shift], last_BLD[:, : -self.shift]], 1)
        return self.head.hidden(last_BLD)

    def trace(self, tokens_BL: Int[Tensor, "B L"], *, causal: bool) -> Trace:
        """Return the stream and the scores of every block, the scores as logarithms of the attention weights.

        Nothing is moved where tokens are predicted a place early: the stream at a place predicts what is `shift`
        places after it.

        Raises:
            BothwaysError: some blocks keep no attention weights, or the model's final norm was not found.
        """
        last: list[Tensor] = []  # the library shows it through the final norm only

        def keep(_block: nn.Module, _given: Any, made: Any) -> None:
            last.append(made[0] if isinstance(made, tuple) else made)

        hook = self._blocks[-1].register_forward_hook(keep)
        try:
            with self._eager():
                seen = self._sight(tokens_BL, causal)
                out = self._read(tokens_BL, **seen, output_attentions=True, output_hidden_states=True)
        except TypeError:  # the class knows of no attention
            raise self._no_attention() from None
        finally:
            hook.remove()
        weights = tuple(getattr(out, "attentions", None) or ())
        if len(weights) != self.n_layers or any(weight is None for weight in weights):
            raise self._no_attention()
        stream = (*out.hidden_states[: self.n_layers], last[-1])
        if not self._alike(self.lens(stream[-1]), self.head.hidden(out.last_hidden_state)):
            raise BothwaysError(
                f"The final norm of {type(self.model).__name__} was not found. Leave out the probes of its stream."
            )
        return Trace(stream, tuple(weight.float().log() for weight in weights))

    def lens(self, stream_BLD: Float[Tensor, "B L D"]) -> Float[Tensor, "B L E"]:
        """Return the stream through the final norm and the steps before the output matrix."""
        norm = self._final_norm()
        return self.head.hidden(stream_BLD if norm is None else norm(stream_BLD))

    def head_maps(self, layer: int, side: Side = "left") -> HeadMaps:
        """Return one block's attention as linear maps, the same to both sides.

        Where places enter by rotation, these are the maps before it, and `turn_I` is not filled in.

        Raises:
            BothwaysError: the form of its attention is not known.
        """
        block = self._blocks[layer]
        return layout_of(block).maps(block, int(self._config.num_attention_heads))

    def output_rows(self, tokens_N: Int[Tensor, " N"]) -> Float[Tensor, "N D"]:
        """Return rows of the output layer's weight, of which no copy is made as a whole."""
        return self.head.layer.weight[tokens_N.to(self._device)]

    def read_by_heads(self, vectors_ND: Float[Tensor, "N D"], layer: int) -> Float[Tensor, "N D"]:
        """Norm vectors as a block does, scale and shift left out: around their mean, or around 0 as RMS norms do.

        Where blocks norm after they write, the embedding is normed before the first one: around its mean.
        """
        norm = layout_of(self._blocks[layer]).norm
        if norm is None:
            return super().read_by_heads(vectors_ND, layer)
        return normed_by(self._blocks[layer].get_submodule(norm), vectors_ND)

    def token_maps(self, tokens_N: Int[Tensor, " N"] | None = None) -> Mapping[str, TokenMap]:
        """Return what the weights say of pairs of tokens.

        Raises:
            BothwaysError: more than a matrix stands between stream and logits, or attention is no linear map.
        """
        if self.head.transform or self.head.bias_V is not None:
            raise BothwaysError(
                f"{type(self.model).__name__} has more than a matrix between its last block and its logits. "
                "Leave out the probes of its weights."
            )
        return super().token_maps(tokens_N)

    def part_of(self, name: str, gradient: Tensor) -> Mapping[Role, Tensor]:
        """Cut a parameter's gradient by what it is for; the output matrix stores, unless it is the embedding too.

        Raises:
            BothwaysError: the form of the blocks' attention is not known.
        """
        blocks = self._blocks
        prefix = next(path for path, module in self.named_modules() if module is blocks) + "."
        if name.startswith(prefix):
            return part_of(name, gradient, blocks, prefix, int(self._config.num_attention_heads))
        parameter = self.get_parameter(name)
        is_output = parameter is self.head.layer.weight and parameter is not self.embedding_VD
        return {"storage" if is_output else "other": gradient}

    def reads_trees(self, width: int) -> bool:
        """Whether `hidden_of_trees` serves rows of this many tokens: not if the model reads back less far."""
        windows = [getattr(self.model.config, name, None) for name in WINDOWS]
        return self._branches and all(window is None or width <= window for window in windows)

    def hidden_of_trees(self, rows: TreeRows) -> Float[Tensor, "B L D"]:
        """Return for each token what `hidden(..., causal=True)` returns for it in a row of its own branch."""
        seen = {"attention_mask": self._mask(rows.sees_BLL), "position_ids": rows.place_BL}
        return self.head.hidden(self._read(rows.tokens_BL, **seen).last_hidden_state)

    @property
    def _config(self) -> Any:
        """The settings of the part that reads text."""
        return self.model.config.get_text_config()

    @property
    def _blocks(self) -> nn.ModuleList:
        return blocks_of(self.model.base_model, self.n_layers)

    @property
    def _device(self) -> torch.device:
        return self.head.layer.weight.device

    def _read(self, tokens_BL: Tensor, **more: Any) -> Any:
        tokens_BL = tokens_BL.to(self._device)
        return self.model.base_model(input_ids=tokens_BL, **({} if self.sees_all else {"use_cache": False}), **more)

    def _sight(self, tokens_BL: Tensor, causal: bool) -> dict[str, Tensor]:
        """Return the mask to give: none where the class makes the right one by itself."""
        if causal and self.sees_all:
            raise BothwaysError(
                f"{type(self.model).__name__} sees all tokens and cannot be read left to right. "
                "Ask it with objective masked_diffusion."
            )
        if causal or self.sees_all:
            return {}
        everything = torch.ones_like(tokens_BL, dtype=torch.bool, device=self._device)
        return {"attention_mask": self._mask(everything[:, None])}

    def _mask(self, sees: Tensor) -> Tensor:
        """Return the mask for what each token sees; (B, 1, L), read by every query, is spread out first."""
        length, now = sees.shape[-1], str(self.model.config._attn_implementation)
        return attention_mask(sees.expand(-1, length, -1), now, self.head.layer.weight.dtype)

    @contextmanager
    def _eager(self) -> Iterator[None]:
        """Let the library keep attention weights for a while; with sdpa it would return none, without a word."""
        if self.attention == "eager":
            yield
            return
        with silence():
            self.model.set_attn_implementation("eager")
        try:
            yield
        finally:
            self.model.set_attn_implementation(self.attention)

    def _no_attention(self) -> BothwaysError:
        return BothwaysError(
            f"{type(self.model).__name__} shows no attention weights, or not in every block. "
            "Leave out the probes that need them."
        )

    def _final_norm(self) -> Any:
        """Return the norm after the last block, which stands beside the blocks; None where there is none."""
        blocks = self._blocks
        around = next(module for module in self.modules() if blocks in module.children())
        return next((norm for name in FINAL_NORMS if (norm := getattr(around, name, None)) is not None), None)

    @torch.inference_mode()
    def _refuse_other_logits(self) -> None:
        tokens_BL = self._some_tokens(4)[None]
        ours = self(tokens_BL, causal=not self.sees_all)
        if not self._alike(ours, self.model(input_ids=tokens_BL).logits):
            raise BothwaysError(
                f"The logits of {type(self.model).__name__} are not its hidden states times its output matrix "
                "(a scale, a cap or unknown steps come between). Such models cannot be read."
            )

    @torch.inference_mode()
    def _keeps_branches_apart(self) -> bool:
        """Whether tokens of a small tree get the hidden vectors they would have in rows of their own."""
        a, b, c, d = self._some_tokens(4).tolist()
        tree, _ = grow([([a, b], Branches.of([[c, d, a, b], [d, c, a, b]]))])
        rows = next(lay_out(tree, len(tree.read_F), 1)).to(self._device)
        alone_BL = torch.tensor([[a, b, c, d, a], [a, b, d, c, a]], device=self._device)
        alone_BLD = self.hidden(alone_BL, causal=True)
        expected = {tuple(row[: n + 1]): alone_BLD[r, n] for r, row in enumerate(alone_BL.tolist()) for n in range(5)}
        paths = [tuple(tree.token_N[path[path >= 0]].tolist()) for path in tree.paths(tree.read_F)]
        try:
            found_LD = self.hidden_of_trees(rows)[0]
        except (TypeError, ValueError, RuntimeError):  # it takes no places, or no mask of four axes
            return False
        return self._alike(found_LD, torch.stack([expected[path] for path in paths]))

    def _some_tokens(self, n: int) -> Tensor:
        return torch.linspace(0, self.n_tokens - 1, n + 2, device=self._device).long()[1:-1]

    @staticmethod
    def _alike(ours: Tensor, theirs: Tensor) -> bool:
        """Whether two results differ by rounding only, in the arithmetic they were made in."""
        limit = torch.finfo(theirs.dtype).eps ** 0.5 * max(1.0, float(theirs.abs().max()))
        return bool((ours - theirs).abs().max() <= limit)


def fuse_activations(model: Any) -> None:
    """Let GPT-2's activation, which the library writes out in eight steps, be torch's one: equal up to rounding."""
    from transformers.activations import NewGELUActivation

    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, NewGELUActivation):
                setattr(module, name, torch.nn.GELU("tanh"))


def attention_mask(
    sees_BLL: Bool[Tensor, "B L L"], implementation: str, dtype: torch.dtype
) -> Bool[Tensor, "B 1 L L"] | Float[Tensor, "B 1 L L"]:
    """Return which tokens are read, in the form that an attention implementation of the library expects.

    `eager` adds the mask to the scores: it takes a boolean one without complaint and then gives wrong logits.
    """
    mask = sees_BLL[:, None]
    if implementation == "sdpa":
        return mask
    return torch.zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill(~mask, torch.finfo(dtype).min)
