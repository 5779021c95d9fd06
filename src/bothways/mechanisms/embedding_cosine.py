"""Embedding cosine: are the two entities of a fact alike in the model's own vectors?"""

from dataclasses import dataclass

import torch

from bothways.batches.tokenizers import Tokenizer
from bothways.mechanisms.base import Probe
from bothways.tensors import LanguageModel, Objective
from bothways.types import Exam, Finding


@dataclass(frozen=True, kw_only=True)
class EmbeddingCosine(Probe):
    """Cosine between input embeddings of the partners of a fact, against pairs that no fact joins.

    With tied embeddings an autoregressive model can "reverse" through the likeness of two partners of
    one entity, so a gap here warns that a reverse answer may be likeness, not relation.

    Source: the embedding heat maps of Zhu et al., arXiv 2405.04669. Differs from it by: a mean over pairs
    with a matched control instead of a picture.
    """

    max_pairs: int = 500
    """Facts looked at, from the first."""

    def __call__(self, model: LanguageModel, objective: Objective, tokenizer: Tokenizer, exam: Exam) -> Finding:
        """Return the mean cosine of partners and of pairs shifted by one fact."""
        vectors_VD = model.embedding_VD.detach().float()
        facts = exam.facts.facts[: self.max_pairs]
        heads = torch.stack([_mean_vector(vectors_VD, tokenizer, fact.head) for fact in facts])
        tails = torch.stack([_mean_vector(vectors_VD, tokenizer, fact.tail) for fact in facts])
        partners = torch.cosine_similarity(heads, tails).mean().item()
        others = torch.cosine_similarity(heads, tails.roll(1, 0)).mean().item()
        rows = ({"pairs": "partners", "cosine": partners}, {"pairs": "no fact joins them", "cosine": others})
        numbers = {"partners": partners, "others": others}
        return Finding("embedding_cosine", f"partners {partners:.3f}, other pairs {others:.3f}", rows, numbers)


def _mean_vector(vectors_VD: torch.Tensor, tokenizer: Tokenizer, name: str) -> torch.Tensor:
    return vectors_VD[[token for token, _ in tokenizer.entity_pieces(name)]].mean(0)
