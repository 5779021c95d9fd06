"""LLaDA's weights in the library's Llama, read both ways.

Source: Nie et al., "Large Language Diffusion Models" (arXiv 2502.09992). The dense model with block_type llama is a
Llama under other names: no tensor is transposed, split or scaled, and with all tokens seen the logits are the same.
Differs by: rotation is done in the stored number format, not in fp32. The mixture-of-experts models are something else.
"""

from pathlib import Path
from typing import Any

from bothways.errors import RunError
from bothways.models.folder import Config, fixed, library_config, load_weights, number, with_mask
from bothways.models.huggingface import HuggingFaceModel
from bothways.types import SpecialTokens

FIXED: dict[str, tuple[Any, ...]] = {
    "block_type": ("llama",),
    "block_group_size": (1, None),
    "activation_type": ("silu",),
    "layer_norm_type": ("rms",),
    "layer_norm_with_affine": (True, None),
    "rope": (True,),
    "alibi": (False, None),
    "include_bias": (False,),
    "include_qkv_bias": (False, None),
    "bias_for_layer_norm": (False, None),
    "attention_layer_norm": (False, None),
    "input_emb_norm": (False, None),
    "scale_logits": (False, None),
    "clip_qkv": (None,),
    "rope_scaling": (None,),
}
"""Settings under which the model is a Llama; None where the format's own default is one of them."""

IN_A_BLOCK = {
    "attn_norm": "input_layernorm",
    "ff_norm": "post_attention_layernorm",
    "q_proj": "self_attn.q_proj",
    "k_proj": "self_attn.k_proj",
    "v_proj": "self_attn.v_proj",
    "attn_out": "self_attn.o_proj",
    "ff_proj": "mlp.gate_proj",
    "up_proj": "mlp.up_proj",
    "ff_out": "mlp.down_proj",
}
"""LLaDA's names inside a block, and Llama's. `ff_out` outside the blocks is another one: the output matrix."""

RENAMES = {
    r"^model\.transformer\.wte\.": "model.embed_tokens.",
    r"^model\.transformer\.ln_f\.": "model.norm.",
    r"^model\.transformer\.ff_out\.": "lm_head.",
    **{
        rf"^model\.transformer\.blocks\.(\d+)\.{theirs}\.": rf"model.layers.\1.{ours}."
        for theirs, ours in IN_A_BLOCK.items()
    },
}


def load_llada(
    folder: Path, config: Config, special: SpecialTokens, *, attention: str | None = None
) -> HuggingFaceModel:
    """Return the model of a folder in LLaDA's format.

    Raises:
        RunError: it is a LLaDA of another form, has no mask token, or its weights do not fit.
    """
    from transformers import LlamaForCausalLM

    model = load_weights(
        LlamaForCausalLM, folder, config=llama_config(folder, config), renames=RENAMES, attention=attention
    )
    special = with_mask(special, folder, config, model.config.vocab_size)
    return HuggingFaceModel(model, special, reads="masked")


def llama_config(folder: Path, config: Config) -> Any:
    """Return the library's words for LLaDA's settings.

    Raises:
        RunError: a setting has no such words.
    """
    from transformers import LlamaConfig

    if any("expert" in name for name in config):
        raise RunError(f"{folder}: LLaDA's mixture-of-experts models are not read here, only the dense ones.")
    fixed(folder, config, FIXED)
    n_heads = number(folder, config, "n_heads")
    width = number(folder, config, "d_model")
    alone = 1 if config.get("multi_query_attention") else n_heads
    return library_config(
        LlamaConfig,
        folder,
        hidden_size=width,
        intermediate_size=number(folder, config, "mlp_hidden_size", number(folder, config, "mlp_ratio", 4) * width),
        num_hidden_layers=number(folder, config, "n_layers"),
        num_attention_heads=n_heads,
        num_key_value_heads=number(folder, config, "n_kv_heads", alone),
        vocab_size=number(folder, config, "embedding_size", config.get("vocab_size")),
        max_position_embeddings=number(folder, config, "max_sequence_length", 1024),
        rms_norm_eps=number(folder, config, "rms_norm_eps", 1e-5),
        rope_parameters={"rope_type": "default", "rope_theta": float(number(folder, config, "rope_theta", 10000.0))},
        tie_word_embeddings=config.get("weight_tying", True) is True,
    )
