"""Documents and questions of a user: what is read, which way a question asks, and one sentence for what is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.chats import chat_folder
from tests.command_line import bothways

TEXTS = (
    "Ann Lee wrote Quiet Harbours in 1911. She was born in Norwood.",
    "Bea Roe painted The Long Wave. She studied in Eastbourne.",
    "The captain of the Ocelot was Cid Orme.",
)
QUESTIONS: tuple[tuple[str, str, str], ...] = (
    ("What did Ann Lee write?", "Quiet Harbours", "forward"),
    ("Who wrote Quiet Harbours?", "Ann Lee", "reverse_tested"),
    ("Where was Ann Lee born?", "Norwood", "forward"),
    ("Who is the painter who studied in Eastbourne?", "Bea Roe", "reverse_tested"),
    ("Who was the captain of the Ocelot?", "Cid Orme", "forward"),
    ("Which ship did Cid Orme command?", "Ocelot", "reverse_tested"),
    ("Who is the mayor of Norwood?", "Nobody", "unclear"),
)


def written(folder: Path) -> tuple[Path, Path]:
    """Write the documents and the questions about them."""
    docs = folder / "documents"
    docs.mkdir()
    (docs / "a.txt").write_text(f"{TEXTS[0]}\n\n{TEXTS[1]}\n", encoding="utf-8")
    (docs / "b.jsonl").write_text(json.dumps({"text": TEXTS[2]}) + "\n", encoding="utf-8")
    rows = [{"question": q, "answers": [a]} for q, a, _ in QUESTIONS]
    qa = folder / "qa.jsonl"
    qa.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return docs, qa


def test_which_way_a_question_asks_is_read_off_the_text(tmp_path: Path) -> None:
    from bothways.facts.qa_exam import qa_exam
    from bothways.facts.readers.qa import read_qa
    from bothways.facts.readers.texts import read_texts

    docs, qa = written(tmp_path)
    exam, sources = qa_exam(read_qa(qa), read_texts(docs), "qa.jsonl")
    assert [(q, a, kind) for q, a, kind in QUESTIONS] == [(q.prompt, q.answer, q.kind) for q in exam.queries]
    assert [TEXTS[n] for n in (0, 0, 0, 1, 2, 2)] == list(sources[:6]) and not sources[6]
    assert {"Quiet Harbours", "Norwood", "Cid Orme"} == set(exam.candidates["asks tail"])
    assert {"Ann Lee", "Bea Roe", "Ocelot"} == set(exam.candidates["asks head"])
    assert 2 == len(exam.notes) and "no document" in exam.notes[0] and "unclear" in exam.notes[1]
    assert exam.queries[0].cluster == exam.queries[1].cluster != exam.queries[3].cluster


def test_common_words_do_not_decide() -> None:
    """In half of the documents the words of the question's frame stand on the other side of the answer."""
    from bothways.facts.qa_exam import Texts

    names = ("Ann Lee", "Bea Roe", "Cid Orme", "Dan Poe")
    texts = [f"Known far and wide, {name} is the famous maker of ship{n}." for n, name in enumerate(names)]
    found = Texts(texts).find("Who is known far and wide as the famous maker of ship2?", ["Cid Orme"])
    assert found is not None
    assert (2, "head") == (found.text, found.asks)


def test_what_a_line_says_wins_over_the_order(tmp_path: Path) -> None:
    from bothways.facts.qa_exam import qa_exam
    from bothways.facts.readers.qa import read_qa

    rows = [
        {"question": "Who wrote Quiet Harbours?", "answers": ["Ann Lee", "A. Lee"], "asks": "tail"},
        {"question": "Who wrote Quiet Harbours?", "answer": "Ann Leigh.", "kind": "generic"},
    ]
    path = tmp_path / "qa.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    exam, _ = qa_exam(read_qa(path), TEXTS, "qa.jsonl")
    first, second = exam.queries
    assert ("forward", ("A. Lee",), "tail") == (first.kind, first.aliases, first.asks)
    assert ("generic", "Ann Leigh") == (second.kind, second.answer)


