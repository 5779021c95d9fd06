"""Point 1: one training step of a causal model, against Hugging Face's GPT-2, its Trainer, and a plain loop.

All train the same shape on the same rows: two layers, four heads, tied embeddings, every next token counted. Ours is
what `compare` calls at every step: prepare the batch, loss and gradient, clip, AdamW.
"""

import functools
import tempfile
from collections.abc import Callable
from typing import Any

import torch

from bench.base import NotMeasured, Pair, Row
from bench.peers.loop import PlainGPT, training_step
from bothways.models.transformer import TransformerConfig, training_flop
from bothways.objectives.causal import Causal
from bothways.tensors import Batch
from bothways.training.learner import Learner
from bothways.training.speed import fast_precision

V = 1000
SIZES = {"width 128, 64 x 32 tokens": (128, 64, 32), "width 256, 64 x 64 tokens": (256, 64, 64)}
LEAST = {"fp32": (4.0, 4.0), "bf16": (2.3, 1.6)}
"""What is promised against the Hugging Face loop, by its precision, at either size."""


def batch(rows: int, length: int) -> Batch:
    """Return rows of random tokens, one longer than what a causal model reads."""
    tokens_BL = torch.randint(0, V, (rows, length + 1), generator=torch.Generator().manual_seed(0))
    return Batch(
        tokens_BL, torch.ones_like(tokens_BL, dtype=torch.bool), -torch.ones_like(tokens_BL), torch.arange(rows)
    )


def our_step(width: int, rows: int, length: int, activation: Any = "gelu") -> tuple[Callable[[], object], float]:
    """Return our step and the floating-point operations it cannot do without."""
    shape = TransformerConfig(
        n_layers=2, d_model=width, n_heads=4, d_mlp=4 * width, activation=activation, tied=True, max_length=length
    )
    learner = Learner([shape.build(V, 0)], [(1e-3, 0.01)], fast_precision())
    clean, generator = batch(rows, length), torch.Generator()

    def step() -> None:
        learner.loss([Causal().prepare(clean, generator)])
        learner.step(1.0, 1.0)

    return step, training_flop(shape, V, rows, length, rows * length)


def gpt2(width: int, length: int) -> Any:
    """Return Hugging Face's GPT-2 of the same shape, without dropout."""
    transformers = find_transformers()
    return transformers.GPT2LMHeadModel(
        transformers.GPT2Config(
            vocab_size=V, n_positions=length, n_embd=width, n_layer=2, n_head=4,
            resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=0, eos_token_id=0,
        )
    ).train()  # fmt: skip


def find_transformers() -> Any:
    """Return the library."""
    try:
        import transformers
    except ImportError:
        raise NotMeasured("transformers is not installed. Install bothways[bench].") from None
    transformers.logging.set_verbosity_error()
    return transformers


def against_hugging_face(size: str, precision: str) -> Pair:
    """Ours against the usual loop around Hugging Face's model."""
    width, rows, length = SIZES[size]
    if precision == "bf16" and fast_precision() != "bf16":
        raise NotMeasured("This processor has no bf16 arithmetic.")
    model, clean = gpt2(width, length), batch(rows, length)
    tokens_BL = clean.tokens_BL[:, :-1].contiguous()
    peer = training_step(model, lambda: model(tokens_BL, labels=tokens_BL).loss, precision == "bf16", fused=False)
    ours, flop = our_step(width, rows, length)
    return Pair(ours, peer, flop=flop, precision=fast_precision())


def against_plain_loop(size: str) -> Pair:
    """Ours against the loop that most people write, in the fastest precision of this processor."""
    width, rows, length = SIZES[size]
    model, clean = PlainGPT(V, length, width, 2, 4), batch(rows, length)
    read_BL, target_BL = clean.tokens_BL[:, :-1].contiguous(), clean.tokens_BL[:, 1:].contiguous()
    peer = training_step(model, lambda: model(read_BL, target_BL), fast_precision() == "bf16", fused=True)
    ours, flop = our_step(width, rows, length)
    return Pair(ours, peer, flop=flop, precision=fast_precision())


STEPS = 10
"""Of a call of the Trainer, whose start and end are then a small part."""


def against_trainer(size: str) -> Pair:
    """Ours against Hugging Face's Trainer, in the fastest precision of this processor."""
    transformers = find_transformers()
    width, rows, length = SIZES[size]
    clean = batch(rows, length)
    data = [{"input_ids": row, "labels": row} for row in clean.tokens_BL[:, :-1]] * STEPS
    model, folder = gpt2(width, length), tempfile.mkdtemp()
    options = transformers.TrainingArguments(
        output_dir=folder, per_device_train_batch_size=rows, max_steps=STEPS, use_cpu=True, disable_tqdm=True,
        bf16=fast_precision() == "bf16", report_to=[], save_strategy="no",
        logging_strategy="no",
    )  # fmt: skip
    trainer = transformers.Trainer(model=model, args=options, train_dataset=data)
    step, flop = our_step(width, rows, length)

    def ours() -> None:
        for _ in range(STEPS):
            step()

    return Pair(ours, trainer.train, units=STEPS, repeats=5, flop=flop * STEPS, precision=fast_precision())


ROWS = [
    *(
        Row(
            f"step, {size}, against the Hugging Face loop in {precision}", 1, "compare's step",
            f"GPT2LMHeadModel, {precision}", "step",
            functools.partial(against_hugging_face, size, precision), least[n],
        )
        for n, size in enumerate(SIZES) for precision, least in LEAST.items()
    ),
    *(
        Row(f"step, {size}, against a plain loop", 1, "compare's step", "fused attention, autocast", "step",
            functools.partial(against_plain_loop, size))
        for size in SIZES
    ),
    *(
        Row(f"step, {size}, against the Trainer", 1, "compare's step", "transformers.Trainer", "step",
            functools.partial(against_trainer, size))
        for size in SIZES
    ),
]  # fmt: skip
