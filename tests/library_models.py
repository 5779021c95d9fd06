"""Tiny models of the transformers library with random weights: biases and norms too, so that none can be forgotten."""

from pathlib import Path
from typing import Any

N_TOKENS = 60
WIDE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48}
LONG = {"vocab_size": N_TOKENS, "max_position_embeddings": 64}
GPT2 = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64, "vocab_size": N_TOKENS}
SHARED = {"num_key_value_heads": 2}
KINDS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "gpt2": ("GPT2Config", "GPT2LMHeadModel", GPT2),
    "gpt_neox": ("GPTNeoXConfig", "GPTNeoXForCausalLM", {**WIDE, **LONG}),
    "llama": ("LlamaConfig", "LlamaForCausalLM", {**WIDE, **LONG, **SHARED}),
    "qwen2": ("Qwen2Config", "Qwen2ForCausalLM", {**WIDE, **LONG, **SHARED}),
    "mistral": ("MistralConfig", "MistralForCausalLM", {**WIDE, **LONG, **SHARED}),
    "gemma": ("GemmaConfig", "GemmaForCausalLM", {**WIDE, **LONG, **SHARED, "head_dim": 8}),
    "phi": ("PhiConfig", "PhiForCausalLM", {**WIDE, **LONG}),
    "qwen3": ("Qwen3Config", "Qwen3ForCausalLM", {**WIDE, **LONG, **SHARED, "head_dim": 8}),
    "mamba": ("MambaConfig", "MambaForCausalLM", {**WIDE, "vocab_size": N_TOKENS, "state_size": 4}),
    "bert": ("BertConfig", "BertForMaskedLM", {**WIDE, **LONG}),
    "roberta": ("RobertaConfig", "RobertaForMaskedLM", {**WIDE, **LONG}),
    "modernbert": ("ModernBertConfig", "ModernBertForMaskedLM", {**WIDE, **LONG, "local_attention": 4}),
}
"""The configuration and the class of each kind, and settings of a tiny one."""
ENCODERS = ("bert", "roberta", "modernbert")


def library_model(kind: str, attention: str | None = None, **more: Any) -> Any:
    """Make a model; every parameter is random and of a size that matters."""
    import torch
    import transformers

    config_name, model_name, small = KINDS[kind]
    ids = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
    config = getattr(transformers, config_name)(attn_implementation=attention, **{**small, **ids, **more})
    model = getattr(transformers, model_name)(config).eval()
    random = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(
                0.3 * torch.randn(parameter.shape, generator=random) + (0.5 if parameter.ndim == 1 else 0.0)
            )
    return model


def saved(kind: str, folder: Path, **more: Any) -> Any:
    """Write a model to a folder and return it."""
    model = library_model(kind, **more)
    model.save_pretrained(folder)
    return model


def opened(kind: str, folder: Path, attention: str | None = None, **more: Any) -> tuple[Any, Any]:
    """Return the library's model and ours, read from its folder."""
    from bothways.models.open import open_model
    from bothways.tensors import SPECIAL

    model = saved(kind, folder, **more)
    return model, open_model(folder, SPECIAL, attention=attention).requires_grad_(False)


def some_tokens(length: int = 9) -> Any:
    """Return two rows without special tokens."""
    import torch

    return torch.randint(6, N_TOKENS, (2, length), generator=torch.Generator().manual_seed(1))
