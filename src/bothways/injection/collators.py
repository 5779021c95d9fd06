"""Our objectives as the `data_collator` of a trainer of somebody else: the library's `Trainer`, or TRL's `SFTTrainer`.

    SFTTrainer(
        model, train_dataset=dataset, data_collator=Collator(tokenizer, MaskedFinetuning()),
        args=SFTConfig(remove_unused_columns=False, dataset_kwargs={"skip_prepare_dataset": True}),
    )

Such a trainer shifts labels by itself and reads left to right, so only objectives for models that do so are served.
"""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad
from torch.utils.data import get_worker_info

from bothways.batches.chat import ChatTokenizer
from bothways.errors import BothwaysError
from bothways.injection.features import IGNORED, Feature, Features
from bothways.objectives.causal_answers import CausalAnswers
from bothways.tensors import Objective, Prepared


class Collator:
    """Makes rows of a data set (`Features` says of which form) into what an objective wants to see, with labels.

    Masks are fresh at every call. Chance comes from `seed`, the count of calls, the process (RANK) and the loader's
    worker: a run gives the same masks again, but not one that was resumed, whose calls are counted from 0. `bothways
    inject` does without that flaw.

    Args:
        tokenizer: a fast tokenizer of the library.
        objective: how rows are read and what is learned.
        seed: of the masks.
        max_length: most tokens in a row as the model reads it, 0 for any number; none is cut.

    Raises:
        BothwaysError: the objective is for models that see all tokens, or the tokenizer lacks a token that it needs.
    """

    def __init__(self, tokenizer: Any, objective: Objective, *, seed: int = 0, max_length: int = 0) -> None:
        if not isinstance(objective, CausalAnswers) or not objective.reads_alike:
            raise BothwaysError(
                f"A collator serves trainers that read left to right, got {type(objective).__name__}, which reads "
                "otherwise. Use bothways inject, whose trainer (bothways.injection.finetune) gives the model its mask."
            )
        self._objective = objective.worded(ChatTokenizer(tokenizer).turns)
        self._features = Features(tokenizer, in_words=self._objective is not objective)
        self._seed, self._max_length = seed, max_length
        self.calls = 0
        self._prepare([{"text": "A is B."}], seed)  # says now what the tokenizer lacks, not after the model was loaded

    def __call__(self, features: Sequence[Feature]) -> dict[str, Tensor]:
        """Return `input_ids`, `labels` (-100 where nothing is learned) and `attention_mask`, each (B, L).

        Raises:
            BothwaysError: a row is of no known form, or too long.
        """
        prepared = self._prepare(features, self._draw())
        self.calls += 1
        return labelled(prepared, self._max_length)

    def _prepare(self, features: Sequence[Feature], seed: int) -> Prepared:
        return self._objective.prepare(self._features.batch(features), torch.Generator().manual_seed(seed))

    def _draw(self) -> int:
        """Return the seed of this call alone: it is another in another process, worker, or epoch of a worker."""
        worker = get_worker_info()
        place = int(os.environ.get("RANK", "0")), 0 if worker is None else worker.seed
        return int(np.random.SeedSequence([self._seed, self.calls, *place]).generate_state(1)[0])


def labelled(prepared: Prepared, max_length: int = 0) -> dict[str, Tensor]:
    """Return rows as the library's models want them: labels stand where their tokens do, and the model shifts them.

    What stands after a row's last label is read for nothing, and left out.

    Raises:
        BothwaysError: a row is longer than `max_length`, if that is not 0.
    """
    counts_BL = pad(prepared.weight_BL > 0, (1, 0))
    seen_BL = counts_BL.flip(1).cumsum(1).flip(1) > 0
    seen_BL[:, 0] = True
    length = int(seen_BL.sum(1).max())
    if 0 < max_length < length:
        raise BothwaysError(
            f"A row has {length} tokens as the model reads it, and max_length={max_length}. "
            "Cut the texts of the data set into shorter ones, or raise max_length as far as the model allows."
        )
    rows = {
        "input_ids": torch.cat([prepared.input_BL, prepared.target_BL[:, -1:]], 1),
        "labels": pad(prepared.target_BL, (1, 0)).masked_fill(~counts_BL, IGNORED),
        "attention_mask": seen_BL.long(),
    }
    return {name: tensor_BL[:, :length] for name, tensor_BL in rows.items()}
