"""A folder of a model that somebody else wrote: what is in it is checked, then read once, by library classes only.

No code from the folder or the net is run, no pickle is opened, nothing is fetched. Tensors go from the file into the
model one by one, in the number format they were stored in: two copies of all weights never exist.
"""

import json
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from bothways.errors import RunError
from bothways.types import SpecialTokens

Config = Mapping[str, Any]
"""What config.json says."""

OF_OTHER_USES = re.compile(
    r"(^|\.)(pooler|cls\.seq_relationship|rotary_emb\.inv_freq|embeddings\.position_ids|attn\.bias|attn\.masked_bias)\b"
)
"""Weights that predict no tokens and are in many folders: a classifier's, and constants that old versions saved."""

BAD_FILES = (OSError, ValueError, KeyError, TypeError, AttributeError)
"""What reading a damaged or foreign file may raise."""


def read_config(folder: Path) -> dict[str, Any]:
    """Return config.json of a model's folder.

    Raises:
        RunError: the folder holds no such file, or weights we do not read: an adapter's, quantised ones, pickles.
    """
    path = folder / "config.json"
    if (folder / "adapter_config.json").exists():
        raise RunError(f"{folder}: this is an adapter, not a model. Merge it into its model and give that folder.")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunError(
            f"{folder}: no language model can be read from it, config.json is missing. "
            "Give a folder with config.json and model.safetensors."
        ) from None
    except (OSError, ValueError) as error:
        raise RunError(
            f"{path}: it cannot be read ({type(error).__name__}). Download or save the model again."
        ) from None
    if not isinstance(config, dict) or not isinstance(config.get("model_type"), str):
        raise RunError(f"{path}: it does not say which model_type this is. Download or save the model again.")
    if config.get("quantization_config") is not None:
        raise RunError(f"{path}: the weights are quantised, which is not read. Give the model as it was before that.")
    if _asks_for_code(config):
        raise RunError(f"{path}: it asks for code from the net, which is never run. Remove its *_implementation line.")
    _check_weights(folder)
    return config


def _asks_for_code(config: Any) -> bool:
    """Whether a setting at any depth names a repository of kernels, which the library would fetch and run."""
    if isinstance(config, list):
        return any(_asks_for_code(item) for item in config)
    if not isinstance(config, dict):
        return False
    return any(
        (str(name).endswith("_implementation") and "/" in json.dumps(value)) or _asks_for_code(value)
        for name, value in config.items()
    )


def _check_weights(folder: Path) -> None:
    """Refuse a folder without safetensors, or with a part of them missing."""
    index = folder / "model.safetensors.index.json"
    if (folder / "model.safetensors").is_file():
        return
    if index.is_file():
        try:
            names = {str(name) for name in json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()}
        except BAD_FILES as error:
            raise RunError(f"{index}: it cannot be read ({type(error).__name__}). Download the model again.") from None
        outside = sorted(name for name in names if Path(name).name != name or not name.endswith(".safetensors"))
        if outside:
            raise RunError(f"{index}: {outside[0]!r} is no safetensors file of this folder. Download the model again.")
        missing = sorted(name for name in names if not (folder / name).is_file())
        if missing:
            raise RunError(f"{folder}: {missing[0]} is missing, one of {len(names)} parts. Download the model again.")
        return
    if any(folder.glob("*.bin")) or any(folder.glob("*.pt")):
        raise RunError(
            f"{folder}: its weights are pickles, which can run code and are never opened. Save it as safetensors."
        )
    raise RunError(
        f"{folder}: no language model can be read from it, model.safetensors is missing. "
        "Give a folder with config.json and model.safetensors."
    )


def load_weights(
    kind: Any,
    folder: Path,
    *,
    config: Any = None,
    renames: Mapping[str, str] | None = None,
    attention: str | None = None,
) -> Any:
    """Return a model of the library with the weights of a folder, each of which has found its place.

    Args:
        kind: a class of the library with `from_pretrained`.
        folder: a folder that `read_config` accepts.
        config: a configuration of the library; None reads the folder's own.
        renames: patterns of the names in the file, and what they are in the class; None leaves names as they are.
        attention: sdpa or eager; None for the library's choice, which is sdpa where a model has it.

    Raises:
        RunError: the file is damaged, or names or shapes of weights are not those of the class.
    """
    from huggingface_hub.errors import StrictDataclassError
    from safetensors import SafetensorError

    more = {} if config is None else {"config": config}
    try:
        with silence():
            model, report = kind.from_pretrained(
                folder,
                **more,
                key_mapping=None if renames is None else dict(renames),
                attn_implementation=attention,
                dtype="auto",
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # so that the report names them
                local_files_only=True,
                use_safetensors=True,
                trust_remote_code=False,
            )
    except (*BAD_FILES, ImportError, SafetensorError, StrictDataclassError) as error:
        raise RunError(
            f"{folder}: no language model can be read from it ({type(error).__name__}). "
            "Give a folder with config.json and model.safetensors."
        ) from None
    _refuse_homeless(folder, type(model).__name__, report)
    if renames is not None:
        model._weight_conversions = None  # else it would be saved under the file's names, which its class does not read
    if config is not None and config.tie_word_embeddings and not is_tied(model):
        raise RunError(
            f"{folder}: config.json says that the output matrix is the embedding, but the file holds both. "
            "Correct config.json or download the model again."
        )
    return model


