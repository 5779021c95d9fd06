"""A model that somebody else trained, as the beginning of a run: its shape and its first weights are in a folder."""

from dataclasses import dataclass, field
from pathlib import Path

from bothways.batches.huggingface import open_tokenizer
from bothways.disk import file_digest
from bothways.errors import RunError
from bothways.models.open import open_model
from bothways.tensors import LanguageModel, ModelConfig
from bothways.types import digest


@dataclass(frozen=True, kw_only=True)
class Pretrained(ModelConfig):
    """Begins with the weights of a folder instead of fresh ones, in fp32; no seed changes them."""

    folder: str
    """Holds config.json, tokenizer.json and safetensors."""
    digest: str = ""
    """Of the weights and of config.json, so that a run's name says which model it began with; empty for any."""
    mask: str = field(default="", metadata={"quiet": True})
    """The token that hides others; empty for the tokenizer's own."""

    @classmethod
    def of(cls, folder: Path, mask: str = "") -> "Pretrained":
        """Return the model of a folder as it is now.

        Raises:
            RunError: no weights are there.
        """
        return cls(folder=str(folder), digest=digest_of(folder), mask=mask)

    def build(self, n_tokens: int, seed: int) -> LanguageModel:
        """Read the model; it has the vocabulary it was trained with, which holds every id of its tokenizer.

        Raises:
            RunError: the folder holds no model, a damaged one, or another one than the run began with.
            BothwaysError: it computes what we cannot follow.
        """
        folder = Path(self.folder)
        if self.digest and digest_of(folder) != self.digest:
            raise RunError(
                f"{folder}: its weights are not those the run began with. Put them back, or begin a new run."
            )
        model = open_model(folder, open_tokenizer(folder, self.mask).special).float()
        if n_tokens > model.n_tokens:
            raise RunError(
                f"{folder}: the tokenizer has {n_tokens} tokens and the model {model.n_tokens}. "
                "Give the tokenizer that belongs to the model."
            )
        return model.requires_grad_(True)


def digest_of(folder: Path) -> str:
    """Return a digest of a model's weights and of config.json.

    Raises:
        RunError: no weights are there.
    """
    files = sorted([*folder.glob("*.safetensors"), folder / "config.json"])
    if len(files) < 2 or not all(path.is_file() for path in files):
        raise RunError(f"{folder}: config.json or safetensors are missing. Give the folder of a model.")
    return digest([[path.name, file_digest(path)] for path in files])
