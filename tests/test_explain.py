"""`bothways explain`: one page for any model, or one clear sentence and nothing written."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.command_line import WORLD, bothways
from tests.explainable import N_FACTS, diffusion_folder, facts_file, library_folder, library_tokenizer

PROBES = {
    "answers",
    "attention_routes",
    "embedding_cosine",
    "factorisation_gap",
    "gradient_alignment",
    "linear_probe",
    "logit_lens",
    "storage_evidence",
    "weight_asymmetry",
}
NO_MAPS = {"storage_evidence", "weight_asymmetry", "gradient_alignment"}
MODELS = {
    "llada": ("masked_diffusion", set[str]()),
    "Dream": ("masked_diffusion", set[str]()),
    "bert": ("masked_lm", {"weight_asymmetry"}),
    "gpt2": ("causal", set[str]()),
    "llama": ("causal", set[str]()),
    "qwen3": ("causal", NO_MAPS),
}
"""How each is asked by default, and what it does not show."""
DRAWN = {"logit-lens.svg", "logit-lens.pdf", "logit-lens.csv", "attention.svg", "answers.csv"}


def model_folder(kind: str, folder: Path) -> Path:
    """Write a tiny random model of a kind."""
    make = diffusion_folder if kind in ("llada", "Dream") else library_folder
    return make(kind, folder)


def run_of(comparison: Path, arm: str) -> Path:
    """Return the folder of an arm's first run."""
    return sorted(comparison.glob(f"{arm}-s0-*"))[0]


@pytest.fixture
def undrawn_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave figures out of pages: they take longer to draw than tiny models to explain."""
    from bothways.reports import explain_page

    monkeypatch.setattr(explain_page, "write_pictures", lambda pictures, folder: [])


@pytest.mark.parametrize("kind", MODELS)
def test_a_model_of_others_gets_its_page(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Whatever it does not show is left out with a sentence, and all numbers are numbers."""
    if kind not in ("llada", "qwen3"):
        request.getfixturevalue("undrawn_pages")
    folder, out = model_folder(kind, tmp_path / "model"), tmp_path / "out"
    done = bothways("explain", folder, facts_file(tmp_path), "-o", out, "--max-facts", 6, "--json")
    assert 0 == done.status, done.err
    objective, missing = MODELS[kind]
    saved = json.loads((out / "explain.json").read_text())
    assert done.json == saved
    assert (1, objective, None) == (saved["schema"], saved["objective"], saved["before"])
    assert kind.lower() == saved["family"].lower()
    assert (PROBES - missing, missing) == (set(saved["probes"]), set(saved["left_out"]))
    page = (out / "report.html").read_text()
    assert all(why in page and "Leave out" not in why for why in saved["left_out"].values())
    assert all(one["text"].split(" (")[0].replace("'", "&#39;") in page for one in saved["words"])
    assert 6 == saved["facts"]["max_facts"]
    drawn = {path.name for path in out.glob("figures/*")} or DRAWN
    assert DRAWN <= drawn


def test_a_saved_run_gets_its_page(finished: Any, tmp_path: Path) -> None:
    run, out = run_of(finished[0], "causal"), tmp_path / "out"
    done = bothways("explain", run, WORLD, "-o", out)
    assert 0 == done.status, done.err
    assert done.out.rstrip().endswith(f"The page: {out / 'report.html'}")
    saved = json.loads((out / "explain.json").read_text())
    assert ("transformer", "causal", set[str]()) == (saved["family"], saved["objective"], set(saved["left_out"]))
    assert [] == saved["notes"]
    accuracy = json.loads((run / "result.json").read_text())["scores"]["forward"]["accuracy"]
    assert accuracy == pytest.approx(saved["probes"]["answers"]["forward_accuracy"])


def test_a_run_asked_another_exam_says_so(finished: Any, tmp_path: Path, undrawn_pages: None) -> None:
    """Its facts, in another split: what counts as stated is then not what it read."""
    facts = tmp_path / "facts.jsonl"
    assert 0 == bothways("data", "make", WORLD, "-o", facts).status
    run = run_of(finished[0], "causal")
    done = bothways("explain", run, facts, "--split", 1, "-o", tmp_path / "out", "--max-facts", 4, "--json")
    assert 0 == done.status, done.err
    assert "sat another exam" in done.json["notes"][0]


