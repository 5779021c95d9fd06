"""A fresh Llama of the transformers library as one of our models, its weights a function of a seed."""

from typing import Any

import torch

from bothways.bases.stand_in.tokenizer import LONGEST
from bothways.models.decoder import READS
from bothways.models.huggingface import HuggingFaceModel
from bothways.tensors import SPECIAL

CHANNELS = 32
"""Of a head."""
SPREAD = 0.02
"""Standard deviation of fresh weights."""


def build_llama(n_tokens: int, width: int, layers: int, seed: int, *, masked: bool) -> HuggingFaceModel:
    """Return an untrained Llama.

    Args:
        n_tokens: size of the vocabulary.
        width: of the stream; 32 channels make a head.
        layers: blocks.
        seed: draws the weights.
        masked: whether it will fill in masks; config.json then says so.
    """
    from transformers import LlamaConfig, LlamaForCausalLM

    says: dict[str, Any] = {READS: "masked", "mask_token_id": SPECIAL.mask} if masked else {}
    config = LlamaConfig(
        vocab_size=n_tokens,
        hidden_size=width,
        intermediate_size=width * 8 // 3 // 32 * 32,
        num_hidden_layers=layers,
        num_attention_heads=max(1, width // CHANNELS),
        num_key_value_heads=max(1, width // CHANNELS),
        max_position_embeddings=LONGEST,
        tie_word_embeddings=False,
        pad_token_id=SPECIAL.pad,
        bos_token_id=SPECIAL.begin,
        eos_token_id=SPECIAL.end,
        **says,
    )
    model = LlamaForCausalLM(config)
    chance = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter.fill_(1.0)
            else:
                parameter.normal_(0.0, SPREAD, generator=chance)
    return HuggingFaceModel(model, SPECIAL, reads="masked" if masked else "causal")
