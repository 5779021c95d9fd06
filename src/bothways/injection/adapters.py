"""Low-rank adapters by PEFT: what is put where, and a sentence where it fits nowhere."""

import warnings
from dataclasses import dataclass
from typing import Any

from bothways.errors import BothwaysError


@dataclass(frozen=True, kw_only=True)
class Lora:
    """How adapters look. Source: LoRA, Hu et al., arXiv 2106.09685; the library's defaults but for the rank."""

    rank: int = 32
    """Inner width of each pair of matrices."""
    alpha: int = 64
    """What the pair's product is multiplied with, times the rank."""
    dropout: float = 0.0
    """Share of an adapter's inputs that are dropped."""
    targets: str = "all-linear"
    """Which modules get adapters: names, comma-separated, or all-linear for every linear layer but the output's."""

    def __post_init__(self) -> None:
        for name in ("rank", "alpha"):
            if getattr(self, name) < 1:
                raise BothwaysError(f"lora {name} must be at least 1, got {getattr(self, name)}. Choose 16 or 32.")
        if not 0 <= self.dropout < 1:
            raise BothwaysError(f"lora dropout must be in [0, 1), got {self.dropout}. Choose 0.05.")


def with_lora(model: Any, lora: Lora) -> Any:
    """Return the library's model with fresh adapters in it; its own weights learn no more.

    Raises:
        BothwaysError: no module has one of the names.
    """
    from peft import LoraConfig, get_peft_model

    targets = lora.targets if lora.targets == "all-linear" else [name.strip() for name in lora.targets.split(",")]
    made = LoraConfig(
        r=lora.rank, lora_alpha=lora.alpha, lora_dropout=lora.dropout, target_modules=targets, task_type="CAUSAL_LM"
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # the libraries' own: each calls an older name of the other
            return get_peft_model(model, made)
    except ValueError:
        linear = {name.rpartition(".")[2] for name, module in model.named_modules() if hasattr(module, "in_features")}
        raise BothwaysError(
            f"No module is called {lora.targets}. Choose all-linear, or some of: {', '.join(sorted(linear))}."
        ) from None
