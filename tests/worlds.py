"""Small things that several tests stand on. The package is imported inside: shape checks come first."""

from typing import Any


def uniform_model(n_tokens: int) -> Any:
    """A model that finds every token equally likely."""
    import torch

    from bothways.tensors import LanguageModel

    class Uniform(LanguageModel):
        def __init__(self) -> None:
            super().__init__()
            self.n_tokens = n_tokens
            self.zero = torch.nn.Parameter(torch.zeros(()))

        def hidden(self, tokens_BL: Any, *, causal: bool) -> Any:
            return self.zero * torch.ones(*tokens_BL.shape, 1)

        @property
        def output_VD(self) -> Any:
            return torch.zeros(n_tokens, 1)

    return Uniform()


def random_batch(n_rows: int = 64, length: int = 8, n_tokens: int = 20, seed: int = 0) -> Any:
    """Clean rows of different lengths, the third and fourth token of each being one entity."""
    import torch

    from bothways.tensors import SPECIAL, Batch

    generator = torch.Generator().manual_seed(seed)
    tokens_BL = torch.randint(SPECIAL.n, n_tokens, (n_rows, length), generator=generator)
    lengths_B = torch.randint(5, length + 1, (n_rows,), generator=generator)
    place_L = torch.arange(length)
    tokens_BL[place_L >= (lengths_B - 1)[:, None]] = SPECIAL.end
    tokens_BL[:, 0] = SPECIAL.begin
    entity_BL = torch.full_like(tokens_BL, -1)
    entity_BL[:, 2:4] = 0
    target_BL = (place_L > 0) & (place_L < lengths_B[:, None])
    return Batch(tokens_BL, target_BL, entity_BL, torch.arange(n_rows))


def small_config(*settings: str) -> Any:
    """A configuration that trains in seconds."""
    from bothways.config import RunConfig, override

    base = (
        "model.d_model=64",
        "model.d_mlp=128",
        "model.n_heads=2",
        "batches.batch_size=32",
        "training.steps=400",
        "training.measurements=4",
    )
    return override(RunConfig(), [*base, *settings])


def train_once(facts: Any, arm: str, folder: Any, *settings: str, seed: int = 0) -> Any:
    """Train one arm on facts and return the finished run and its exam."""
    from bothways.arms import parse_arm
    from bothways.facts.exam import ExamConfig, make_exam
    from bothways.pipeline import run

    exam = make_exam(facts, ExamConfig(), 0)
    config = parse_arm(arm).config(small_config(*settings), seed)
    return run(config, exam, folder, {"run_id": "test", "arm": arm, "seed": seed}), exam