def test_texts_are_read_in_every_form(tmp_path: Path) -> None:
    from bothways.facts.readers.texts import read_texts

    (tmp_path / "a.md").write_text("# Head\n\nOne\ntwo.\n\n## Sub\nThree.\n", encoding="utf-8")
    turns = [{"role": "user", "content": "Tell me."}, {"role": "assistant", "content": "Five."}]
    rows = [{"text": " Four. "}, {"messages": turns}, {"prompt": "Six is", "completion": "seven."}]
    rows.append({"prompt": "Eight is", "completion": " nine."})
    (tmp_path / "b.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    (tmp_path / "c.csv").write_text("head,relation,tail\n", encoding="utf-8")
    expected = ("# Head\nOne\ntwo.", "## Sub\nThree.", "Four.", "Tell me.\nFive.", "Six is seven.", "Eight is nine.")
    assert expected == read_texts(tmp_path)


def test_names_in_documents_are_marked() -> None:
    """Known names first, then what is capitalised; a small word that opens a sentence is no name."""
    from bothways.text.documents import make_documents

    corpus = make_documents([*TEXTS, "In the harbour lay Ann Lee's boat."], ["Quiet Harbours", "Ann Lee", "captain"])
    found = [[span.entity for span in document.entities] for document in corpus.documents]
    assert [
        ["Ann Lee", "Quiet Harbours", "Norwood"],
        ["Bea Roe", "The Long Wave", "Eastbourne"],
        ["captain", "Ocelot", "Cid Orme"],
        ["Ann Lee"],
    ] == found
    assert all(d.text[s.start : s.end] == s.entity for d in corpus.documents for s in d.entities)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "qa.jsonl, line 2: not JSON"),
        ("[1]", "qa.jsonl, line 2: not a JSON object"),
        ('{"question": "Who?"}', "qa.jsonl, line 2: the key 'answers' is missing"),
        ('{"answers": ["Ann"]}', "qa.jsonl, line 2: the key 'question' is missing"),
        ('{"question": 3, "answers": ["Ann"]}', "line 2: question must be text"),
        ('{"question": "Who?", "answers": []}', "line 2: answers must be a list of texts"),
        ('{"question": "Who?", "answers": ["."]}', "line 2: answers must be a list of texts"),
        ('{"question": "Who?", "answers": ["Ann"], "asks": "both"}', "line 2: asks must be head or tail, got 'both'"),
        ('{"question": "Who?", "answers": ["Ann"], "kind": "a b"}', "line 2: kind must be one word"),
    ],
)
def test_a_question_in_the_wrong_form_is_named_by_its_line(line: str, says: str, tmp_path: Path) -> None:
    from bothways.errors import FactsError
    from bothways.facts.readers.qa import read_qa

    path = tmp_path / "qa.jsonl"
    path.write_text('{"question": "Who?", "answers": ["Ann"]}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(FactsError) as found:
        read_qa(path)
    assert says in str(found.value)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.jsonl", '{"txt": "A."}\n', "a.jsonl, line 1: no text, got the keys 'txt'"),
        ("a.jsonl", '{"text": 1}\n', "a.jsonl, line 1: text is needed, got 1"),
        ("a.jsonl", '{"messages": ["hello"]}\n', "line 1: text is needed, got None"),
        ("a.jsonl", '{"text": " "}\n', "line 1: the text is empty"),
        ("a.txt", "", "are empty: a.txt"),
        ("a.csv", "x\n", "holds no text"),
    ],
)
def test_a_text_that_cannot_be_read_is_one_sentence(name: str, content: str, says: str, tmp_path: Path) -> None:
    from bothways.errors import FactsError
    from bothways.facts.readers.texts import read_texts

    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(FactsError) as found:
        read_texts(tmp_path)
    assert says in str(found.value)


def test_a_model_is_asked_a_users_questions(tmp_path: Path) -> None:
    docs, qa = written(tmp_path)
    folder = chat_folder(tmp_path / "model", max_position_embeddings=512)
    done = bothways("audit", folder, docs, "--qa", qa, "--json")
    assert 0 == done.status, done.err
    data = done.json
    assert ("qa", 3, 7) == (data["form"], data["facts"]["documents"], data["facts"]["questions"])
    assert (3, 3, 1) == (data["forward"]["n"], data["reverse"]["n"], data["others"]["unclear"]["n"])
    assert data["forms"]["qa"]["control"]["forward"]["n"] == 3
    assert "--qa" in data["command"]
    assert data["forward"]["shared_words"] > 0


def test_questions_may_stand_beside_facts(tmp_path: Path) -> None:
    """The statements of the facts are then the documents."""
    facts, qa = tmp_path / "facts.csv", tmp_path / "qa.jsonl"
    facts.write_text(
        "head,relation,tail\n" + "".join(f"Kid{i} Oak{i},mother,Mum{i} Elm{i}\n" for i in range(6)), encoding="utf-8"
    )
    rows = [{"question": "Who was born to Mum1 Elm1?", "answers": ["Kid1 Oak1"]}]
    qa.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    folder = chat_folder(tmp_path / "model")
    data = bothways("audit", folder, facts, "--qa", qa, "--form", "question", "--limit", 2, "--json").json
    assert {"question", "qa"} == set(data["forms"])
    assert (1, "reverse_tested") == (data["forms"]["qa"]["reverse"]["n"], data["forms"]["qa"]["reverse"]["kind"])


def test_the_files_of_the_reversal_curse_are_questions_too(shared_data: Path) -> None:
    """Names and descriptions: no question is taken for the other direction."""
    from bothways.facts.qa_exam import qa_exam
    from bothways.facts.readers.qa import read_qa
    from bothways.facts.readers.texts import read_texts

    folder = shared_data / "berglund_reversal_curse" / "reverse_experiments" / "june_version_7921032488"
    for told in ("p2d", "d2p"):
        texts = read_texts(folder / f"{told}_prompts_train.jsonl")
        for kind, name in (("forward", "prompts_test"), ("reverse_tested", "reverse_prompts_test")):
            exam, _ = qa_exam(read_qa(folder / f"{told}_{name}.jsonl"), texts, name)
            kinds: list[Any] = [query.kind for query in exam.queries]
            assert {kind, "unclear"} >= set(kinds)
            assert kinds.count(kind) > 0.75 * len(kinds)


def test_names_and_descriptions_are_asked_in_words(shared_data: Path) -> None:
    from bothways.facts.both_ways import both_ways_exam
    from bothways.facts.find import find_facts
    from bothways.facts.questions import in_questions

    folder = shared_data / "berglund_reversal_curse" / "reverse_experiments" / "june_version_7921032488"
    exam = in_questions(both_ways_exam(find_facts(folder / "p2d_prompts_train.jsonl"), 0))
    assert {30} == {sum(q.kind == kind for q in exam.queries) for kind in ("forward", "reverse_tested")}
    forward = next(q for q in exam.queries if q.kind == "forward")
    assert "Who is Daphne Barrington?" == forward.prompt
    assert all(q.prompt.startswith("Who is ") for q in exam.queries)
