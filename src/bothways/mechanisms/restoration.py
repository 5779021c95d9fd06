"""Restoration: the same entity asked from the stated text and from the text of the other order."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from bothways.batches.tokenizers import Tokenizer
from bothways.mechanisms.base import Probe
from bothways.mechanisms.contexts import ROWS, Asker, Contexts, tested_pairs
from bothways.tensors import LanguageModel, Objective
from bothways.types import Exam, Finding


@dataclass(frozen=True, kw_only=True)
class Restoration(Probe):
    """Probability of A in "[M] R B", which training showed, and in "B R' [M]", which it did not.

    Of the asked entity's first token: `forward` and `reverse` are mean probabilities, `_nll` mean nats, `_right` the
    share of texts in which no other token is likelier. A model that reads left to right is asked for B after "A R" in
    the first, and for A after "B R'" in the second.

    Source: the forward and reverse contexts of Jeon et al., arXiv 2602.02133. Differs from it by: nothing known.
    """

    max_pairs: int = 200
    """Facts looked at, from the first."""

    @torch.inference_mode()
    def __call__(self, model: LanguageModel, objective: Objective, tokenizer: Tokenizer, exam: Exam) -> Finding:
        """Return a row for each context."""
        asker, pairs = Asker.of(model, objective, tokenizer, exam), tested_pairs(exam, self.max_pairs)
        rows = [
            {"context": name, **answered(model, contexts)}
            for name, contexts in (("forward", asker.forward(pairs)), ("reverse", asker.reverse(pairs)))
        ]
        numbers: dict[str, float] = {}
        for row in rows:
            name = row["context"]
            numbers |= {name: row["probability"], f"{name}_nll": row["nll"], f"{name}_right": row["right"]}
        summary = ", ".join(f"{row['context']} {row['probability']:.3f}" for row in rows)
        return Finding("restoration", f"probability of the entity: {summary}", tuple(rows), numbers)


def answered(model: LanguageModel, contexts: Contexts) -> dict[str, float]:
    """Return how surely the first token of the asked entity is restored."""
    found: list[Float[Tensor, "N V"]] = []
    for start in range(0, len(contexts.query_N), ROWS):
        rows = slice(start, start + ROWS)
        hidden_BLD = model.hidden(contexts.prepared.input_BL[rows], causal=contexts.prepared.causal)
        place_N = contexts.query_N[rows]
        found.append(model.unembed(hidden_BLD[torch.arange(len(place_N)), place_N]).float().log_softmax(-1).cpu())
    log_prob_NV = torch.cat(found)
    own_N = log_prob_NV.gather(1, contexts.answer_N[:, None])[:, 0]
    right_N = log_prob_NV.argmax(1) == contexts.answer_N
    return {
        "probability": own_N.exp().mean().item(),
        "nll": -own_N.mean().item(),
        "right": right_N.float().mean().item(),
    }
