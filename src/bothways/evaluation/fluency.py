"""Fluency: does a model still find plain sentences likely, whatever its arm did to the text?"""

from collections.abc import Sequence

import torch

from bothways.batches.tokenizers import Tokenizer
from bothways.evaluation.scoring import make_rows
from bothways.tensors import SPECIAL, LanguageModel, Objective
from bothways.types import Document


@torch.inference_mode()
def held_out_nll(
    model: LanguageModel, objective: Objective, documents: Sequence[Document], tokenizer: Tokenizer, length: int
) -> float | None:
    """Return the mean NLL, in nats per word token, of sentences no arm was trained on.

    Entities are not scored: the sentences pair them at random. Read left to right by the objective's own
    chain rule; None where there is nothing to score.
    """
    encoded = [tokenizer.encode(d.text, d.entities) for d in documents]
    kept = [e for e in encoded if len(e.ids) + 2 <= length]
    if not kept:
        return None
    tokens_BL, asked_BL, _ = make_rows([([SPECIAL.begin], [*e.ids, SPECIAL.end]) for e in kept], length)
    for b, e in enumerate(kept):
        asked_BL[b, 1 : 1 + len(e.ids)] = torch.tensor(e.entity) < 0
        asked_BL[b, 1 + len(e.ids)] = False
    model.eval()
    nats_BL = -objective.log_prob(model, tokens_BL, asked_BL)
    return float(nats_BL.double().sum() / asked_BL.sum())
