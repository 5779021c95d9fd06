"""Any model of the transformers library, and LLaDA and Dream, from a folder: config.json says which of the loaders."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from bothways.models.decoder import load_decoder
from bothways.models.dream import load_dream
from bothways.models.folder import Config, read_config
from bothways.models.huggingface import HuggingFaceModel
from bothways.models.llada import load_llada
from bothways.models.masked_lm import load_masked_lm
from bothways.types import SpecialTokens


class Loader(Protocol):
    """Reads one family's folders."""

    def __call__(
        self, folder: Path, config: Config, special: SpecialTokens, *, attention: str | None = None
    ) -> HuggingFaceModel:
        """Return the model."""
        ...


FAMILIES: Mapping[str, Loader] = {
    "llada": load_llada,
    "Dream": load_dream,
    "bert": load_masked_lm,
    "roberta": load_masked_lm,
    "xlm-roberta": load_masked_lm,
    "camembert": load_masked_lm,
    "modernbert": load_masked_lm,
}
"""The loader of each `model_type`; all others are tried as decoders that read left to right."""


def open_model(folder: Path, special: SpecialTokens, *, attention: str | None = None) -> HuggingFaceModel:
    """Return the model of a folder as one of ours; its `reads` says how it is asked.

    Args:
        folder: holds config.json and safetensors, in one file or in parts.
        special: the special tokens of its tokenizer.
        attention: sdpa or eager; None for the library's choice, which is sdpa where a model has it.

    Raises:
        RunError: there is no such model, its files are damaged, or it is of a form that is not read.
        BothwaysError: it is read, but computes what we cannot follow.
    """
    config = read_config(folder)
    return FAMILIES.get(config["model_type"], load_decoder)(folder, config, special, attention=attention)
