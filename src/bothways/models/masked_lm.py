"""The library's masked language models: BERT, RoBERTa, ModernBERT. They see all tokens and cannot be read otherwise."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bothways.errors import RunError
from bothways.models.folder import Config, load_weights, with_mask
from bothways.models.huggingface import HuggingFaceModel
from bothways.types import SpecialTokens

TRANSFORMS: tuple[tuple[str | Callable[[Tensor], Tensor], ...], ...] = (
    ("cls.predictions.transform",),  # BERT
    ("lm_head.dense", torch.nn.functional.gelu, "lm_head.layer_norm"),  # RoBERTa
    ("head",),  # ModernBERT
)
"""What stands between the last block and the output matrix: module names, or functions. A wrong guess is found out when
the model is tried."""


def load_masked_lm(
    folder: Path, config: Config, special: SpecialTokens, *, attention: str | None = None
) -> HuggingFaceModel:
    """Return the masked language model of a folder.

    Raises:
        RunError: it reads left to right, has no mask token, or its weights do not fit.
    """
    from transformers import AutoModelForMaskedLM

    if config.get("is_decoder"):
        raise RunError(f"{folder}: a {config['model_type']} made a decoder (is_decoder=True) is not read here.")
    model = load_weights(AutoModelForMaskedLM, folder, attention=attention)
    special = with_mask(special, folder, config, int(model.get_output_embeddings().weight.shape[0]))
    return HuggingFaceModel(model, special, reads="masked", sees_all=True, transform=transform_of(model))


def transform_of(model: Any) -> tuple[Callable[[Tensor], Tensor], ...]:
    """Return the steps from the last hidden states to what the output matrix reads."""
    modules = dict(model.named_modules())
    for steps in TRANSFORMS:
        found = [modules.get(step) if isinstance(step, str) else step for step in steps]
        if None not in found:
            return tuple(step for step in found if step is not None)
    return ()
