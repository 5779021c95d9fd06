"""The library's decoders: GPT-2, GPT-NeoX, Llama, Mistral, Qwen and what else predicts the next token."""

from pathlib import Path

from bothways.models.folder import Config, load_weights
from bothways.models.huggingface import HuggingFaceModel, fuse_activations
from bothways.types import SpecialTokens


def load_decoder(
    folder: Path, config: Config, special: SpecialTokens, *, attention: str | None = None
) -> HuggingFaceModel:
    """Return the decoder of a folder.

    Raises:
        RunError: the library has no decoder of this `model_type`, or its weights do not fit.
    """
    from transformers import AutoModelForCausalLM

    model = load_weights(AutoModelForCausalLM, folder, attention=attention)
    fuse_activations(model)
    return HuggingFaceModel(model, special)
