"""A model into whose stream answers are written at a known depth, and exams of the world of graphs to look at it."""

from collections.abc import Callable
from functools import cache
from typing import Any


@cache
def little_graphs(n: int = 8, **more: Any) -> tuple[Any, Any]:
    """Return an exam of a small world of graphs, and a tokenizer of its words."""
    from bothways.batches.tokenizers import TokenizerConfig, fit_tokenizer
    from bothways.facts.graphs.exam import graph_exam
    from bothways.facts.worlds.graphs import Graphs
    from bothways.text.corpus import TextConfig, write_corpus
    from bothways.text.graph_text import GraphText

    sizes = {"n_graphs": n, "n_tested": n, "n_context": 4, "pool": 20, "n_jobs": 5, "n_symmetric": 2, "n_inverse": 2}
    world = Graphs(**{**sizes, **more})
    exam = graph_exam(world, 0)
    corpus = write_corpus(exam, TextConfig(source=GraphText(world=world)), 0)
    return exam, fit_tokenizer(corpus, exam, TokenizerConfig(kind="word"))


def written(n_tokens: int, n_layers: int, write: Callable[[tuple[int, ...], int, Any], None]) -> Any:
    """Return a model that reads left to right and whose stream has a direction for every token.

    Args:
        n_tokens: of its tokenizer.
        n_layers: its blocks.
        write: adds to the stream's vector (a tensor with an entry a token) at the last place of a prompt of these
            tokens, after so many blocks; it is zero before.
    """
    import torch

    from bothways.tensors import LanguageModel, Trace

    class Written(LanguageModel):
        @property
        def output_VD(self) -> torch.Tensor:
            return torch.eye(n_tokens)

        @property
        def embedding_VD(self) -> torch.Tensor:
            return torch.eye(n_tokens)

        @property
        def n_layers(self) -> int:
            return n_layers

        def hidden(self, tokens_BL: torch.Tensor, *, causal: bool) -> torch.Tensor:
            return self.trace(tokens_BL, causal=causal).stream[-1]

        def lens(self, stream_BLD: torch.Tensor) -> torch.Tensor:
            return stream_BLD

        def trace(self, tokens_BL: torch.Tensor, *, causal: bool) -> Trace:
            assert causal
            stream = [torch.zeros(*tokens_BL.shape, n_tokens) for _ in range(n_layers + 1)]
            for depth, stream_BLD in enumerate(stream):
                for row, tokens_L in enumerate(tokens_BL.tolist()):
                    for place in range(len(tokens_L)):
                        write(tuple(tokens_L[: place + 1]), depth, stream_BLD[row, place])
            return Trace(tuple(stream), ())

    return Written()
