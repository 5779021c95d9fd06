"""Point 7: the training-dynamics study at its released size, against Hugging Face's GPT-2 as the source trains it.

24 layers of width 768, 12 heads, batches of 64 sentences of three tokens, the loss on the last one, AdamW at 0.01
without clipping. The peer is the released set-up: fp32, dropout, an output matrix of its own, 802 tokens. Ours is what
the study trains: 408 tokens, a begin token before each sentence, no dropout. A promise of this study alone (TD-18).
"""

import functools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional as F

from bench.base import NotMeasured, Pair, Row
from bench.rows.step import find_transformers
from bothways.models.transformer import training_flop
from bothways.studies.dynamics_speed import RELEASED_SHAPE, SENTENCE, released_step
from bothways.training.speed import Precision, fast_precision

V = 802
"""Tokens of the released model: 800 entities, of which half are used, and two arrows."""
ROWS_OF_BATCH = 64
REPEATS = 5
LEAST: dict[Precision, float | None] = {"bf16": 3.0, "fp32": None}
"""What the study promises, by our precision."""


def released_peer() -> Callable[[], None]:
    """Return a step as the source takes it."""
    transformers = find_transformers()
    model: Any = transformers.GPT2LMHeadModel(
        transformers.GPT2Config(
            vocab_size=V, n_embd=768, n_layer=24, n_head=12, tie_word_embeddings=False, bos_token_id=0, eos_token_id=0
        )
    ).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    tokens_BL = torch.randint(0, V, (ROWS_OF_BATCH, SENTENCE), generator=torch.Generator().manual_seed(0))

    def step() -> None:
        logits_BLV = model(tokens_BL).logits
        F.cross_entropy(logits_BLV[:, -2], tokens_BL[:, -1]).backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def against_released(precision: Precision) -> Pair:
    """Ours against the peer, in tokens as the source counts them."""
    if precision == "bf16" and fast_precision() != "bf16":
        raise NotMeasured("This processor has no bf16 arithmetic.")
    ours, tokens = released_step(0, Path(tempfile.mkdtemp()), precision)
    # of a sentence its arrow and its first entity are read, and the begin token once
    flop = training_flop(RELEASED_SHAPE, V, 1, 1 + 2 * ROWS_OF_BATCH, ROWS_OF_BATCH)
    return Pair(ours, released_peer(), units=tokens, repeats=REPEATS, flop=flop, precision=precision)


ROWS = [
    Row(
        f"training dynamics, 24 layers of width 768, ours in {precision}", 7, "the study's step",
        "GPT2LMHeadModel, fp32, dropout", "token", functools.partial(against_released, precision), least,
    )
    for precision, least in LEAST.items()
]  # fmt: skip
