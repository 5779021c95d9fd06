"""The residual stream where an answer is asked for: what lenses and classifiers read, whatever the objective."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from bothways.cross_entropy import parts
from bothways.errors import BothwaysError
from bothways.evaluation.scoring import make_rows
from bothways.mechanisms.answers import spread
from bothways.mechanisms.contexts import place_in_stream, rows_at_once
from bothways.tensors import LanguageModel, Objective
from bothways.types import Exam


@torch.inference_mode()
def asked_stream(
    model: LanguageModel, objective: Objective, prompts: Sequence[list[int]], length: int
) -> list[Float[Tensor, "N D"]]:
    """Return the stream after each number of blocks, at the place that says what follows each prompt.

    A model that reads left to right is not given the rest of the row: nothing of it is seen at that place.

    Args:
        model: one that shows its stream.
        objective: how it is asked.
        prompts: token ids, at least one row of them.
        length: tokens in a row, as in training: a masked model fills the row after the prompt.
    """
    tokens_NL, _, length_N = make_rows([(prompt, []) for prompt in prompts], length)
    found = list[list[Tensor]]()
    for rows in parts(len(prompts), rows_at_once(model, length)):
        read = objective.reading(model, tokens_NL[rows], length_N[rows])
        place_B = place_in_stream(model, read.place_B, causal=read.causal)
        seen = int(place_B.max()) + 1 if read.causal else length
        trace = model.trace(read.input_BL[:, :seen], causal=read.causal)
        found.append([stream_BLD[torch.arange(len(place_B)), place_B] for stream_BLD in trace.stream])
    return [torch.cat(depth) for depth in zip(*found, strict=True)]


def by_kind(exam: Exam, kinds: str, most: int) -> Mapping[str, Sequence[int]]:
    """Return up to so many test questions of each kind that begins with one of some words, by their index.

    Args:
        exam: whose questions.
        kinds: words, separated by spaces; empty means every kind but the flips, whose answers should not be given.
        most: questions of a kind, spread over the exam.

    Raises:
        BothwaysError: no kind begins so.
    """
    found, words = spread(exam, most), tuple(kinds.split())
    chosen = {k: members for k, members in found.items() if (k.startswith(words) if words else k != "flip")}
    if not chosen:
        raise BothwaysError(f"No kind of question begins with {kinds!r}. Choose among {', '.join(sorted(found))}.")
    return chosen
