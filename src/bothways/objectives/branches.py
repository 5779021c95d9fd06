"""How the branches of a token tree are asked without reading twice what they share.

Exact, not approximate: a causal model's hidden vector of a token depends on the tokens before it alone, so all
candidates of a prompt may use the prompt's, and a candidate's first tokens serve every candidate that begins alike. A
masked model sees everything after the asked place masked, so one reading of a prefix serves every token after it.
"""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from bothways.objectives.answering import masked_next
from bothways.tensors import LanguageModel
from bothways.trees import TokenTree, lay_out

WIDTH = 128
"""Tokens in a row that holds branches side by side: wide rows repeat little, narrow ones spare attention scores."""
TOKENS = 1024
"""Tokens a model reads at once: few enough that what passes between its layers stays in a processor's cache."""
PREFIXES = 256
"""Rows a masked model reads at once."""
LOGITS = 2**21
"""Logits that exist at once: few enough to stay in a processor's cache."""


def row_width(tree: TokenTree) -> int:
    """Return how wide rows should be: four times the longest branch at least, but not wider than all there is."""
    deepest = int(tree.depth_N.max(initial=0)) + 1
    return min(max(WIDTH, 4 * deepest), max(len(tree.read_F), deepest))


def causal_tree_log_prob(model: LanguageModel, tree: TokenTree) -> Float[np.ndarray, " N"]:
    """Return log p(token | its ancestors) at the asked nodes, each node being read once."""
    width, n_read = row_width(tree), 0
    out_N = np.zeros(len(tree.token_N))
    parent_E = np.searchsorted(tree.read_F, tree.parent_N[tree.asked_E])
    for rows in lay_out(tree, width, max(1, TOKENS // width)):
        rows = rows.to(model.output_VD.device)
        hidden_MD = model.hidden_of_trees(rows)[rows.new_BL]
        first, last = np.searchsorted(parent_E, [n_read, n_read + len(hidden_MD)])
        asked_E = tree.asked_E[first:last]
        out_N[asked_E] = follow(model, hidden_MD, parent_E[first:last] - n_read, tree.token_N[asked_E])
        n_read += len(hidden_MD)
    return out_N


def follow(
    model: LanguageModel, hidden_MD: Float[Tensor, "M D"], from_E: np.ndarray, token_E: np.ndarray
) -> Float[np.ndarray, " E"]:
    """Return the log-probability of tokens after hidden vectors; logits are made for those with a question only.

    Args:
        model: turns hidden vectors into logits.
        hidden_MD: what the tokens may follow.
        from_E: which of them each token follows, in ascending order.
        token_E: the tokens.
    """
    used_S, from_E = np.unique(from_E, return_inverse=True)
    out_E = np.zeros(len(token_E))
    most = max(1, LOGITS // model.n_tokens)
    for start in range(0, len(used_S), most):
        first, last = np.searchsorted(from_E, [start, start + most])
        logits_SV = model.unembed(hidden_MD[torch.from_numpy(used_S[start : start + most])]).float()
        log_prob_SV = logits_SV.log_softmax(-1)
        chosen_E = log_prob_SV[torch.from_numpy(from_E[first:last] - start), torch.from_numpy(token_E[first:last])]
        out_E[first:last] = chosen_E.double().cpu().numpy()
    return out_E


def masked_tree_log_prob(
    model: LanguageModel, tree: TokenTree, length: int, *, causal: bool = False
) -> Float[np.ndarray, " N"]:
    """Return log p(token | its ancestors) at the asked nodes, one row of `length` for each distinct prefix."""
    out_N = np.zeros(len(tree.token_N))
    parent_S, from_E = np.unique(tree.parent_N[tree.asked_E], return_inverse=True)
    for start in range(0, len(parent_S), PREFIXES):
        node_BL = tree.paths(parent_S[start : start + PREFIXES])
        tokens_BL = torch.zeros(len(node_BL), length, dtype=torch.int64)  # masked where no node stands
        tokens_BL[:, : node_BL.shape[1]] = torch.from_numpy(tree.token_N[node_BL])
        log_prob_BV = masked_next(model, tokens_BL, torch.from_numpy((node_BL >= 0).sum(1)), causal=causal)
        first, last = np.searchsorted(from_E, [start, start + len(node_BL)])
        asked_E = tree.asked_E[first:last]
        row_E, token_E = torch.from_numpy(from_E[first:last] - start), torch.from_numpy(tree.token_N[asked_E])
        out_N[asked_E] = log_prob_BV[row_E, token_E].double().cpu().numpy()
    return out_N
