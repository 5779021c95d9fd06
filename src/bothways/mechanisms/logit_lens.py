"""Logit lens: after which block is the answer already there?"""

from dataclasses import dataclass

import torch

from bothways.batches.batches import query_tokens
from bothways.batches.tokenizers import Tokenizer
from bothways.evaluation.scoring import make_rows
from bothways.mechanisms.base import Probe
from bothways.models.transformer import Transformer
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
        assert isinstance(model, Transformer), "the lens reads our own transformer"
        rows = []
        for kind in ("forward", "reverse_tested", "reverse_partner", "implied"):
            queries = [q for q in exam.queries if q.kind == kind and q.split == "test"][: self.max_queries]
            if not queries:
                continue
            pairs = [query_tokens(query, query.answer, tokenizer) for query in queries]
            length = max(len(prompt) + len(answer) for prompt, answer in pairs)
            tokens_BL, _, length_B = make_rows([(prompt, []) for prompt, _ in pairs], length)
            first_B = torch.tensor([answer[0] for _, answer in pairs])
            for depth in range(len(model.blocks) + 1):
                with torch.inference_mode(), _cut(model, depth):
                    log_prob_BV = objective.next_log_prob(model, tokens_BL, length_B)
                value = log_prob_BV.gather(1, first_B[:, None]).exp().mean().item()
                rows.append({"kind": kind, "blocks": depth, "probability": value})
        best = {row["kind"]: row["probability"] for row in rows}
        return Finding(
            "logit_lens", ", ".join(f"{k} {v:.3f} after the last block" for k, v in best.items()), tuple(rows)
        )


class _cut:
    """Leave out every block after the first `depth`, for the length of a `with`."""

    def __init__(self, model: Transformer, depth: int) -> None:
        self.model, self.depth = model, depth

    def __enter__(self) -> None:
        self.blocks = self.model.blocks
        self.model.blocks = torch.nn.ModuleList(list(self.blocks)[: self.depth])

    def __exit__(self, *_: object) -> None:
        self.model.blocks = self.blocks
