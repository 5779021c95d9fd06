"""What is said of a model's numbers: each rule at known numbers, on both sides of its threshold."""

from typing import Any

import pytest

CURSED: dict[str, dict[str, float]] = {
    "answers": {"forward_accuracy": 0.98, "reverse_tested_accuracy": 0.01},
    "storage_evidence": {
        "last_from_first": 12.3, "last_from_first_best": 0.97, "first_from_last": 0.1, "first_from_last_best": 0.02,
        "chance": 0.02,
    },
    "attention_routes": {"correlation": 0.8, "other_pairs": 0.02, "forward_weight": 0.4, "reverse_weight": 0.38},
    "linear_probe": {"forward_asked": 0.7, "reverse_asked": 0.03, "chance": 0.02},
    "embedding_cosine": {"partners": 0.02, "others": 0.01},
    "factorisation_gap": {"between_texts_gap": 12.0, "between_texts_signed": 11.0},
    "gradient_alignment": {
        "all_cosine": 0.3, "all_cosine_mismatched": 0.1, "storage_cosine": 0.4, "storage_cosine_mismatched": 0.1,
        "routing_cosine": 0.2, "routing_cosine_mismatched": 0.1,
    },
}  # fmt: skip
LENS = [
    {"kind": "forward", "blocks": 0, "probability": 0.01},
    {"kind": "forward", "blocks": 2, "probability": 0.93},
    {"kind": "reverse_tested", "blocks": 0, "probability": 0.001},
    {"kind": "reverse_tested", "blocks": 2, "probability": 0.01},
]
MAPS = [
    {"map": "direct", "role": "storage", "asymmetry": 1.4},
    {"map": "value 0", "role": "storage", "asymmetry": 1.36},
    {"map": "attention 0", "role": "routing", "asymmetry": 1.2},
]


def looked(*, causal: bool = False, lens: Any = LENS, maps: Any = MAPS, **changed: dict[str, float]) -> dict[str, Any]:
    """Return the numbers of a cursed model with some of them changed."""
    probes = {name: {**numbers, **changed.get(name, {})} for name, numbers in CURSED.items()}
    return {
        "probes": probes,
        "tables": {"logit_lens": lens, "weight_asymmetry": maps},
        "left_out": {},
        "causal": causal,
    }


def sentence(about: str, data: dict[str, Any]) -> Any:
    """Return what is said about one thing."""
    from bothways.reports.explain_words import says

    return next((one for one in says(data) if one.about == about), None)


@pytest.mark.parametrize(
    ("forward", "reverse", "verdict", "words"),
    [
        (0.98, 0.01, "lost", "Facts are answered as they are stated, and not the other way (0.98 forward, 0.01"),
        (0.98, 0.3, "lost", "and much less the other way (0.98 forward, 0.30 in reverse)"),
        (0.98, 0.5, "both", "Facts are answered both ways (0.98 forward, 0.50 in reverse)"),
        (0.49, 0.0, "unknown", "Few facts are answered even as they are stated (0.49 forward, 0.00 in reverse)"),
    ],
)
def test_answers(forward: float, reverse: float, verdict: str, words: str) -> None:
    found = sentence("answers", looked(answers={"forward_accuracy": forward, "reverse_tested_accuracy": reverse}))
    assert (verdict, True) == (found.verdict, words in found.text)
    assert {"forward_accuracy": forward, "reverse_tested_accuracy": reverse} == found.numbers


def test_where_only_partners_are_tested_they_stand_for_reverse() -> None:
    data = looked()
    data["probes"]["answers"] = {"forward_accuracy": 0.9, "reverse_partner_accuracy": 0.8}
    data["tables"]["logit_lens"] = [{**row, "kind": row["kind"].replace("tested", "partner")} for row in LENS]
    assert "both" == sentence("answers", data).verdict
    assert "never raises A (at most 0.01)" in sentence("logit lens", data).text


def test_the_lens_says_after_which_block() -> None:
    found = sentence("logit lens", looked())
    assert (
        "A's mention raises B after block 2 (logit lens 0.93), B's mention never raises A (at most 0.01)." == found.text
    )
    assert "forward" == found.verdict
    assert 2.0 == found.numbers["B from A, after block"]
    faint = [{**row, "probability": 0.3 if row["kind"] == "forward" else 0.6} for row in LENS[::2]]
    text = sentence("logit lens", looked(lens=faint)).text
    assert "A's mention raises B faintly, before the first block (logit lens 0.30)" in text
    assert "B's mention raises A before the first block (logit lens 0.60)" in text


@pytest.mark.parametrize(
    ("best", "logits", "chance", "says"),
    [
        (0.02, 0.1, 0.02, "and does not hold A from B (0.1 logits, 0.02 of pairs; chance 0.02)"),
        (0.3, 2.0, 0.02, "and partly holds A from B"),
        (0.3, 2.0, 0.06, "and does not hold A from B"),
        (0.6, 2.0, 0.02, "and holds A from B"),
        (0.6, -2.0, 0.02, "and does not hold A from B"),
        (0.6, 2.0, 0.2, "too few pairs"),
    ],
)
def test_storage(best: float, logits: float, chance: float, says: str) -> None:
    """A partner counts where its logit is above others and first far more often than chance."""
    changed = {"first_from_last": logits, "first_from_last_best": best, "chance": chance}
    assert says in sentence("storage", looked(storage_evidence=changed)).text


