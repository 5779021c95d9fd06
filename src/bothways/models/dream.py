"""Dream's weights in the library's Qwen2, read both ways and one place to the left.

Source: Ye et al., "Dream 7B: Diffusion Large Language Models" (arXiv 2508.15487). The names and numbers are
Qwen2's. Made from a model that reads left to right, it goes on predicting each token at the place before it. The first
place has none before it: there the source leaves the place's own vector, and so do we. That vector stands for the
second token; the first one, which begins the text, is never asked.
"""

from pathlib import Path
from typing import Any

from bothways.models.folder import Config, fixed, library_config, load_weights, number, with_mask
from bothways.models.huggingface import HuggingFaceModel
from bothways.types import SpecialTokens

FIXED: dict[str, tuple[Any, ...]] = {
    "hidden_act": ("silu", None),
    "use_sliding_window": (False, None),
    "use_mrope": (False, None),
    "rope_scaling": (None,),
    "attention_bias": (True, None),
    "block_size": (None,),
}
"""Settings under which the model is a Qwen2 that predicts one place to the left; None where that is the default."""


def load_dream(
    folder: Path, config: Config, special: SpecialTokens, *, attention: str | None = None
) -> HuggingFaceModel:
    """Return the model of a folder in Dream's format.

    Raises:
        RunError: it is a Dream of another form, has no mask token, or its weights do not fit.
    """
    from transformers import Qwen2ForCausalLM

    model = load_weights(Qwen2ForCausalLM, folder, config=qwen2_config(folder, config), attention=attention)
    special = with_mask(special, folder, config, model.config.vocab_size)
    return HuggingFaceModel(model, special, reads="masked", shift=1)


def qwen2_config(folder: Path, config: Config) -> Any:
    """Return the library's words for Dream's settings.

    Raises:
        RunError: a setting has no such words.
    """
    from transformers import Qwen2Config

    fixed(folder, config, FIXED)
    n_heads = number(folder, config, "num_attention_heads")
    return library_config(
        Qwen2Config,
        folder,
        hidden_size=number(folder, config, "hidden_size"),
        intermediate_size=number(folder, config, "intermediate_size"),
        num_hidden_layers=number(folder, config, "num_hidden_layers"),
        num_attention_heads=n_heads,
        num_key_value_heads=number(folder, config, "num_key_value_heads", n_heads),
        vocab_size=number(folder, config, "vocab_size"),
        max_position_embeddings=number(folder, config, "max_position_embeddings", 131072),
        rms_norm_eps=number(folder, config, "rms_norm_eps", 1e-6),
        rope_parameters={"rope_type": "default", "rope_theta": float(number(folder, config, "rope_theta", 1000000.0))},
        tie_word_embeddings=config.get("tie_word_embeddings", False) is True,
    )
