"""What passes between the rooms as tensors: batches, prepared batches, losses, models, objectives.

Kept apart from `types.py` so that reading facts and `--help` need no torch. Axis letters as there.
"""

import abc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from bothways.errors import BothwaysError
from bothways.trees import TokenTree, TreeRows
from bothways.types import SpecialTokens

SPECIAL = SpecialTokens()

Frame = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
"""The ids before a text that stands in a user's turn, between it and a text in the answer, and after that one."""
Turns = Callable[[str, str], Frame]
"""Makes a frame of a user's words and an answer's, each with `{text}` at most once, as a tokenizer writes turns."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Clean, addressable rows: nothing is shifted, masked or corrupted yet.

    Every row starts with the begin token, where the tokenizer has one, and its text ends with one end token; the rest
    of the row is filled with further end tokens, which are read but never counted (`target_BL` is False there).
    """

    tokens_BL: Int[Tensor, "B L"]
    target_BL: Bool[Tensor, "B L"]
    """Tokens a loss may count: the text and its first end token."""
    entity_BL: Int[Tensor, "B L"]
    """Number of the entity occurrence in its row that the token belongs to, -1 for none."""
    document_B: Int[Tensor, " B"]
    """Index of each row's document in the corpus."""
    special: SpecialTokens = SPECIAL
    """Which ids mean what; a tokenizer of somebody else has ids of its own."""
    plain_B: Bool[Tensor, " B"] | None = None
    """Rows of general text, which every objective that puts words around a text reads as they stand; None for none."""
    need_BL: Float[Tensor, "B L"] | None = None
    """How much more than others a token wants to be hidden, about 1 on average, if an objective asked the model."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A batch as one objective wants to see it: read `input`, predict `target`, count by `weight`."""

    input_BL: Int[Tensor, "B L"]
    target_BL: Int[Tensor, "B L"]
    weight_BL: Float[Tensor, "B L"]
    """0 where nothing is predicted."""
    causal: bool
    normaliser: float | None = None
    """What the weighted sum is divided by; None means the sum of the weights."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a model reads when it is asked which token comes next, and where it says so."""

    input_BL: Int[Tensor, "B L"]
    place_B: Int[Tensor, " B"]
    """The place of each row whose logits are the answer."""
    causal: bool


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss and what it is made of."""

    mean: Float[Tensor, " P"]
    """Nats per counted token, weighted, of each run: what is minimised."""
    counted: int
    """How many tokens were predicted, in all runs."""
    unweighted_ce: Float[Tensor, " P"]
    """Nats per predicted token, every one counting the same: comparable between objectives' weightings."""


@dataclass(frozen=True, slots=True)
class Trace:
    """What a model computed on the way, depth by depth."""

    stream: tuple[Float[Tensor, "B L D"], ...]
    """The residual stream after the embedding, then after each block."""
    score: tuple[Float[Tensor, "B H L L"], ...]
    """What each block's softmax was taken of, up to a constant for each query; -inf where a query is blind."""


@dataclass(frozen=True, slots=True)
class HeadMaps:
    """One block's attention as linear maps of the normed stream; biases are left out, the norm's scale is folded in."""

    query_HKD: Float[Tensor, "H K D"]
    key_HKD: Float[Tensor, "H K D"]
    value_HKD: Float[Tensor, "H K D"]
    out_HDK: Float[Tensor, "H D K"]
    query_bias_HK: Float[Tensor, "H K"] | None = None
    """What every query has added, the norm's shift being folded in; None if nobody has written it down."""
    turn_I: Float[Tensor, " I"] | None = None
    """By what angle the pair of channels (i, i + K/2) of queries and keys turns from one place to the next, in
    radians, where positions are rotary."""


Side = Literal["left", "right"]
"""Where a key stands, seen from the query; the query's own place is on the left."""

Role = Literal["routing", "storage", "other"]
"""What a weight is for: deciding where to look (W_Q, W_K), what is read and written there (W_V, W_O and the output
matrix), or anything else."""


