"""The library's decoders: GPT-2, GPT-NeoX, Llama, Mistral, Qwen and what else predicts the next token."""

from pathlib import Path

from bothways.errors import RunError
from bothways.models.folder import Config, load_weights, with_mask
from bothways.models.huggingface import HuggingFaceModel, fuse_activations
from bothways.types import SpecialTokens

READS = "bothways_reads"
"""The line of config.json that says how a decoder was trained to be read: `causal` (the default) or `masked`."""
SHIFT = "bothways_shift"
"""How many places before a token such a model predicts it, where it fills in masks: 0 (the default), or 1 as Dream."""


def load_decoder(
    folder: Path, config: Config, special: SpecialTokens, *, attention: str | None = None
) -> HuggingFaceModel:
    """Return the decoder of a folder; where config.json says so, one that fills in masks and sees all tokens.

    Raises:
        RunError: the library has no decoder of this `model_type`, its weights do not fit, config.json says of no
            known way that it is read, or it fills in masks and has no mask token.
    """
    from transformers import AutoModelForCausalLM

    reads = config.get(READS, "causal")
    if reads not in ("causal", "masked"):
        raise RunError(f"{folder}/config.json: {READS} must be causal or masked, got {reads!r}. Correct the file.")
    model = load_weights(AutoModelForCausalLM, folder, attention=attention)
    fuse_activations(model)
    shift = config.get(SHIFT, 0)
    if isinstance(shift, bool) or shift not in ((0, 1) if reads == "masked" else (0,)):
        raise RunError(
            f"{folder}/config.json: {SHIFT} must be 0, or 1 where {READS} is masked, got {shift!r}. Correct the file."
        )
    if reads == "masked":
        special = with_mask(special, folder, config, int(model.get_output_embeddings().weight.shape[0]))
    return HuggingFaceModel(model, special, reads=reads, shift=shift)
