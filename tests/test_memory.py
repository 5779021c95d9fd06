"""What a fine-tune needs is said before it begins: sums that can be done by hand, and a refusal with advice."""

from pathlib import Path

import pytest
from tests.small_base import write_base

CONFIG = {"num_hidden_layers": 2, "hidden_size": 10, "vocab_size": 100}


def test_the_sum_is_the_one_done_by_hand() -> None:
    """Sixteen bytes a number that learns, four for one that does not; a block keeps 34 or 68 bytes a channel."""
    from bothways.injection.memory import memory_of

    whole = memory_of(CONFIG, 1000, 1000, rows=3, length=5, half=False, again=False)
    assert (4000, 12000, 15 * (2 * 680 + 1200)) == (whole.weights, whole.optimiser, whole.activations)
    lora = memory_of(CONFIG, 1100, 100, rows=3, length=5, half=True, again=True)
    assert (4400, 1200, 15 * (340 + 40 + 1200)) == (lora.weights, lora.optimiser, lora.activations)


def test_what_does_not_fit_is_refused_with_advice() -> None:
    from bothways.errors import BothwaysError
    from bothways.injection.memory import Memory, refuse_too_large

    refuse_too_large(Memory(90, 0, 0), 100)
    with pytest.raises(
        BothwaysError, match=r"^Memory needed: about 96 MB .* 0\.1 GB are free\. Learn adapters with --lora"
    ):
        refuse_too_large(Memory(96_000_000, 0, 0), 100_000_000)


def test_weights_are_counted_without_being_read(tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    from bothways.injection.memory import count_weights

    base = write_base(tmp_path, ["Ann's mentor is Bea"])
    assert AutoModelForCausalLM.from_pretrained(base).num_parameters() == count_weights(base)
