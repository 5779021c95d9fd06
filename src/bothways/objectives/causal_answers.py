"""How models that read left to right are asked, however they were trained: shared by all objectives for such models."""

import numpy as np
from torch import Tensor

from bothways.objectives.answering import causal_log_prob, causal_reading
from bothways.objectives.branches import causal_tree_log_prob, row_width
from bothways.tensors import LanguageModel, Objective, Prepared, Reading
from bothways.trees import TokenTree


class CausalAnswers(Objective):
    """An objective whose models answer token by token, each from the tokens before it."""

    log_prob_is = "exact"

    def log_prob(self, model: LanguageModel, tokens_BL: Tensor, asked_BL: Tensor) -> Tensor:
        """Return the exact conditionals, in one pass."""
        return causal_log_prob(model, tokens_BL, asked_BL)

    def reading(self, model: LanguageModel, tokens_BL: Tensor, length_B: Tensor) -> Reading:
        """Read the prefixes, and ask at their last tokens."""
        return causal_reading(tokens_BL, length_B)

    def tree_log_prob(self, model: LanguageModel, tree: TokenTree, length: int) -> np.ndarray:
        """Read each node once where the model reads trees, and one row a branch where it does not."""
        if not model.reads_trees(row_width(tree)):
            return super().tree_log_prob(model, tree, length)
        return causal_tree_log_prob(model, tree)


def shifted(tokens_BL: Tensor, weight_BL: Tensor) -> Prepared:
    """Return rows of which every token is predicted from those before it."""
    return Prepared(tokens_BL[:, :-1], tokens_BL[:, 1:], weight_BL[:, 1:], causal=True)
