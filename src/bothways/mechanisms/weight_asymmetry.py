"""Weight asymmetry: do the weights tie B to A as they tie A to B?"""

from dataclasses import dataclass

import torch

from bothways.batches.tokenizers import Tokenizer
from bothways.mechanisms.base import Probe
from bothways.tensors import LanguageModel, Objective
from bothways.types import Exam, Finding


@dataclass(frozen=True, kw_only=True)
class WeightAsymmetry(Probe):
    """‖M - Mᵀ‖ / ‖M‖ of every map from token to token that the weights hold, among the tokens of entities.

    0 is symmetric: what raises B after A raises A after B as much. A random map has √2, a map that turns all signs
    round has 2. In the bilinear model the map is Θ itself, in the pairwise one Y and Z; in a transformer it goes from
    embedding to output straight (`direct`) and through each block's heads (`value`), and what they look at
    (`attention`), each as if a block read plain embeddings.

    Source: the asymmetry of weights in Zhu et al., arXiv 2405.04669, sections 3 and 4. Differs from it by: it is one
    number a map, and taken of any model that shows its embeddings and heads.
    """

    def __call__(self, model: LanguageModel, objective: Objective, tokenizer: Tokenizer, exam: Exam) -> Finding:
        """Return the asymmetry of each map."""
        tokens_N = entity_tokens(tokenizer, exam).to(model.output_VD.device)
        with torch.no_grad():
            maps = {name: (one.role, one.asymmetry().sqrt().item()) for name, one in model.token_maps(tokens_N).items()}
        rows = tuple({"map": name, "role": role, "asymmetry": value} for name, (role, value) in maps.items())
        numbers = {name.replace(" ", "_"): value for name, (_, value) in maps.items()}
        return Finding("weight_asymmetry", ", ".join(f"{n} {v:.2f}" for n, (_, v) in maps.items()), rows, numbers)


def entity_tokens(tokenizer: Tokenizer, exam: Exam) -> torch.Tensor:
    """Return the ids of all tokens that entities of the exam are made of, each once, in order of appearance."""
    return torch.tensor(
        list(dict.fromkeys(token for name in exam.facts.entities for token, _ in tokenizer.entity_pieces(name)))
    )
