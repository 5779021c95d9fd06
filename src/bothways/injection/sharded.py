"""Weights that FSDP2 has dealt out to several processes: whole for as long as a model is asked, and put back."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor
from torch.distributed.checkpoint.state_dict import StateDictOptions, set_model_state_dict
from torch.distributed.fsdp import FSDPModule


@contextmanager
def whole(model: Any) -> Iterator[None]:
    """Let every process have all weights of a model while it is asked; nothing happens to one that is whole anyway.

    All processes must come here together: they send each other what the others lack.
    """
    parts = [part for part in model.modules() if isinstance(part, FSDPModule)]
    for part in parts:
        part.set_reshard_after_forward(False, recurse=False)
        part.unshard()
    try:
        yield
    finally:
        for part in parts:
            part.reshard()
            part.set_reshard_after_forward(part is not model, recurse=False)


def put_back(model: Any, weights: Mapping[str, Tensor]) -> None:
    """Put weights into a model, whole or dealt out; what is tied may be named once.

    All processes must come here together, each with all weights.
    """
    options = StateDictOptions(full_state_dict=True, strict=False)
    strange = set_model_state_dict(model, dict(weights), options=options).unexpected_keys
    assert not strange, f"saved under other names: {strange[:3]}"
