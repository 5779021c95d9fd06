"""Weight map: the logit of every partner when the model is given one entity and no word of the relation."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from bothways.batches.tokenizers import Tokenizer
from bothways.evaluation.scoring import ROWS, make_rows
from bothways.facts.wording import first_named
from bothways.mechanisms.base import Probe
from bothways.tensors import LanguageModel, Objective
from bothways.types import Exam, Fact, Finding

Pair = tuple[str, str]
"""An entity that is given, and its partner."""


@dataclass(frozen=True, kw_only=True)
class WeightMap(Probe):
    """Logits of all partners (columns) after each entity alone (rows), for four groups of pairs.

    `train_forward` and `train_backward`: facts stated both ways, from head to tail and back. `seen` and `unseen`: facts
    stated in one order only, in that order and in the other. The diagonal holds the true partners. In one number:
    how many standard deviations of the others it stands above them (`z`).

    The paper's second token, the partner, is behind the place that is read: here it is left out, or masked where the
    objective reads both ways. With entities of several tokens the first token of the partner is read.

    Source: the heat maps of Zhu et al., arXiv 2405.04669, figure 2. Differs from it by: a row begins with the
    begin token, any objective is asked, and at most `max_pairs` pairs of a group are drawn.
    """

    max_pairs: int = 60
    """Pairs of each group, from the first: rows and columns of a map."""

    def __call__(self, model: LanguageModel, objective: Objective, tokenizer: Tokenizer, exam: Exam) -> Finding:
        """Return each map row by row, its columns the partners of its rows in their order."""
        rows, numbers = list[dict[str, object]](), dict[str, float]()
        for name, pairs in groups(exam.facts.facts).items():
            pairs = pairs[: self.max_pairs]
            if len(pairs) < 2:
                continue
            logits_NN = partner_logits(model, objective, tokenizer, pairs)
            numbers |= {f"{name}_{what}": value for what, value in contrast(logits_NN).items()}
            rows += [
                {"map": name, "input": given, "partner": partner, "logits": [round(x, 3) for x in logits_N]}
                for (given, partner), logits_N in zip(pairs, logits_NN.tolist(), strict=True)
            ]
        found = ", ".join(
            f"{name.removesuffix('_z')} {value:.1f}" for name, value in numbers.items() if name[-2:] == "_z"
        )
        return Finding("weight_map", f"diagonal above the others, in their deviations: {found}", tuple(rows), numbers)


def groups(facts: Sequence[Fact]) -> dict[str, list[Pair]]:
    """Return the pairs of each map; facts that no statement names are in none."""
    found: dict[str, list[Pair]] = {name: [] for name in ("train_forward", "train_backward", "seen", "unseen")}
    for fact in facts:
        if fact.stated == "both":
            found["train_forward"].append((fact.head, fact.tail))
            found["train_backward"].append((fact.tail, fact.head))
        elif fact.stated in ("head_first", "tail_first"):
            first = first_named(fact)
            last = fact.head if first == fact.tail else fact.tail
            found["seen"].append((first, last))
            found["unseen"].append((last, first))
    return found


@torch.no_grad()
def partner_logits(
    model: LanguageModel, objective: Objective, tokenizer: Tokenizer, pairs: Sequence[Pair]
) -> Float[Tensor, "N N"]:
    """Return the logit of each pair's partner (column) after each pair's entity alone (row)."""
    ids = {name: [token for token, _ in tokenizer.entity_pieces(name)] for pair in pairs for name in pair}
    prompts = [[*tokenizer.start, *ids[given]] for given, _ in pairs]
    first_N = torch.tensor([ids[partner][0] for _, partner in pairs])
    length = max(map(len, prompts)) + 1
    found: list[Tensor] = []
    was_training = model.training
    model.eval()
    for start in range(0, len(prompts), ROWS):
        tokens_BL, _, length_B = make_rows([(prompt, []) for prompt in prompts[start : start + ROWS]], length)
        read = objective.reading(model, tokens_BL, length_B)
        hidden_BLD = model.hidden(read.input_BL, causal=read.causal)
        hidden_BD = hidden_BLD[torch.arange(len(length_B)), read.place_B]
        found.append(model.unembed(hidden_BD).float().cpu()[:, first_N])
    model.train(was_training)
    return torch.cat(found)


def contrast(logits_NN: Float[Tensor, "N N"]) -> dict[str, float]:
    """Return the mean of the diagonal, of the rest, and how far apart they are in standard deviations of the rest.

    >>> contrast(torch.tensor([[4.0, 1.0], [-1.0, 2.0]]))
    {'diagonal': 3.0, 'rest': 0.0, 'z': 3.0}
    """
    own_NN = torch.eye(len(logits_NN), dtype=torch.bool)
    own, rest = logits_NN[own_NN].double(), logits_NN[~own_NN].double()
    spread = rest.std(correction=0).clamp(min=1e-12)
    values = {"diagonal": own.mean(), "rest": rest.mean(), "z": (own.mean() - rest.mean()) / spread}
    return {name: value.item() for name, value in values.items()}
