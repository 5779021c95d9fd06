"""Logit lens: after which block is the answer already there?"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from bothways.batches.batches import query_tokens
from bothways.batches.tokenizers import Tokenizer
from bothways.cross_entropy import parts
from bothways.evaluation.scoring import make_rows
from bothways.mechanisms.base import Probe
from bothways.mechanisms.contexts import place_in_stream, rows_at_once
from bothways.tensors import LanguageModel, Objective
from bothways.types import Exam, Finding


@dataclass(frozen=True, kw_only=True)
class LogitLens(Probe):
    """Probability of an answer's first token, read off the residual stream after every block.

    Source: nostalgebraist, "interpreting GPT: the logit lens" (2020). Differs from it by: the stream is
    normed before it is unembedded, and every objective is read the way it answers.
    """

    max_queries: int = 200
    """Questions looked at, of each kind."""

    def __call__(self, model: LanguageModel, objective: Objective, tokenizer: Tokenizer, exam: Exam) -> Finding:
        """Return the mean probability of the answer per kind of question and block."""
        rows = []
        for kind in ("forward", "reverse_tested", "reverse_partner", "implied"):
            queries = [q for q in exam.queries if q.kind == kind and q.split == "test"][: self.max_queries]
            if not queries:
                continue
            pairs = [query_tokens(query, query.answer, tokenizer) for query in queries]
            length = max(len(prompt) + len(answer) for prompt, answer in pairs)
            tokens_BL, _, length_B = make_rows([(prompt, []) for prompt, _ in pairs], length)
            first_B = torch.tensor([answer[0] for _, answer in pairs])
            found = [
                answer_probability(model, objective, tokens_BL[i], length_B[i], first_B[i])
                for i in parts(len(queries), rows_at_once(model, length))
            ]
            for depth, values in enumerate(zip(*found, strict=True)):
                rows.append({"kind": kind, "blocks": depth, "probability": torch.cat(values).mean().item()})
        best = {row["kind"]: row["probability"] for row in rows}
        summary = ", ".join(f"{k} {v:.3f} after the last block" for k, v in best.items())
        return Finding("logit_lens", summary, tuple(rows), best)


@torch.inference_mode()
def answer_probability(
    model: LanguageModel,
    objective: Objective,
    tokens_BL: Int[Tensor, "B L"],
    length_B: Int[Tensor, " B"],
    answer_B: Int[Tensor, " B"],
) -> list[Float[Tensor, " B"]]:
    """Return the probability of one token after each row's prefix, read off the stream after every number of blocks."""
    read, row_B = objective.reading(model, tokens_BL, length_B), torch.arange(len(length_B))
    place_B = place_in_stream(model, read.place_B, causal=read.causal)
    found: list[Tensor] = []
    for stream_BLD in model.trace(read.input_BL, causal=read.causal).stream:
        hidden_BD = model.lens(stream_BLD[row_B, place_B][:, None])[:, 0]
        log_prob_BV = model.unembed(hidden_BD).float().log_softmax(-1).cpu()
        found.append(log_prob_BV.gather(1, answer_B[:, None])[:, 0].exp())
    return found