def test_before_and_after_stand_side_by_side(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Each keeps its own numbers; the page has a column and a panel for each."""
    after, before = (diffusion_folder("llada", tmp_path / name, seed=n) for n, name in enumerate(("after", "before")))
    out, facts = tmp_path / "out", facts_file(tmp_path)
    done = bothways("explain", after, facts, "--before", before, "-o", out, "--max-facts", 6, "--json")
    assert 0 == done.status, done.err
    request.getfixturevalue("undrawn_pages")
    alone = bothways("explain", before, facts, "-o", tmp_path / "alone", "--max-facts", 6, "--json")
    assert alone.json["probes"] == done.json["before"]["probes"] != done.json["probes"]
    assert (str(after), str(before)) == (done.json["model"], done.json["before"]["model"])
    page = (out / "report.html").read_text()
    assert 'data-label="before"' in page
    assert {"before", "after"} == {
        row.split(",")[0] for row in (out / "figures" / "logit-lens.csv").read_text().splitlines()[1:]
    }
    assert "--before" in done.json["command"]


def test_the_page_is_drawn_again_from_the_folder_alone(tmp_path: Path, undrawn_pages: None) -> None:
    folder, out = diffusion_folder("llada", tmp_path / "model"), tmp_path / "out"
    assert 0 == bothways("explain", folder, facts_file(tmp_path), "-o", out, "--max-facts", 4).status
    page = (out / "report.html").read_bytes()
    (out / "report.html").unlink()
    shutil.rmtree(folder)
    assert 0 == bothways("report", out).status
    assert page == (out / "report.html").read_bytes()
    (out / "explain.json").write_text('{"schema": 1, "before": null}')
    done = bothways("report", out)
    assert (2, 1) == (done.status, len(done.complaint))
    assert "was altered" in done.err


def test_nobody_is_believed(tmp_path: Path, undrawn_pages: None) -> None:
    """Names of facts and folders stay text."""
    folder = diffusion_folder("llada", tmp_path / "<b>model")
    facts = facts_file(tmp_path)
    nasty = tmp_path / "<script>alert(1)</script>.csv"
    nasty.parent.mkdir(exist_ok=True)
    facts.rename(nasty)
    done = bothways("explain", folder, nasty, "-o", tmp_path / "out", "--max-facts", 4)
    assert 0 == done.status, done.err
    page = (tmp_path / "out" / "report.html").read_text()
    assert "<script>alert" not in page
    assert "<b>model" not in page


def refused(done: Any, out: Path, *words: str) -> None:
    """See that a command ended with one sentence and wrote nothing."""
    last = [line for line in done.complaint if not line.endswith(": reading it") and "[transformers]" not in line]
    last = [line for line in last if "Writing model" not in line]
    assert (2, 1) == (done.status, len(last)), done.err
    assert all(word in last[0] for word in words), last[0]
    assert "Traceback" not in done.err
    assert not out.exists()


def test_folders_that_hold_no_model_are_refused(finished: Any, tmp_path: Path) -> None:
    """Before anything is read, where a look into the folder is enough."""
    facts, out = facts_file(tmp_path), tmp_path / "out"
    empty = tmp_path / "empty"
    empty.mkdir()
    runs = sorted(path.parent.name for path in finished[0].glob("*/result.json"))
    for folder, words in (
        (tmp_path / "nowhere", ["no such folder"]),
        (facts, ["no such folder"]),
        (empty, ["holds no model"]),
        (finished[0], ["several runs", runs[0], runs[-1]]),
    ):
        for options in ([folder, facts], [run_of(finished[0], "causal"), facts, "--before", folder]):
            done = bothways("explain", *options, "-o", out)
            refused(done, out, *words)
            assert "reading it" not in done.err
    half = shutil.copytree(run_of(finished[0], "causal"), tmp_path / "half")
    (half / "result.json").unlink()
    refused(bothways("explain", half, WORLD, "-o", out), out, "result.json")
    (empty / "config.json").write_text('{"model_type": "gpt2"}')
    library_tokenizer(empty)
    refused(bothways("explain", empty, facts, "-o", out), out, "model.safetensors is missing")


def test_models_without_attention_are_refused(tmp_path: Path) -> None:
    folder, out = library_folder("mamba", tmp_path / "model"), tmp_path / "out"
    done = bothways("explain", folder, facts_file(tmp_path), "-o", out)
    refused(done, out, "MambaForCausalLM shows no attention weights", "Give a model with attention")


def test_tokenizers_that_lose_entities_are_refused(finished: Any, tmp_path: Path) -> None:
    folder, out = diffusion_folder("llada", tmp_path / "model"), tmp_path / "out"
    facts = facts_file(tmp_path)
    strange = tmp_path / "strange.csv"
    strange.write_text(facts.read_text().replace("Kid3 Oak3,", "Nobody,"))
    refused(bothways("explain", folder, strange, "-o", out), out, "does not know 'Nobody'")
    refused(bothways("explain", run_of(finished[0], "causal"), facts, "-o", out), out, "does not know 'Kid0 Oak0'")
    strange.write_text(facts.read_text().replace("Kid3 Oak3,", "Kid3,"))
    library_tokenizer(folder, known=False)
    refused(bothways("explain", folder, strange, "-o", out), out, "splits 'Kid3' into no token")


@pytest.mark.parametrize(("stated", "n"), [("both", N_FACTS), ("head_first", 1)])
def test_facts_that_test_no_direction_are_refused(stated: str, n: int, tmp_path: Path) -> None:
    folder, out = diffusion_folder("llada", tmp_path / "model"), tmp_path / "out"
    done = bothways("explain", folder, facts_file(tmp_path, stated=stated, n=n), "-o", out)
    refused(done, out, "Give")


def test_checkpoints_of_the_wrong_family_are_refused(tmp_path: Path) -> None:
    """Asked in a way they were not made for, or compared with another model than themselves."""
    facts, out = facts_file(tmp_path), tmp_path / "out"
    folders = {kind: model_folder(kind, tmp_path / kind) for kind in ("llada", "gpt2", "bert", "Dream")}
    for kind in ("llada", "Dream", "bert"):
        done = bothways("explain", folders[kind], facts, "-o", out, "--objective", "causal")
        refused(done, out, "trained to fill in masks", "--objective masked_diffusion")
    done = bothways("explain", folders["gpt2"], facts, "-o", out, "--objective", "causl")
    refused(done, out, "Did you mean 'causal'?")
    library_tokenizer(folders["gpt2"], begins=False, mask=False)
    done = bothways("explain", folders["gpt2"], facts, "-o", out, "--objective", "masked_diffusion")
    refused(done, out, "no mask token", "objective causal")
    done = bothways("explain", folders["llada"], facts, "--before", folders["Dream"], "-o", out, "--max-facts", 2)
    last = done.complaint[-1]
    assert (2, False) == (done.status, out.exists())
    assert "Dream of 3 blocks and width 32" in last
    assert "llada of 3 blocks" in last


def test_texts_longer_than_the_model_reads_are_refused(tmp_path: Path) -> None:
    folder = library_folder("gpt2", tmp_path / "model", n_positions=8)
    out = tmp_path / "out"
    refused(bothways("explain", folder, facts_file(tmp_path), "-o", out), out, "the model reads 8")


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    folder, out = diffusion_folder("llada", tmp_path / "model"), tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    done = bothways("explain", folder, facts_file(tmp_path), "-o", out)
    assert (2, ["mine.txt"]) == (done.status, [path.name for path in out.iterdir()])
    assert "holds no explanation" in done.err
    assert 2 == bothways("explain", folder, facts_file(tmp_path), "-o", tmp_path / "o", "--max-facts", 1).status


def asked_of(kind: str, folder: Path) -> tuple[Any, Any]:
    """Return a subject and an exam of two-word names."""
    from bothways.facts.exam import make_exam
    from bothways.facts.read import read_facts
    from bothways.subjects import open_subject

    subject = open_subject(model_folder(kind, folder))
    return subject, make_exam(read_facts(facts_file(folder)), subject.exam, 0)


@pytest.mark.parametrize("kind", MODELS)
def test_entities_of_several_tokens_are_asked_and_read_whole(kind: str, tmp_path: Path) -> None:
    """Both words are masked or predicted, both are read; a row begins with something that can say its first word."""
    from bothways.mechanisms.contexts import Asker, tested_pairs

    subject, exam = asked_of(kind, tmp_path / "model")
    asker = Asker.of(subject.model, subject.objective, subject.tokenizer, exam)
    pairs = tested_pairs(exam, 5)
    for contexts, asked in ((asker.forward(pairs), int(asker.causal)), (asker.reverse(pairs), 1)):
        assert {2} == set(contexts.prepared.weight_BL.sum(1).int().tolist())
        assert {2} == set(contexts.cue_NL.sum(1).tolist())
        assert bool((contexts.query_N >= 0).all())
        assert bool((contexts.length_N >= 1).all())
        assert asked in (0, 1)


@pytest.mark.parametrize("kind", ["Dream", "bert", "llada", "gpt2"])
def test_the_lens_ends_at_what_the_model_answers(kind: str, tmp_path: Path) -> None:
    """After the last block it is the probability of the answer's first token: read a place early where that is said."""
    import torch

    from bothways.batches.batches import query_tokens
    from bothways.evaluation.scoring import make_rows
    from bothways.mechanisms.logit_lens import LogitLens

    subject, exam = asked_of(kind, tmp_path / "model")
    queries = [q for q in exam.queries if q.kind == "reverse_tested" and q.split == "test"]
    pairs = [query_tokens(query, query.answer, subject.tokenizer) for query in queries]
    length = max(len(prompt) + len(answer) for prompt, answer in pairs)
    tokens_BL, _, length_B = make_rows([(prompt, []) for prompt, _ in pairs], length)
    with torch.inference_mode():
        log_prob_BV = subject.objective.next_log_prob(subject.model, tokens_BL, length_B)
    expected = torch.stack([row[answer[0]] for row, (_, answer) in zip(log_prob_BV, pairs, strict=True)]).exp().mean()
    finding = LogitLens()(subject.model, subject.objective, subject.tokenizer, exam)
    assert float(expected) == pytest.approx(finding.numbers["reverse_tested"], rel=1e-3)


@pytest.mark.parametrize("kind", ["gpt2", "gpt_neox", "llama", "qwen2", "gemma", "modernbert"])
def test_vectors_are_normed_as_a_block_norms_them(kind: str, tmp_path: Path) -> None:
    """But for scale and shift, which are found here from two vectors: around the mean, or around 0."""
    import torch
    from tests.library_models import opened

    _, model = opened(kind, tmp_path)
    block = model._blocks[1]
    from bothways.models.head_maps import layout_of

    norm = block.get_submodule(layout_of(block).norm)
    x_ND = 3 + torch.randn(5, 32, generator=torch.Generator().manual_seed(0))
    ours_ND, theirs_ND = model.read_by_heads(x_ND, 1), norm(x_ND)
    slope_D = (theirs_ND[0] - theirs_ND[1]) / (ours_ND[0] - ours_ND[1])
    assert torch.allclose(theirs_ND[2] - theirs_ND[0], slope_D * (ours_ND[2] - ours_ND[0]), atol=1e-3)
    centred = bool(ours_ND.mean(1).abs().max() < 1e-4)
    assert centred == (kind in ("gpt2", "gpt_neox", "modernbert"))


def test_pairs_that_write_the_same_token_are_no_rivals() -> None:
    """Names that begin alike cannot be told apart by their first token: they count for nobody and against nobody."""
    import torch

    from bothways.mechanisms.storage_evidence import evidence
    from bothways.models.transformer import TransformerConfig

    model = TransformerConfig(d_model=16, n_heads=2, d_mlp=32, n_layers=1).build(40, 0).requires_grad_(False)
    maps = model.head_maps(0)
    read, written = [[10], [11], [12]], [[20, 1], [21, 2], [20, 3]]
    read_ND = torch.nn.functional.layer_norm(model.embed[[10, 11, 12]], (16,))
    logit_NN = (
        read_ND @ torch.einsum("hek,hkd->ed", maps.out_HDK, maps.value_HKD).T @ model.output_VD[[20, 21, 20]].T
    ).double()
    others = [logit_NN[0, 1], (logit_NN[1, 0] + logit_NN[1, 2]) / 2, logit_NN[2, 1]]
    found = evidence(model, 0, "left", read, written)
    expected = sum(float(logit_NN[n, n] - other) for n, other in enumerate(others)) / 3
    assert expected == pytest.approx(found["evidence"], abs=1e-5)
    best = [logit_NN[0, 0] > logit_NN[0, 1], logit_NN[1, 1] > logit_NN[1, 0], logit_NN[2, 2] > logit_NN[2, 1]]
    assert sum(map(bool, best)) / 3 == pytest.approx(found["best"])


def test_traces_are_made_of_few_rows_where_models_are_large() -> None:
    """A trace keeps streams and attention of all blocks: 128 MB of them at once, in fp32."""
    import torch

    from bothways.mechanisms.contexts import ROWS, TRACED, rows_at_once
    from bothways.tensors import LanguageModel

    class Large(LanguageModel):
        n_tokens = 128_000
        width = 2048

        def hidden(self, tokens_BL: Any, *, causal: bool) -> Any: ...

        @property
        def output_VD(self) -> Any: ...

        @property
        def embedding_VD(self) -> Any:
            return torch.zeros(1, self.width)

        @property
        def n_layers(self) -> int:
            return 24

    rows = rows_at_once(Large(), 64)
    assert 1 < rows < ROWS
    assert rows * 25 * 64 * (2048 + 64 * 64) <= TRACED
    assert 1 == rows_at_once(Large(), 2000)