@dataclass(frozen=True, slots=True)
class TokenMap:
    """One number for each pair of tokens, M = left rightᵀ: what reading the first (row) does to the second (column)."""

    role: Role
    """Storage where the second is predicted, routing where it is looked at."""
    left_NK: Float[Tensor, "N K"]
    right_NK: Float[Tensor, "N K"]

    def asymmetry(self) -> Float[Tensor, ""]:
        """Return ‖M - Mᵀ‖² / ‖M‖² (Frobenius): 0 if symmetric, 4 if antisymmetric, about 2 if random, 0 if all is 0.

        By ‖M - Mᵀ‖² = 2‖M‖² - 2 tr MM, so that a large M is never made.
        """
        if len(self.left_NK) <= self.left_NK.shape[1]:
            map_NN = self.left_NK @ self.right_NK.T
            size, apart = map_NN.square().sum(), (map_NN - map_NN.T).square().sum()
        else:
            both_KK = self.right_NK.T @ self.left_NK
            size = ((self.left_NK.T @ self.left_NK) * (self.right_NK.T @ self.right_NK)).sum()
            apart = 2 * (size - (both_KK * both_KK.T).sum())
        return apart.clamp(min=0.0) / size.clamp(min=1e-30)


class LanguageModel(nn.Module, abc.ABC):
    """Token ids in, logits out; `causal` is an argument of the call, not a kind of model.

    A pack of P models is a model too: its parameters have a leading axis P, and of the rows it is given the first
    B / P go through the first model, the next through the second.
    """

    n_tokens: int
    tiny: bool = False
    """Whether such a model computes as a pack even when it is alone, so that its numbers do not depend on company."""
    special: SpecialTokens = SPECIAL
    """Which of its ids mean what."""
    reads: Literal["causal", "masked"] | None = None
    """How it was trained to be read, where that is known: left to right, or filling in masks."""
    shift: int = 0
    """How many places before a token its stream predicts it when `causal` is False; `hidden` is moved already."""

    def reads_trees(self, width: int) -> bool:
        """Whether `hidden_of_trees` serves rows of this many tokens."""
        return False

    def hidden_of_trees(self, rows: TreeRows) -> Float[Tensor, "B L D"]:
        """Return for each token what `hidden(..., causal=True)` returns for it in a row of its own branch."""
        raise NotImplementedError

    @abc.abstractmethod
    def hidden(self, tokens_BL: Int[Tensor, "B L"], *, causal: bool) -> Float[Tensor, "B L D"]:
        """Return what `unembed` turns into logits."""

    @property
    @abc.abstractmethod
    def output_VD(self) -> Float[Tensor, "*P V D"]:
        """The matrix whose rows are compared with hidden vectors to give logits; one for each model of a pack."""

    @property
    def embedding_VD(self) -> Float[Tensor, "V D"]:
        """The matrix whose rows stand for tokens where the model begins to read."""
        raise BothwaysError(f"{type(self).__name__} shows no embeddings. Leave out the probes that need them.")

    @property
    def n_layers(self) -> int:
        """How many blocks with attention there are."""
        return 0

    def trace(self, tokens_BL: Int[Tensor, "B L"], *, causal: bool) -> Trace:
        """Return what the model computes on the way.

        Raises:
            BothwaysError: it shows no attention weights.
        """
        raise BothwaysError(f"{type(self).__name__} shows no attention weights. Leave out the probes that need them.")

    def lens(self, stream_BLD: Float[Tensor, "B L D"]) -> Float[Tensor, "B L D"]:
        """Return the stream of some depth as `unembed` wants it: through the final norm."""
        raise BothwaysError(f"{type(self).__name__} shows no residual stream. Leave out the probes that need it.")

    def head_maps(self, layer: int, side: Side = "left") -> HeadMaps:
        """Return the attention of a block, counted from 0, as linear maps; to keys on one side, where sides differ.

        Raises:
            BothwaysError: it has none, or of a form nobody has written down here.
        """
        raise BothwaysError(f"{type(self).__name__} shows no attention weights. Leave out the probes that need them.")

    def token_maps(self, tokens_N: Int[Tensor, " N"] | None = None) -> Mapping[str, TokenMap]:
        """Return what the weights say of pairs of tokens, among some tokens or all; of one model, not of a pack.

        Here: from embedding straight to output, through the heads of each block together, and what they look at, each
        as if a block read plain embeddings. Positions, the final norm, MLPs and biases are left out, and where weights
        go by side, those for tokens to the right of the reader.

        Raises:
            BothwaysError: it shows no embeddings, none of the stream's width, or no attention weights where it has
                attention.
        """
        embedding_ND, output_ND = self.embedding_VD, self.output_VD
        if embedding_ND.shape[1] != output_ND.shape[1]:
            raise BothwaysError(
                f"{type(self).__name__} embeds tokens in another width than its stream has. "
                "Leave out the probes of its maps from token to token."
            )
        if tokens_N is not None:
            embedding_ND, output_ND = embedding_ND[tokens_N], output_ND[tokens_N]
        maps = {"direct": TokenMap("storage", embedding_ND, output_ND)}
        for layer in range(self.n_layers):
            heads = self.head_maps(layer)
            written_DD = torch.einsum("hkd,hek->de", heads.value_HKD, heads.out_HDK)
            sought_DD = torch.einsum("hkd,hke->de", heads.query_HKD, heads.key_HKD)
            maps[f"value {layer}"] = TokenMap("storage", embedding_ND @ written_DD, output_ND)
            maps[f"attention {layer}"] = TokenMap("routing", embedding_ND @ sought_DD, embedding_ND)
        return maps

    def asymmetry(self) -> Float[Tensor, ""]:
        """Return the mean asymmetry of the maps that store, over all tokens; it can be minimised."""
        stored = [one.asymmetry() for one in self.token_maps().values() if one.role == "storage"]
        return torch.stack(stored).mean()

    def part_of(self, name: str, gradient: Tensor) -> Mapping[Role, Tensor]:
        """Cut the gradient of a named parameter into what its weights are for; the pieces are views of it."""
        return {"other": gradient}

    def flop(self, rows: int, length: int, predicted: int) -> float:
        """Return the floating-point operations a training step needs at least; 0 where nobody has counted them."""
        return 0.0

    def unembed(self, hidden: Float[Tensor, "*N D"]) -> Float[Tensor, "*N V"]:
        """Turn hidden vectors into logits."""
        return hidden @ self.output_VD.T

    def output_rows(self, tokens_N: Int[Tensor, " N"]) -> Float[Tensor, "N D"]:
        """Return the output matrix's rows of some tokens; biases, and steps that stand before it, are left out."""
        return self.output_VD[tokens_N]

    def read_by_heads(self, vectors_ND: Float[Tensor, "N D"], layer: int) -> Float[Tensor, "N D"]:
        """Return vectors of the stream as the maps of a block's heads read them: normed, but not scaled."""
        return F.layer_norm(vectors_ND, vectors_ND.shape[-1:])

    def forward(self, tokens_BL: Int[Tensor, "B L"], *, causal: bool) -> Float[Tensor, "B L V"]:
        """Return the logits at every position."""
        return self.unembed(self.hidden(tokens_BL, causal=causal))


