"""Point 9: `inject`'s step for a model of the library, against TRL's trainer, and what masking costs it.

A Llama of 4 layers reads rows of random tokens. Both trainers take so many steps at a call; texts are turned into
tokens before, and nothing is measured or saved on the way.
"""

import functools
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from bench.base import NotMeasured, Pair, Row
from bench.rows.step import V, find_transformers
from bothways.injection.finetune import ObjectiveTrainer, TrainerOptions, arguments_of, optimizers_of
from bothways.objectives.causal import Causal
from bothways.objectives.masked_finetuning import MaskedFinetuning
from bothways.tensors import SPECIAL, Batch, LanguageModel, Objective, Prepared
from bothways.training.loop import Member, TrainingConfig

STEPS = 10
"""Of a call, whose start and end are then a small part."""
SIZES = {"width 128, 16 x 64 tokens": (128, 16, 64), "width 512, 8 x 128 tokens": (512, 8, 128)}


@dataclass(frozen=True, kw_only=True)
class Kept(Causal):
    """Gives the rows that another objective made of a batch once."""

    made: Prepared

    def prepare(self, batch: Batch, generator: torch.Generator) -> Prepared:
        """Return them."""
        return self.made


class Same:
    """The same batch at every step."""

    def __init__(self, one: Batch) -> None:
        self._one = one

    def at(self, step: int) -> Batch:
        """Return it."""
        return self._one


def texts(rows: int, length: int) -> Batch:
    """Return rows of random words that begin and end as texts do, one token longer than what a model reads of them."""
    tokens_BL = torch.randint(6, V, (rows, length + 1), generator=torch.Generator().manual_seed(0))
    tokens_BL[:, 0], tokens_BL[:, -1] = SPECIAL.begin, SPECIAL.end
    counts_BL = torch.ones_like(tokens_BL, dtype=torch.bool)
    counts_BL[:, 0] = False
    return Batch(tokens_BL, counts_BL, -torch.ones_like(tokens_BL), torch.arange(rows))


def llama(width: int) -> Any:
    """Return a Llama of 4 layers with random weights."""
    transformers = find_transformers()
    shape = transformers.LlamaConfig(
        vocab_size=V, hidden_size=width, intermediate_size=4 * width, num_hidden_layers=4, num_attention_heads=4,
        max_position_embeddings=1024, bos_token_id=0, eos_token_id=0, pad_token_id=0,
    )  # fmt: skip
    torch.manual_seed(0)
    return transformers.LlamaForCausalLM(shape).train()


def our_trainer(model: Any, objective: Objective, rows: Batch) -> Any:
    """Return the trainer that `inject` uses, which saves nothing here."""

    def unasked(model: LanguageModel, objective: Objective) -> dict[str, Any]:
        return {}

    batches: Any = Same(rows)
    config = TrainingConfig(steps=STEPS)
    member = Member(model, objective, batches, config, Path(tempfile.mkdtemp()), unasked, 0)
    arguments: Any = arguments_of(member, TrainerOptions())
    arguments.save_strategy = "no"
    return quiet(
        ObjectiveTrainer(member=member, shift=0, model=model, args=arguments, optimizers=optimizers_of(config, model))
    )


def sft_trainer(model: Any, rows: Batch) -> Any:
    """Return TRL's trainer with its own settings, but for what would save or report."""
    try:
        from datasets import Dataset
        from trl.trainer.sft_config import SFTConfig
        from trl.trainer.sft_trainer import SFTTrainer
    except ImportError:
        raise NotMeasured("TRL is not installed. Install bothways[bench].") from None
    transformers, tokenizers = find_transformers(), __import__("tokenizers")
    words = tokenizers.Tokenizer(tokenizers.models.WordLevel({str(n): n for n in range(V)}, unk_token="0"))
    speller = transformers.PreTrainedTokenizerFast(tokenizer_object=words, eos_token="0", pad_token="0")
    size = len(rows.tokens_BL)
    arguments = SFTConfig(
        output_dir=tempfile.mkdtemp(), max_steps=STEPS, per_device_train_batch_size=size, use_cpu=True, bf16=False,
        disable_tqdm=True, report_to="none", save_strategy="no", gradient_checkpointing=False,
    )  # fmt: skip
    data = Dataset.from_dict({"input_ids": rows.tokens_BL[:, :-1].tolist() * STEPS})
    return quiet(SFTTrainer(model, args=arguments, train_dataset=data, processing_class=speller))


def quiet(trainer: Any) -> Any:
    """Return a trainer that prints nothing."""
    trainer.remove_callback(find_transformers().PrinterCallback)
    return trainer


def against_trl(size: str) -> Pair:
    """Next-token training of plain rows by either trainer."""
    width, rows, length = SIZES[size]
    clean = texts(rows, length)
    ours, peer = our_trainer(llama(width), Causal(), clean), sft_trainer(llama(width), clean)
    return Pair(ours.train, peer.train, units=STEPS * rows * length, repeats=7)


def masking(size: str) -> Pair:
    """Masked fine-tuning, and the same rows without the making of them."""
    width, rows, length = SIZES[size]
    clean, objective = texts(rows, length // 2 - 2), MaskedFinetuning()
    made = objective.prepare(clean, torch.Generator().manual_seed(0))
    ours, peer = our_trainer(llama(width), objective, clean), our_trainer(llama(width), Kept(made=made), clean)
    return Pair(ours.train, peer.train, units=STEPS * made.input_BL.numel(), repeats=7)


ROWS = [
    *(
        Row(f"inject, next-token, {size}, against TRL", 9, "inject's trainer", "SFTTrainer", "token",
            functools.partial(against_trl, size), 1.0)
        for size in SIZES
    ),
    *(
        Row(f"inject, masked fine-tuning, {size}, against the same rows ready made", 9, "masks drawn at every step",
            "rows made once", "token", functools.partial(masking, size), 0.95)
        for size in SIZES
    ),
]  # fmt: skip
