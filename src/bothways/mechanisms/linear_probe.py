"""Linear probe: can a partner be read off the residual stream by a linear map?"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import normalize

from bothways.batches.tokenizers import Tokenizer
from bothways.cross_entropy import parts
from bothways.mechanisms.base import Probe
from bothways.mechanisms.contexts import Asker, Contexts, place_in_stream, rows_at_once, stated_once
from bothways.mechanisms.ridge import ridge_predict
from bothways.tensors import LanguageModel, Objective
from bothways.types import Exam, Finding


@dataclass(frozen=True, kw_only=True)
class LinearProbe(Probe):
    """Accuracy of a ridge regression from the stream to the partner's output vector, by depth, in both directions.

    Half of the facts stated in one order (every second one) fit the map, the other half test it: the prediction counts
    as right if the partner's row of the output matrix is nearer to it, by cosine, than those of all other tested
    partners. Two places are read: where the answer is asked (`asked`) and where the given entity stands (`given`).
    Chance is 1 / tested pairs; `shuffled` is the accuracy of a map that was fitted to the partners of other pairs.
    Forward asks for the entity that the fact's text names last, reverse for the other one, each by its own prompt: read
    as the objective answers.

    Source: linear classifier probes (Alain and Bengio 2016). Differs from it by: partners of the test half are never
    seen in fitting, so the map goes to vectors and not to classes; what it finds is a relation that is linear, not a
    list.
    """

    max_pairs: int = 400
    """Facts looked at, from the first."""
    ridge: float = 0.01
    """Penalty on the map, as a share of the stream's mean square."""

    def __call__(self, model: LanguageModel, objective: Objective, tokenizer: Tokenizer, exam: Exam) -> Finding:
        """Return a row for each direction, place and depth; as numbers, the best depth of each."""
        asker, pairs = Asker.of(model, objective, tokenizer, exam), stated_once(exam, self.max_pairs)
        vectors_VD = model.output_VD.detach()
        rows, numbers, tested = [], dict[str, float](), len(range(1, len(pairs), 2))
        for direction in ("forward", "reverse"):
            texts = [(pair.stated if direction == "forward" else pair.opposite, pair.fact, 1) for pair in pairs]
            partner = [pair.last if direction == "forward" else pair.first for pair in pairs]
            ids = [[token for token, _ in tokenizer.entity_pieces(name)] for name in partner]
            target_ND = torch.stack([vectors_VD[one].float().mean(0) for one in ids]).cpu()
            found = streams(model, objective, asker.restore(texts), asker.rows([text[:2] for text in texts])[0])
            for place, stream_AND in found.items():
                for depth, stream_ND in enumerate(stream_AND):
                    accuracy = fit_and_test(stream_ND, target_ND, self.ridge)
                    shuffled = fit_and_test(stream_ND, target_ND, self.ridge, shift=1)
                    rows.append({
                        "direction": direction, "place": place, "blocks": depth,
                        "accuracy": accuracy, "shuffled": shuffled, "chance": 1 / tested,
                    })  # fmt: skip
                numbers[f"{direction}_{place}"] = max(row["accuracy"] for row in rows[-len(stream_AND) :])
        numbers["chance"] = 1 / tested
        summary = ", ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in numbers.items())
        return Finding("linear_probe", summary, tuple(rows), numbers)


def streams(
    model: LanguageModel, objective: Objective, contexts: Contexts, tokens_NL: Int[Tensor, "N L"]
) -> dict[str, Sequence[Float[Tensor, "N D"]]]:
    """Return the stream after each number of blocks, where the answer is asked and where the given entity ends."""
    place_L = torch.arange(contexts.cue_NL.shape[1])
    given_N = (contexts.cue_NL * place_L).amax(1)
    asked, given = list[list[Tensor]](), list[list[Tensor]]()
    with torch.inference_mode():
        for rows in parts(len(tokens_NL), rows_at_once(model, tokens_NL.shape[1])):
            read = objective.reading(model, tokens_NL[rows], contexts.length_N[rows])
            place_N = place_in_stream(model, read.place_B, causal=read.causal)
            trace, row_N = model.trace(read.input_BL, causal=read.causal), torch.arange(len(place_N))
            asked.append([stream[row_N, place_N].float().cpu() for stream in trace.stream])
            given.append([stream[row_N, given_N[rows]].float().cpu() for stream in trace.stream])
    return {name: [torch.cat(depth) for depth in zip(*parts, strict=True)] for name, parts in
            (("asked", asked), ("given", given))}  # fmt: skip


def fit_and_test(
    stream_ND: Float[Tensor, "N D"], target_ND: Float[Tensor, "N E"], ridge: float, *, shift: int = 0
) -> float:
    """Fit a linear map on every second row and return its accuracy on the others.

    Args:
        stream_ND: what is read.
        target_ND: the partner's vector.
        ridge: penalty, as a share of the mean square of what is read.
        shift: fit to the partners of the row so many further: a control.
    """
    x_ND, y_ND = (rows_ND.double() for rows_ND in (stream_ND, target_ND))
    known_MD = y_ND[0::2].roll(shift, 0)
    predicted_TD = ridge_predict(x_ND[0::2], known_MD, x_ND[1::2], ridge) - known_MD.mean(0)
    partner_TD = y_ND[1::2] - known_MD.mean(0)
    near_TT = normalize(predicted_TD, dim=-1) @ normalize(partner_TD, dim=-1).T
    own_T = near_TT.diagonal().clone()
    unit_TD = normalize(y_ND[1::2], dim=-1)
    same_TT = unit_TD @ unit_TD.T > 1 - 1e-9  # the same partner, in another fact
    rival_T = near_TT.masked_fill(same_TT, -torch.inf).fill_diagonal_(-torch.inf).amax(1)
    return (own_T > rival_T).double().mean().item()
