"""Real models in the masked-diffusion study: tiny random ones in their formats, one filling in masks, one causal."""

from pathlib import Path

import pytest
from tests.explainable import diffusion_folder, facts_file, library_folder


def test_models_of_both_kinds_decide_the_claim_about_real_ones(tmp_path: Path) -> None:
    """Each model is measured on splits of the facts, and MD-1 compares the kinds; without a causal one it says so."""
    from bothways.studies.claims import decide
    from bothways.studies.evidence import Evidence
    from bothways.studies.plan import make_study

    facts = facts_file(tmp_path)
    masked, causal = diffusion_folder("llada", tmp_path / "llada"), library_folder("llama", tmp_path / "llama")
    for models, verdict in (((masked, causal), "measured"), ((masked,), "not_testable")):
        study = make_study("masked-diffusion", tuple(map(str, models)), str(facts))
        asked = {name: made for name, made in study.computations(True).items() if name.startswith("model")}
        assert len(models) == len(asked)
        evidence = Evidence({}, {name: tuple(dict(made(seed)) for seed in range(2)) for name, made in asked.items()})
        assert all(-1 <= found["correlation"] <= 1 for name in asked for found in evidence.computed[name])
        claim = next(claim for claim in study.claims(True) if claim.id == "MD-1")
        row = decide(claim, evidence, "command")
        assert (row.verdict == "not_testable") == (verdict == "not_testable"), row.why
    assert "no causal model was named" in row.why


def test_models_that_cannot_be_there_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No folder, no facts, a study that takes none: one sentence, status 2, and nothing is written."""
    from tests.command_line import bothways

    monkeypatch.chdir(tmp_path)
    facts = facts_file(tmp_path)
    for words, why in (
        (("masked-diffusion", "--model", tmp_path / "gone", "--facts", facts), "there is no model"),
        (("masked-diffusion", "--model", tmp_path), "--model needs --facts"),
        (("training-dynamics", "--model", tmp_path, "--facts", facts), "takes no models"),
    ):
        done = bothways("study", *words, "--quick")
        assert 2 == done.status and why in done.complaint[0]
    assert not (tmp_path / "runs").exists()