@pytest.mark.parametrize(
    ("own", "other", "verdict"),
    [(0.8, 0.02, "alike"), (0.8, 0.6, "unclear"), (0.4, 0.0, "partly"), (0.05, 0.02, "apart"), (0.55, 0.3, "partly")],
)
def test_routes(own: float, other: float, verdict: str) -> None:
    found = sentence("attention", looked(attention_routes={"correlation": own, "other_pairs": other}))
    assert verdict == found.verdict
    assert "0.40 of it forward and 0.38 in reverse" in found.text


@pytest.mark.parametrize(("reverse", "verdict"), [(0.38, "alike"), (0.1, "apart")])
def test_routes_of_a_left_to_right_reader_are_told_by_what_the_entity_gets(reverse: float, verdict: str) -> None:
    """It is given A in one text and B in the other: their scores need not go together."""
    found = sentence("attention", looked(causal=True, attention_routes={"correlation": 0.0, "reverse_weight": reverse}))
    assert verdict == found.verdict
    assert "correlation" not in found.text


@pytest.mark.parametrize(("value", "verdict"), [(0.2, "symmetric"), (1.0, "between"), (1.4, "random")])
def test_weights(value: float, verdict: str) -> None:
    maps = [{**row, "asymmetry": value} if row["role"] == "storage" else row for row in MAPS]
    found = sentence("weights", looked(maps=maps))
    assert verdict == found.verdict
    assert pytest.approx({"storage": value, "routing": 1.2}) == found.numbers


@pytest.mark.parametrize(("mismatched", "verdict"), [(0.1, "helps"), (0.28, "no more"), (0.4, "less")])
def test_gradients(mismatched: float, verdict: str) -> None:
    found = sentence("gradients", looked(gradient_alignment={"all_cosine_mismatched": mismatched}))
    assert verdict == found.verdict
    assert "storage 0.4 against 0.1" in found.text


@pytest.mark.parametrize(
    ("gap", "signed", "words"),
    [
        (0.5, 0.1, "agree"),
        (12.0, 11.0, "the stated order is the likelier"),
        (3.0, -2.0, "the other order is the likelier"),
    ],
)
def test_factorisation(gap: float, signed: float, words: str) -> None:
    changed = {"between_texts_gap": gap, "between_texts_signed": signed}
    assert words in sentence("factorisation", looked(factorisation_gap=changed)).text


@pytest.mark.parametrize(("partners", "verdict"), [(0.02, "apart"), (0.4, "alike")])
def test_embeddings(partners: float, verdict: str) -> None:
    assert verdict == sentence("embeddings", looked(embedding_cosine={"partners": partners})).verdict


@pytest.mark.parametrize(("chance", "verdict"), [(0.02, "forward"), (0.25, "few")])
def test_linear_probe(chance: float, verdict: str) -> None:
    found = sentence("linear probe", looked(linear_probe={"chance": chance}))
    assert verdict == found.verdict
    assert ("too few pairs" in found.text) == (verdict == "few")


HELD_BOTH = {"first_from_last": 9.0, "first_from_last_best": 0.9}
NOT_HELD = {"last_from_first_best": 0.0}
APART = {"correlation": 0.0}


@pytest.mark.parametrize(
    ("changed", "verdict", "words"),
    [
        (
            {},
            "storage",
            "storage holds B from A and not A from B, and attention goes alike in both texts, so by these me",
        ),
        ({"storage_evidence": {"last_from_first_best": 0.2}}, "storage", "storage partly holds B from A"),
        ({"attention_routes": APART}, "storage and routing", "goes differently in the two texts as well"),
        ({"attention_routes": {"other_pairs": 0.7}}, "storage", "attention cannot be compared"),
        ({"storage_evidence": HELD_BOTH}, "open", "these measures do not show where"),
        (
            {"storage_evidence": HELD_BOTH, "attention_routes": APART},
            "routing",
            "by these measures routing differs, not storage",
        ),
        ({"storage_evidence": NOT_HELD}, "open", "neither order"),
        ({"storage_evidence": {**HELD_BOTH, **NOT_HELD}}, "open", "storage holds A from B and not B from A"),
        ({"storage_evidence": {"chance": 0.3}}, "open", "too few pairs"),
        ({"answers": {"forward_accuracy": 0.1}}, "unknown", "cannot be said"),
        ({"answers": {"reverse_tested_accuracy": 0.9}}, "none", "no direction is lost"),
    ],
)
def test_where_a_direction_is_lost(changed: Any, verdict: str, words: str) -> None:
    """Only what answers, storage and routes together carry."""
    found = sentence("where", looked(**changed))
    assert (verdict, True) == (found.verdict, words in found.text), found.text


def test_what_was_not_measured_is_not_said() -> None:
    """A model that shows less gets fewer sentences, and never a number that is none."""
    data = looked(answers={"forward_accuracy": 0.9})
    data["probes"] = {"answers": data["probes"]["answers"], "attention_routes": {"correlation": None}}
    data["tables"] = {}
    from bothways.reports.explain_words import says

    assert ["answers", "where"] == [one.about for one in says(data)]
    assert "what storage holds was not measured" in says(data)[-1].text
    data["probes"] = {}
    assert ["unasked"] == [one.verdict for one in says(data)]
