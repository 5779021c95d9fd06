"""`bothways audit`: one honest table for any model, or one clear sentence and nothing written."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.chats import chat_folder
from tests.command_line import WORLD, Done, bothways
from tests.explainable import diffusion_folder, facts_file, library_folder, library_tokenizer

TWO = "head,relation,tail\n" + "".join(
    f"Kid{i} Oak{i},{relation},Mum{(i + shift) % 12} Elm{(i + shift) % 12}\n"
    for relation, shift in (("mother", 0), ("child", 5))
    for i in range(12)
)
"""Two relations, so that a flip can be asked."""


def is_refused(done: Done, *says: str) -> None:
    """Check that a command ended with status 2 and, after what it said it was doing, one sentence."""
    lines = [line for line in done.complaint if not line.endswith(": reading it")]
    assert (2, "") == (done.status, done.out)
    assert 1 == len(lines) and "Traceback" not in done.err, done.err
    assert all(word in lines[0] for word in says), lines[0]


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return chat_folder(tmp_path_factory.mktemp("chat") / "model")


def two_relations(folder: Path) -> Path:
    path = folder / "facts.csv"
    path.write_text(TWO, encoding="utf-8")
    return path


def test_a_chat_model_is_asked_both_ways_in_both_forms(chat: Path, tmp_path: Path) -> None:
    """The object that is printed is the file that is written, and its headline is that of the chat."""
    facts, out = two_relations(tmp_path), tmp_path / "out"
    done = bothways("audit", chat, facts, "-o", out, "--limit", 6, "--json")
    assert 0 == done.status, done.err
    data = done.json
    assert data == json.loads((out / "audit.json").read_text())
    assert (1, str(chat), "llama", "causal", "question") == tuple(
        data[key] for key in ("schema", "model", "family", "objective", "form")
    )
    assert {"completion", "question"} == set(data["forms"])
    assert data["forms"]["question"]["forward"] == data["forward"]
    assert 6 == data["forward"]["n"] == data["reverse"]["n"] == data["flip"]["n"]
    assert {"chance", "most_frequent", "copied_words"} == {row["baseline"] for row in data["baselines"]}
    for form in data["forms"].values():
        for numbers in (form["forward"], form["reverse"], form["control"]["forward"], form["control"]["reverse"]):
            assert 0 <= numbers["low"] <= numbers["accuracy"] <= numbers["high"] <= 1
            assert numbers["nll"] > 0
    page = (out / "report.html").read_text()
    assert "answers" in page and "control" in page and "Repeat it" in page
    again = bothways("report", out)
    assert (0, page) == (again.status, (out / "report.html").read_text())


def test_the_table_comes_first(chat: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a folder nothing is written."""
    monkeypatch.chdir(tmp_path)
    facts = two_relations(tmp_path)
    done = bothways("audit", chat, facts, "--limit", 4, "--form", "question")
    assert 0 == done.status, done.err
    lines = done.out.splitlines()
    assert "of the facts forward and" in lines[0]
    assert any(line.split()[:2] == ["question", "reverse"] for line in lines)
    assert any(line.startswith("Known already: 0 of 4 facts forward") for line in lines)
    assert [facts.name] == [path.name for path in tmp_path.iterdir()]


