"""Exact statements about masked diffusion: both sides agree to rounding, and where they must differ they do."""

import pytest

TABLE = {
    (16, 1): 0.796, (16, 2): 0.695, (16, 10): 0.722, (16, 64): 0.241, (32, 1): 0.858, (32, 3): 0.743, (32, 32): 0.537,
    (64, 1): 0.884, (64, 2): 0.748, (64, 10): 0.590, (64, 32): 0.435, (64, 100): 0.357, (128, 1): 0.897,
    (128, 20): 0.509,
}  # fmt: skip
"""Rotary correlation of random queries by (width of a head, distance), from another computation."""


@pytest.mark.parametrize(("width", "distance"), TABLE)
def test_rotary_scores_of_both_sides_correlate_as_the_formula_says(width: int, distance: int) -> None:
    from bothways.mechanisms.identities import rotary_routes

    found = rotary_routes(0, width=width, distance=distance)
    assert found["formula"] == pytest.approx(TABLE[width, distance], abs=6e-4)
    assert found["formula"] == pytest.approx(found["turned"], abs=2e-5)
    assert found["own_formula"] == pytest.approx(found["own_turned"], abs=2e-5)
    assert found["formula"] == pytest.approx(found["sampled"], abs=0.06)
    assert found["own_formula"] == pytest.approx(found["own_sampled"], abs=0.06)
    assert found["own_formula"] != pytest.approx(found["formula"], abs=1e-3)


@pytest.mark.parametrize(("distance", "limit"), [(1, 0.908), (2, 0.772), (10, 0.617), (32, 0.487)])
def test_the_limit_of_wide_heads_is_only_a_limit(distance: int, limit: float) -> None:
    from bothways.mechanisms.identities import rotary_routes

    assert rotary_routes(0, distance=distance)["large_width"] == pytest.approx(limit, abs=6e-4)


def test_the_correlation_of_far_keys_is_negative_and_of_a_fast_query_small() -> None:
    """No bound above 0.4 holds: not at every distance, and not for every query."""
    import torch

    from bothways.mechanisms.identities import rotary_correlation, rotary_routes

    assert min(rotary_routes(0, width=32, distance=d, samples=2)["formula"] for d in range(1, 1001)) < -0.25
    fast_K = torch.tensor([1.0, 0.0, 0.0, 0.0])
    assert rotary_correlation(torch.tensor([0.76, 0.01]), torch.tensor([2.0]), fast_K).item() < 0.06


@pytest.mark.parametrize("seed", range(5))
def test_the_storage_gradient_is_the_product_of_reads_and_bracket(seed: int) -> None:
    from bothways.mechanisms.identities import storage_gradient

    found = storage_gradient(seed)
    assert found["product"] == pytest.approx(found["formula"], rel=1e-10)
    assert found["bracket"] > 0
    assert found["change"] == pytest.approx(found["predicted"], rel=1e-3)
    assert storage_gradient(seed, rate=3.0)["change"] != pytest.approx(3e4 * found["predicted"], rel=1e-3)


@pytest.mark.parametrize("positions", ["none", "alibi"])
@pytest.mark.parametrize("n_layers", [1, 3])
def test_a_mirrored_text_gives_the_mask_the_same_logits(positions: str, n_layers: int) -> None:
    from bothways.mechanisms.identities import mirror_parity

    found = mirror_parity(0, positions=positions, n_layers=n_layers)
    assert found["gap"] < 1e-12 * found["scale"]
    assert mirror_parity(0, positions=positions, n_layers=n_layers, filler=2)["gap"] > 1e-3 * found["scale"]


@pytest.mark.parametrize("positions", ["rotary", "learned"])
def test_with_signed_places_it_does_not(positions: str) -> None:
    from bothways.mechanisms.identities import mirror_parity

    found = mirror_parity(0, positions=positions)
    assert found["gap"] > 1e-2 * found["scale"]


def test_left_to_right_what_is_learned_forward_says_nothing_in_reverse() -> None:
    """The gradients meet only through the likeness of two embeddings, and a mask's meet in the pair."""
    from bothways.mechanisms.identities import left_to_right

    drawn = [left_to_right(seed) for seed in range(10)]
    for found in drawn:
        assert found["product"] == pytest.approx(found["formula"], rel=1e-9)
        assert abs(found["cosine"]) < 4 / 1024**0.5
    assert sum(found["masked_cosine"] for found in drawn) / 10 > 0.2


def test_a_pairs_own_gradients_agree_best() -> None:
    from bothways.mechanisms.identities import mismatched_pairs

    found = mismatched_pairs(20)
    for kind in ("other_last", "other_first", "other_both"):
        assert 0 < found[f"{kind}_low"] < found[kind] < found[f"{kind}_high"]
