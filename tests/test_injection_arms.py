"""The objectives of knowledge injection are arms like all others: they train, are measured and resume."""

from pathlib import Path

import pytest
from tests.command_line import WORLD, bytes_of, compare, runs_of

ARMS = (
    "causal:frame=chat",
    "masked_finetuning",
    "masked_finetuning:mask=entity:rate_per=row",
    "masked_finetuning:mask=adaptive",
    "masked_finetuning:count=hidden",
    "masked_finetuning:prompt=random",
    "in_place_masking",
    "bidirectional_causal",
)
SMALL = ("training.steps=6", "model.d_model=16", "model.n_heads=1", "model.d_mlp=32")


@pytest.mark.usefixtures("undrawn")
def test_every_arm_trains_and_is_measured_in_a_comparison(tmp_path: Path) -> None:
    """Rows twice as long, packs and batches of two kinds included; two seeds, so that those that may, share a pack."""
    done = compare(WORLD, tmp_path / "out", "--seeds", 2, "--arms", ",".join(ARMS), "--json", settings=SMALL)
    assert (0, []) == (done.status, done.complaint)
    assert list(ARMS) == [arm["arm"] for arm in done.json["arms"]]
    assert 2 * len(ARMS) == len(runs_of(tmp_path / "out"))


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("arm", ["masked_finetuning:mask=either", "bidirectional_causal"])
def test_the_same_seed_gives_the_same_weights(arm: str, tmp_path: Path) -> None:
    for name in ("one", "other"):
        assert 0 == compare(WORLD, tmp_path / name, "--arms", arm, settings=SMALL).status
    one, other = (next(iter(runs_of(tmp_path / name).values())) for name in ("one", "other"))
    assert bytes_of(one, "model/model.safetensors") == bytes_of(other, "model/model.safetensors")