def trained(folder: Path, facts: Path, *, both: bool) -> Path:
    """Write a small model that has read the facts' statements until it knows them, in one order or in both."""
    import torch
    from tests.library_models import library_model

    from bothways.facts.read import read_facts
    from bothways.facts.templates import render

    tokenizer = library_tokenizer(folder, begins=False)
    found = read_facts(facts)
    relation = found.relations["mother"]
    templates = [relation.head_first[0], *([relation.tail_first[0]] if both else [])]
    texts = [render(template, fact)[0] for fact in found.facts for template in templates]
    rows = [[*tokenizer(text).input_ids, tokenizer.eos_token_id] for text in texts]
    longest = max(map(len, rows))
    tokens = torch.tensor([row + [tokenizer.eos_token_id] * (longest - len(row)) for row in rows])
    model = library_model("llama", vocab_size=len(tokenizer)).train()
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(0.2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(120):
        loss = model(input_ids=tokens, labels=tokens).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval().save_pretrained(folder)
    return folder


@pytest.mark.parametrize("both", [False, True], ids=["one order", "both orders"])
def test_what_a_model_learned_is_what_the_audit_says(both: bool, tmp_path: Path) -> None:
    """A model that read one order answers in one direction; the control arm answers in both."""
    facts = facts_file(tmp_path, n=12)
    folder = trained(tmp_path / "model", facts, both=both)
    data = bothways("audit", folder, facts, "--form", "completion", "--json").json
    assert data["forward"]["accuracy"] > 0.9
    assert data["forward"]["first_mention"] > 0.9
    assert (data["reverse"]["accuracy"] > 0.9) == both
    assert data["reverse"]["accuracy"] < 0.4 or both
    known = data["known"]
    assert (12, known["forward"] > 10, known["both"] > 10) == (known["of"], True, both)
    assert data["reverse"]["shared_words"] < data["forward"]["shared_words"] == 1.0


def test_without_a_chat_template_it_is_asked_in_plain_words(tmp_path: Path) -> None:
    folder = chat_folder(tmp_path / "model", None)
    data = bothways("audit", folder, two_relations(tmp_path), "--limit", 3, "--json").json
    assert "completion" == data["form"]
    assert any("no chat template" in note for note in data["notes"])
    assert "control" in data["forms"]["question"]


@pytest.mark.parametrize("kind", ["bert", "llada", "Dream"])
def test_models_that_fill_in_masks_are_asked_as_they_were_trained(kind: str, tmp_path: Path) -> None:
    make = library_folder if kind == "bert" else diffusion_folder
    folder = make(kind, tmp_path / "model")
    done = bothways("audit", folder, facts_file(tmp_path, n=8), "--form", "completion", "--limit", 3, "--json")
    assert 0 == done.status, done.err
    assert ("masked_lm" if kind == "bert" else "masked_diffusion") == done.json["objective"]
    assert 3 == done.json["reverse"]["n"]


def test_a_run_is_asked_what_it_was_asked_when_it_was_trained(finished: Any, tmp_path: Path) -> None:
    run = sorted(finished[0].glob("causal-s0-*"))[0]
    done = bothways("audit", run, WORLD, "--json")
    assert 0 == done.status, done.err
    assert ["completion"] == list(done.json["forms"])
    assert any("own exam" in note for note in done.json["notes"])
    told = json.loads(finished[1].out)["arms"][0]
    result = json.loads((run / "result.json").read_text())
    assert result["exam"] == done.json["facts"]["exam"]
    assert told["reverse_tested"]["n"] == done.json["reverse"]["n"]
    is_refused(bothways("audit", run, WORLD, "--form", "question"), "run's tokenizer", "--form completion")


def test_examples_stand_before_every_question(chat: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are of other facts, which are not asked then."""
    from bothways import asking

    asked: list[Any] = []
    real = asking.measure_both_ways

    def measure(*given: Any, **more: Any) -> Any:
        asked.append(given[3])
        return real(*given, **more)

    monkeypatch.setattr(asking, "measure_both_ways", measure)
    done = bothways("audit", chat, facts_file(tmp_path), "--form", "question", "--shots", 2, "--json")
    assert 0 == done.status, done.err
    queries = [query for query in asked[0].queries if query.split == "test"]
    assert queries
    for query in queries:
        assert 2 == query.prompt.count("\nAnswer: ")
        assert query.prompt[query.cue.start : query.cue.end] == query.cue.entity
        examples = query.prompt[: query.prompt.rindex("Question: ")]
        assert not re.search(rf"{query.cue.entity}\b|{query.answer}\b", examples)
    assert done.json["shots"] == 2


def test_a_second_question_is_asked_too(chat: Path, tmp_path: Path) -> None:
    """Where a relation brings one; the numbers of the first stay what they are."""
    facts = two_relations(tmp_path)
    words = ("audit", chat, facts, "--form", "question", "--limit", 4, "--json")
    plain = bothways(*words).json
    asks = '  questions: {asks_tail: ["Who is {head}\'s mother?", "By whom was {head} born?"]}\n'
    (tmp_path / "relations.yaml").write_text(f"mother:\n{asks}", encoding="utf-8")
    both = bothways(*words).json
    assert plain["forms"]["question"]["rephrased"] is None
    assert plain["forward"] == both["forward"]
    again = both["forms"]["question"]["rephrased"]["forward"]
    assert again["n"] == both["forward"]["n"] and again["nll"] != both["forward"]["nll"]


def test_bad_input_is_one_sentence_and_nothing_is_written(chat: Path, tmp_path: Path) -> None:
    facts, out = two_relations(tmp_path), tmp_path / "out"
    broken = chat_folder(tmp_path / "broken", "{% for %}")
    tiny = library_folder("llama", tmp_path / "tiny", max_position_embeddings=8)
    strange = tmp_path / "strange.csv"
    strange.write_text(TWO.replace("Kid3 Oak3", "Ωmega Oak3"), encoding="utf-8")
    full = tmp_path / "full"
    full.mkdir()
    (full / "notes.txt").write_text("mine")
    for words, says in (
        ((broken, facts), ("chat template cannot be filled",)),
        ((tiny, facts_file(tmp_path), "--form", "completion"), ("tokens, and the model reads 8", "Shorten")),
        (
            (library_folder("llama", tmp_path / "words"), strange, "--form", "completion"),
            ("cannot spell 'Ωmega Oak3'",),
        ),
        ((chat, facts, "--form", "chat"), ("Unknown form 'chat'", "completion, question, both")),
        ((chat, facts, "--shots", 1), ("shots must be 0 or 2",)),
        ((chat, facts, "--limit", -1), ("limit must be at least 0",)),
        ((tmp_path / "nowhere", facts), ("no such folder",)),
        ((chat, tmp_path / "nowhere.csv"), ("does not exist",)),
    ):
        is_refused(bothways("audit", *words, "-o", out), *says)
        assert not out.exists()
    is_refused(bothways("audit", chat, facts, "-o", full), "is not empty and holds no audit")
    assert "mine" == (full / "notes.txt").read_text()


def test_a_page_holds_no_markup_of_the_facts(chat: Path, tmp_path: Path) -> None:
    facts = tmp_path / "facts.csv"
    facts.write_text(TWO.replace("mother", "<script>alert(1)</script>"), encoding="utf-8")
    out = tmp_path / "<b>out"
    done = bothways("audit", chat, facts, "-o", out, "--limit", 2, "--form", "completion")
    assert 0 == done.status, done.err
    page = (out / "report.html").read_text()
    assert "<script>alert" not in page
    assert "<b>out" not in page


def test_a_damaged_audit_is_not_drawn(tmp_path: Path) -> None:
    (tmp_path / "audit.json").write_text('{"forms": 1}')
    is_refused(bothways("report", tmp_path), "audit.json was altered")