@dataclass(frozen=True, kw_only=True)
class ModelConfig(abc.ABC):
    """The shape of a model; `build` makes one with fresh weights."""

    max_length: int = 64
    """Longest row, in tokens; grown to the data's need by the pipeline."""

    @abc.abstractmethod
    def build(self, n_tokens: int, seed: int) -> LanguageModel:
        """Make a model over a vocabulary of `n_tokens` ids, its weights drawn from `seed`."""

    @property
    def tiny(self) -> bool:
        """Whether such models gain from training in packs: they compute with a leading axis P on every parameter."""
        return False


BRANCHES = 512
"""Rows of branches asked at once."""


class Objective(abc.ABC):
    """A way to factorise text: what is predicted from what, and how the trained model answers.

    `log_prob` and `complete` belong together: the probabilities of all answers that `complete` could
    ever write within the row sum to one under `log_prob`.
    """

    log_prob_is: ClassVar[Literal["exact", "bound", "estimate"]]
    """Which quantity `log_prob` is, of the model's own left-to-right chain rule."""

    @property
    def learns_ends(self) -> bool:
        """Whether it learns what ends an answer; where it does not, answers are scored without it."""
        return True

    @property
    def cost(self) -> float:
        """What a step costs against one reading of its rows forwards and back: more where the model is consulted."""
        return 1.0

    @property
    def reads_alike(self) -> bool:
        """Whether every batch is read the same way, left to right or not; runs train as a pack only if it is."""
        return True

    def worded(self, turns: Turns) -> "Objective":
        """Return this objective with the tokens of the words it puts around a text; most put none."""
        return self

    def row_length(self, length: int) -> int:
        """Return how many tokens its rows have where a batch's have `length`."""
        return length

    def consult(self, model: LanguageModel, batch: Batch, generator: torch.Generator) -> Batch:
        """Return the batch with what the objective wants to know of the model before a step; most want nothing.

        It is a function of the weights, the batch and the generator alone, so that a resumed run needs no more state.
        """
        return batch

    @abc.abstractmethod
    def prepare(self, batch: Batch, generator: torch.Generator) -> Prepared:
        """Shift or mask a clean batch; `generator` is the only source of chance."""

    @abc.abstractmethod
    def log_prob(
        self, model: LanguageModel, tokens_BL: Int[Tensor, "B L"], asked_BL: Bool[Tensor, "B L"]
    ) -> Float[Tensor, "B L"]:
        """Return log p(token | all tokens before it), in nats, where `asked`; 0 elsewhere.

        Rows are as in a `Batch`; what stands after an asked token is never seen.
        """

    @abc.abstractmethod
    def reading(self, model: LanguageModel, tokens_BL: Int[Tensor, "B L"], length_B: Int[Tensor, " B"]) -> Reading:
        """Return what the model reads when it is asked what follows the first `length` tokens of each row."""

    def next_log_prob(
        self, model: LanguageModel, tokens_BL: Int[Tensor, "B L"], length_B: Int[Tensor, " B"]
    ) -> Float[Tensor, "B V"]:
        """Return the log-probability of every token to follow the first `length` tokens of each row."""
        read = self.reading(model, tokens_BL, length_B)
        hidden_BLD = model.hidden(read.input_BL, causal=read.causal)
        return model.unembed(hidden_BLD[torch.arange(len(length_B)), read.place_B]).float().log_softmax(-1).cpu()

    def tree_log_prob(self, model: LanguageModel, tree: TokenTree, length: int) -> Float[np.ndarray, " N"]:
        """Return log p(token | its ancestors) at the asked nodes of a tree, in nats; 0 elsewhere.

        As it stands it reads one row a branch. Override it where what branches share can be read once
        (`objectives/branches.py`); the result must stay that of `log_prob`.

        Args:
            model: the model asked.
            tree: what is asked; every branch fits into a row.
            length: tokens in a row, as in `log_prob`.
        """
        out_N = np.zeros(len(tree.token_N))
        is_leaf_N = np.ones(len(out_N), bool)
        is_leaf_N[tree.read_F] = False
        leaf_B = np.flatnonzero(is_leaf_N)
        before_B = np.concatenate([[-1], leaf_B])  # what stands on a branch up to the leaf before it was asked there
        for start in range(0, len(leaf_B), BRANCHES):
            node_BL = tree.paths(leaf_B[start : start + BRANCHES])
            is_new_BL = (node_BL > before_B[start : start + len(node_BL), None]) & tree.asked_N[node_BL]
            tokens_BL = torch.full((len(node_BL), length), model.special.end)
            asked_BL = torch.zeros(tokens_BL.shape, dtype=torch.bool)
            tokens_BL[:, : node_BL.shape[1]] = torch.as_tensor(
                np.where(node_BL >= 0, tree.token_N[node_BL], model.special.end)
            )
            asked_BL[:, : node_BL.shape[1]] = torch.as_tensor(is_new_BL)
            found_BL = self.log_prob(model, tokens_BL, asked_BL)
            out_N[node_BL[is_new_BL]] = found_BL[asked_BL].double().numpy()
        return out_N
