"""Embedding cosine: are the two entities of a fact alike in the model's own vectors?"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from bothways.batches.tokenizers import Tokenizer
from bothways.mechanisms.base import Probe
from bothways.mechanisms.weight_asymmetry import entity_tokens
from bothways.tensors import LanguageModel, Objective
from bothways.types import Exam, Finding

BLOCK = 2048
"""Rows of the matrix of all cosines that exist at once."""


@dataclass(frozen=True, kw_only=True)
class EmbeddingCosine(Probe):
    """Cosine between input embeddings of the partners of a fact, against pairs that no fact joins.

    With tied embeddings an autoregressive model can "reverse" through the likeness of two partners of
    one entity, so a gap here warns that a reverse answer may be likeness, not relation. `apart_mean` and `apart_max`
    are |cosine| over all pairs of different entity tokens: near 0 where embeddings are nearly orthogonal, as theory
    assumes. Independent random vectors of length d have a mean of about 0.8 / √d.

    Source: the embedding heat maps of Zhu et al., arXiv 2405.04669. Differs from it by: numbers with a matched control
    instead of a picture, and arrows are left out.
    """

    max_pairs: int = 500
    """Facts looked at, from the first."""

    def __call__(self, model: LanguageModel, objective: Objective, tokenizer: Tokenizer, exam: Exam) -> Finding:
        """Return the mean cosine of partners and of pairs shifted by one fact."""
        vectors_VD = model.embedding_VD.detach()
        facts = exam.facts.facts[: self.max_pairs]
        heads = torch.stack([_mean_vector(vectors_VD, tokenizer, fact.head) for fact in facts])
        tails = torch.stack([_mean_vector(vectors_VD, tokenizer, fact.tail) for fact in facts])
        partners = torch.cosine_similarity(heads, tails).mean().item()
        others = torch.cosine_similarity(heads, tails.roll(1, 0)).mean().item()
        rows = ({"pairs": "partners", "cosine": partners}, {"pairs": "no fact joins them", "cosine": others})
        mean, most = apart(vectors_VD[entity_tokens(tokenizer, exam).to(vectors_VD.device)].float())
        numbers = {"partners": partners, "others": others, "apart_mean": mean, "apart_max": most}
        summary = f"partners {partners:.3f}, other pairs {others:.3f}; |cosine| of any two tokens {mean:.3f}"
        return Finding("embedding_cosine", summary, rows, numbers)


def _mean_vector(vectors_VD: torch.Tensor, tokenizer: Tokenizer, name: str) -> torch.Tensor:
    return vectors_VD[[token for token, _ in tokenizer.entity_pieces(name)]].float().mean(0)


def apart(vectors_ND: Float[Tensor, "N D"]) -> tuple[float, float]:
    """Return the mean and the largest |cosine| of different vectors; of all pairs, a few thousand rows at a time.

    >>> apart(torch.tensor([[1.0, 0.0], [0.0, 2.0], [0.0, -3.0]]))[1]
    1.0
    """
    unit_ND = torch.nn.functional.normalize(vectors_ND, dim=-1)
    n, total, most = len(unit_ND), 0.0, 0.0
    for start in range(0, n, BLOCK):
        cosine_BN = (unit_ND[start : start + BLOCK] @ unit_ND.T).abs()
        cosine_BN.diagonal(start).zero_()
        total, most = total + cosine_BN.sum(dtype=torch.float64).item(), max(most, cosine_BN.max().item())
    return total / max(1, n * (n - 1)), most
