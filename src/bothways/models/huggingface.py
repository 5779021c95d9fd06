"""A causal language model of the transformers library, read as one of ours.

Only safetensors from a local folder are read, and no code but the library's own. What a class does differently from
hidden states times an output matrix, or from attention by a mask, is found by trying: the first is refused, the second
costs speed only.
"""

from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from bothways.errors import BothwaysError, RunError
from bothways.tensors import LanguageModel
from bothways.trees import Branches, TreeRows, grow, lay_out
from bothways.types import SpecialTokens

WINDOWS = ("sliding_window", "window_size", "attention_chunk_size")
"""Settings under which library classes keep how far a token reads back."""


class HuggingFaceModel(LanguageModel):
    """Token ids in, logits out, by any decoder of the library; `causal=False` lifts its causal mask.

    Raises:
        BothwaysError: its logits are not its last hidden states times its output matrix, or its attention is
            of a kind whose mask we cannot give.
    """

    def __init__(self, model: Any, special: SpecialTokens) -> None:
        super().__init__()
        self.model = model.eval()
        self.special = special
        self.n_tokens = int(model.get_output_embeddings().weight.shape[0])
        self.attention = str(model.config._attn_implementation)
        if self.attention not in ("sdpa", "eager"):
            raise BothwaysError(
                f"Attention must be sdpa or eager, got attention={self.attention}. Load the model with one of them."
            )
        self._refuse_other_logits()
        self._branches = self._keeps_branches_apart()

    @classmethod
    def load(cls, folder: Path, special: SpecialTokens, *, attention: str | None = None) -> "HuggingFaceModel":
        """Read a model from a folder that `save_pretrained` wrote; nothing is fetched.

        Args:
            folder: holds config.json and safetensors.
            special: the special tokens of its tokenizer.
            attention: sdpa or eager; None for the library's choice, which is sdpa where a model has it.

        Raises:
            RunError: there is no such model.
        """
        from transformers import AutoModelForCausalLM

        try:
            model = AutoModelForCausalLM.from_pretrained(
                folder,
                attn_implementation=attention,
                local_files_only=True,
                use_safetensors=True,
                trust_remote_code=False,
            )
        except (OSError, ValueError, KeyError) as error:
            raise RunError(
                f"{folder}: no language model can be read from it ({type(error).__name__}). "
                "Give a folder with config.json and model.safetensors."
            ) from None
        fuse_activations(model)
        return cls(model, special)

    @property
    def output_VD(self) -> Float[Tensor, "V D"]:
        """The weight of the output layer."""
        return self.model.get_output_embeddings().weight

    def hidden(self, tokens_BL: Int[Tensor, "B L"], *, causal: bool) -> Float[Tensor, "B L D"]:
        """Return the last hidden states, the final norm included."""
        if causal:
            return self._read(tokens_BL)
        return self._read(tokens_BL, attention_mask=self._mask(torch.ones_like(tokens_BL, dtype=torch.bool)[:, None]))

    def reads_trees(self, width: int) -> bool:
        """Whether `hidden_of_trees` serves rows of this many tokens: not if the model reads back less far."""
        windows = [getattr(self.model.config, name, None) for name in WINDOWS]
        return self._branches and all(window is None or width <= window for window in windows)

    def hidden_of_trees(self, rows: TreeRows) -> Float[Tensor, "B L D"]:
        """Return for each token what `hidden(..., causal=True)` returns for it in a row of its own branch."""
        return self._read(rows.tokens_BL, attention_mask=self._mask(rows.sees_BLL), position_ids=rows.place_BL)

    def _read(self, tokens_BL: Tensor, **more: Tensor) -> Tensor:
        return self.model.base_model(input_ids=tokens_BL, use_cache=False, **more).last_hidden_state

    def _mask(self, sees: Tensor) -> Tensor:
        """Return the mask for what each token sees; (B, 1, L), read by every query, is spread out first."""
        length = sees.shape[-1]
        return attention_mask(sees.expand(-1, length, -1), self.attention, self.output_VD.dtype)

    @torch.inference_mode()
    def _refuse_other_logits(self) -> None:
        tokens_BL = self._some_tokens(4)[None]
        ours, theirs = self(tokens_BL, causal=True), self.model(input_ids=tokens_BL, use_cache=False).logits
        bias = getattr(self.model.get_output_embeddings(), "bias", None)
        if bias is not None or not self._alike(ours, theirs):
            raise BothwaysError(
                f"The logits of {type(self.model).__name__} are not its hidden states times its output matrix "
                "(a bias, a scale or a cap comes after). Such models cannot be read."
            )

    @torch.inference_mode()
    def _keeps_branches_apart(self) -> bool:
        """Whether tokens of a small tree get the hidden vectors they would have in rows of their own."""
        a, b, c, d = self._some_tokens(4).tolist()
        tree, _ = grow([([a, b], Branches.of([[c, d, a, b], [d, c, a, b]]))])
        rows = next(lay_out(tree, len(tree.read_F), 1)).to(self.output_VD.device)
        alone_BL = torch.tensor([[a, b, c, d, a], [a, b, d, c, a]], device=self.output_VD.device)
        alone_BLD = self.hidden(alone_BL, causal=True)
        expected = {tuple(row[: n + 1]): alone_BLD[r, n] for r, row in enumerate(alone_BL.tolist()) for n in range(5)}
        paths = [tuple(tree.token_N[path[path >= 0]].tolist()) for path in tree.paths(tree.read_F)]
        try:
            found_LD = self.hidden_of_trees(rows)[0]
        except (TypeError, ValueError, RuntimeError):  # it takes no places, or no mask of four axes
            return False
        return self._alike(found_LD, torch.stack([expected[path] for path in paths]))

    def _some_tokens(self, n: int) -> Tensor:
        return torch.linspace(0, self.n_tokens - 1, n + 2, device=self.output_VD.device).long()[1:-1]

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