def is_tied(model: Any) -> bool:
    """Whether the output matrix is the embedding."""
    return model.get_output_embeddings().weight is model.get_input_embeddings().weight


def _refuse_homeless(folder: Path, name: str, report: Mapping[str, Any]) -> None:
    """Refuse weights that the class has no place for, and places that the file has no weights for."""
    sized = {key[0] if isinstance(key, tuple) else key for key in report["mismatched_keys"]}
    found = {
        "lacks": report["missing_keys"] - sized,
        "has in another size": sized,
        "has too many of": {key for key in report["unexpected_keys"] if not OF_OTHER_USES.search(key)},
    }
    for what, keys in found.items():
        if keys:
            raise RunError(
                f"{folder}: the file {what} weights of a {name}: {min(keys)} ({len(keys)} in all). "
                "Give the folder of a whole model of that kind."
            )


@contextmanager
def silence() -> Iterator[None]:
    """Keep the library's progress bars and reports off the terminal: what matters is raised."""
    from transformers.utils import logging as library

    level, bars = library.get_verbosity(), library.is_progress_bar_enabled()
    library.set_verbosity(logging.CRITICAL)
    library.disable_progress_bar()
    try:
        yield
    finally:
        library.set_verbosity(level)
        if bars:
            library.enable_progress_bar()


def fixed(folder: Path, config: Config, allowed: Mapping[str, tuple[Any, ...]]) -> None:
    """Refuse settings under which the model would compute something else than the class that takes its weights.

    Args:
        folder: named in the message.
        config: what config.json says.
        allowed: for each setting the values that are read; None among them means that it may be left out.

    Raises:
        RunError: a setting has another value.
    """
    for name, values in allowed.items():
        got = config.get(name)
        if not any(got is value or (type(got) is type(value) and got == value) for value in values):
            shown = " or ".join(str(value) for value in values if value is not None) or "nothing"
            raise RunError(
                f"{folder}/config.json: {name}={got} is a model of a form that is not read here, only {name}={shown}."
            )


def number(folder: Path, config: Config, name: str, default: Any = None) -> Any:
    """Return a positive number of config.json; a whole one where the default is whole or None.

    Raises:
        RunError: it is missing, or no such number.
    """
    value = config.get(name)
    value = default if value is None else value
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float if isinstance(default, float) else int)
        or value <= 0
    ):
        raise RunError(f"{folder}/config.json: {name} must be a positive number, got {name}={value}. Correct the file.")
    return value


def library_config(kind: Any, folder: Path, **settings: Any) -> Any:
    """Return a configuration of the library, of no special tokens: ours are given apart.

    Raises:
        RunError: the settings contradict each other.
    """
    from huggingface_hub.errors import StrictDataclassError

    try:
        return kind(**settings, bos_token_id=None, eos_token_id=None, pad_token_id=None)
    except (ValueError, TypeError, StrictDataclassError) as error:
        said = " ".join(str(error).split())
        raise RunError(
            f"{folder}/config.json: the settings contradict each other ({said}). Correct the file."
        ) from None


def with_mask(special: SpecialTokens, folder: Path, config: Config, n_tokens: int) -> SpecialTokens:
    """Return the special tokens with the mask the model was trained with: config.json's, else the tokenizer's.

    Raises:
        RunError: there is none, the two differ, or the model has no such token.
    """
    said = config.get("mask_token_id")
    mask = special.mask if said is None else said
    if isinstance(mask, bool) or not isinstance(mask, int) or not 0 <= mask < n_tokens:
        raise RunError(
            f"{folder}: a model that fills in masks needs a mask token below {n_tokens}, got {mask}. "
            "Set mask_token_id in config.json or the tokenizer's mask_token."
        )
    if mask != special.mask >= 0:
        raise RunError(
            f"{folder}: the mask token is {mask} in config.json and {special.mask} in the tokenizer. "
            "Give the tokenizer that belongs to the model."
        )
    return replace(special, mask=mask)
