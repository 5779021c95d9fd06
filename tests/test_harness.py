"""lm-evaluation-harness: an exam as its tasks, and any model of ours as its model."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.chats import CHATML, chat_folder
from tests.worlds import train_once

TASKS = ("bothways_forward", "bothways_forward_choice", "bothways_reverse", "bothways_reverse_choice")


class Request(NamedTuple):
    """What the harness hands to a model."""

    args: tuple[Any, ...]


@pytest.fixture(scope="module")
def exam() -> Any:
    from bothways.facts.exam import ExamConfig, make_exam
    from bothways.types import Fact, FactSet, Relation

    relation = Relation("mother", None, False, ("{head}'s mother is {tail}.",), ("{tail}'s child is {head}.",))
    facts = tuple(Fact(f"Kid {i}", "mother", f"Mum {i}", aliases=(f"Mrs {i}",)) for i in range(40))
    return make_exam(FactSet("made", facts, {"mother": relation}), ExamConfig(), 0)


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama with a chat template."""
    return chat_folder(tmp_path_factory.mktemp("chat"), CHATML)


def train_both(folder: Path, n: int, steps: dict[str, int], *more: str) -> dict[str, tuple[Any, Any]]:
    """A run of each family on n pairs of names, and the exam it sat."""
    from bothways.registry import lookup

    facts, words = lookup("facts", "bijection")(n=n).make(0), ("tokenizer.kind=word", *more)
    return {arm: train_once(facts, arm, folder / arm, f"training.steps={s}", *words) for arm, s in steps.items()}


@pytest.fixture(scope="module")
def small_runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Any, Any]]:
    """Runs that know little."""
    steps = {"causal": 120, "masked_diffusion": 120}
    return train_both(tmp_path_factory.mktemp("runs"), 12, steps, "model.d_model=32", "model.d_mlp=64")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Any, Any]]:
    """Runs that know what they were told."""
    return train_both(tmp_path_factory.mktemp("runs"), 30, {"causal": 300, "masked_diffusion": 600})


def asked_of(folder: Path, **more: Any) -> Any:
    from bothways.harness.asking import open_asked

    return open_asked(folder, **more)


def rows_of(folder: Path, direction: str) -> list[dict[str, Any]]:
    text = (folder / "lm_eval" / f"bothways_{direction}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_an_exam_becomes_four_tasks(exam: Any, tmp_path: Path) -> None:
    """Every test question is there, with its answer, its other names, and candidates that are not true."""
    from bothways.batches.tokenizers import WordTokenizer
    from bothways.harness.tasks import write_tasks

    written = write_tasks(exam, tmp_path, WordTokenizer(()))
    assert TASKS == written.names
    assert not written.chat
    assert f"--tasks {','.join(TASKS)}" in written.command
    for direction, kind in (("forward", "forward"), ("reverse", "reverse_tested")):
        asked = [query for query in exam.queries if (query.kind, query.split) == (kind, "test")]
        rows = rows_of(tmp_path, direction)
        assert [query.prompt for query in asked] == [row["question"] for row in rows]
        for query, row in zip(asked, rows, strict=True):
            assert [query.answer, *query.aliases] == row["answers"]
            assert query.answer == row["choices"][row["gold"]]
            assert 1 == sum(choice in {query.answer, *query.other_truths} for choice in row["choices"])
            assert 32 >= len(row["choices"]) == len(set(row["choices"]))
    golds = [row["gold"] for row in rows_of(tmp_path, "forward")]
    assert 5 < len(set(golds)), "the answer stands in no fixed place"


def test_the_settings_of_a_task_are_plain_yaml_but_for_who_reads_the_questions(exam: Any, tmp_path: Path) -> None:
    import yaml

    from bothways.batches.tokenizers import WordTokenizer
    from bothways.harness.tasks import write_tasks

    write_tasks(exam, tmp_path, WordTokenizer(()))
    for name in TASKS:
        first, *rest = (tmp_path / "lm_eval" / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
        assert f"custom_dataset: !function questions.{name.split('_')[1]}" == first
        settings = yaml.safe_load("\n".join(rest))
        assert name == settings["task"]
        assert str(tmp_path) not in "\n".join(rest), "the folder can be moved"
    until = yaml.safe_load("\n".join(rest_of(tmp_path / "lm_eval" / "bothways_forward.yaml")))["generation_kwargs"]
    assert {"until": ["\n", "."], "max_gen_toks": 16, "do_sample": False} == until


def rest_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()[1:]


def test_an_end_that_stands_in_an_answer_ends_none(exam: Any, tmp_path: Path) -> None:
    from dataclasses import replace

    import yaml

    from bothways.batches.tokenizers import WordTokenizer
    from bothways.harness.tasks import write_tasks

    queries = tuple(replace(query, aliases=("Mrs. Roe",)) for query in exam.queries)
    write_tasks(replace(exam, queries=queries), tmp_path, WordTokenizer(()))
    settings = yaml.safe_load("\n".join(rest_of(tmp_path / "lm_eval" / "bothways_forward.yaml")))
    assert ["\n"] == settings["generation_kwargs"]["until"]


def test_questions_of_a_chat_are_put_as_the_model_is_asked(exam: Any, tmp_path: Path) -> None:
    """Into its template where it has one, else in plain words that stand in the file."""
    from tests.chats import chat_library

    from bothways.batches.chat import ChatTokenizer
    from bothways.facts.questions import in_questions
    from bothways.harness.tasks import write_tasks

    questions = in_questions(exam)
    with_template = write_tasks(questions, tmp_path / "a", ChatTokenizer(chat_library(CHATML)))
    assert with_template.chat
    assert with_template.command.endswith(" --apply_chat_template")
    assert "What is Kid" in rows_of(tmp_path / "a", "forward")[0]["question"]
    without = write_tasks(questions, tmp_path / "b", ChatTokenizer(chat_library(None)))
    assert not without.chat
    asked = rows_of(tmp_path / "b", "forward")[0]["question"]
    assert asked.startswith("Question: What is Kid")
    assert asked.endswith("?\nAnswer:")


def test_an_exam_without_a_direction_is_refused(exam: Any, tmp_path: Path) -> None:
    from dataclasses import replace

    from bothways.batches.tokenizers import WordTokenizer
    from bothways.errors import BothwaysError
    from bothways.harness.tasks import write_tasks

    flips = tuple(replace(query, kind="flip") for query in exam.queries)
    with pytest.raises(BothwaysError, match=r"The exam asks nothing forward or in reverse\. Give facts"):
        write_tasks(replace(exam, queries=flips), tmp_path, WordTokenizer(()))


@pytest.mark.parametrize("arm", ["causal", "masked_diffusion"])
def test_a_model_scores_and_writes_as_in_our_own_evaluation(arm: str, small_runs: Any) -> None:
    """The same log-probabilities and the same answers, however many are asked together."""
    from bothways.batches.batches import query_tokens
    from bothways.evaluation.scoring import answer_log_probs, ask, write_answers

    run, exam = small_runs[arm]
    asked = asked_of(run.folder, rows=3)
    subject, length = asked.subject, run.load().length
    assert asked.length == length
    queries = exam.queries[:10]
    pairs = [query_tokens(query, query.answer, subject.tokenizer) for query in queries]
    expected = answer_log_probs(subject.model, subject.objective, pairs, length)
    assert expected.tolist() == pytest.approx([score for score, _ in asked.score(pairs)], abs=1e-4)
    asks = ask(exam, subject.tokenizer, range(10))
    ids = write_answers(subject.model, subject.objective, asks, length)
    end = subject.tokenizer.special.end
    texts = [subject.tokenizer.decode(row[: row.index(end)]) for row in ids]
    assert texts == asked.write([one.prompt for one in asks], 16, ["\n"])
    written = [tuple(row[: row.index(end) + 1]) for row in ids]
    greedy = [tuple(then) == row for (_, then), row in zip(pairs, written, strict=True)]
    assert greedy == [is_greedy for _, is_greedy in asked.score(pairs)]
    assert any(greedy) or arm != "causal"


def test_what_else_is_asked_does_not_change_an_answer(chat: Path) -> None:
    """Also of a masked model whose rows have no known length: each prompt has its own room behind it."""
    asked = asked_of(chat, objective="masked_diffusion")
    pairs = [
        (asked.encode("Who is"), [9, 10]),
        (asked.encode("Ann"), [11]),
        (asked.encode("Bea Roe and"), [12, 13, 14]),
    ]
    together = [score for score, _ in asked.score(pairs)]
    assert together == pytest.approx([asked.score([pair])[0][0] for pair in pairs], abs=1e-4)
    assert 64 + 3 == max(length for _, length in asked._chunks([(3, 2)]))


def test_a_text_longer_than_the_model_reads_loses_its_beginning(chat: Path) -> None:
    asked = asked_of(chat)
    long = list(range(20, 40)) * 20
    kept = long[-(256 - 2) :]
    assert asked.score([(kept, [9, 10])]) == asked.score([(long, [9, 10])])
    assert asked.write([long[-(256 - 4) :]], 4, []) == asked.write([long], 4, [])


def test_a_model_of_the_harness_answers_its_requests(chat: Path) -> None:
    """Log-probabilities of two halves add up to that of the whole, and rolling ones are those of whole texts."""
    from bothways.harness.register import register

    model = register()(pretrained=str(chat), batch_size=4, device="cpu", max_batch_size=64)
    (whole, _), (half, _) = model.loglikelihood([Request(("Ann", " Lee Roe")), Request(("Ann", " Lee"))], True)
    (rest, _) = model.loglikelihood([Request(("Ann Lee", " Roe"))], True)[0]
    assert half + rest == pytest.approx(whole, abs=1e-3)
    text = "Ann Lee is a kettle " * 40
    (rolled,) = model.loglikelihood_rolling([Request((text,))])
    tokens = len(model.tok_encode(text, add_special_tokens=False))
    assert 256 < tokens, "a text of several rows"
    assert 1.3 > -rolled / tokens / math.log(len(model.tokenizer)) > 0.9
    (short,) = model.loglikelihood_rolling([Request(("Ann Lee",))])
    assert short == pytest.approx(model.loglikelihood([Request(("", "Ann Lee"))], True)[0][0], abs=1e-3)
    written = model.generate_until(
        [Request(("Ann", {"until": ["\n"], "max_gen_toks": 5})), Request(("Bea", {"until": "e", "max_gen_toks": 3}))]
    )
    assert 2 == len(written)
    assert "e" not in written[1]
    assert str(chat).replace("/", "__") == model.tokenizer_name


def test_a_chat_template_is_the_models_own(chat: Path) -> None:
    from bothways.harness.register import register

    model = register()(pretrained=str(chat))
    turn = [{"role": "user", "content": "Who is Ann?"}]
    text = model.apply_chat_template(turn)
    assert "<|im_start|>user\nWho is Ann?<|im_end|>\n<|im_start|>assistant\n" == text
    assert model.tokenizer(text, add_special_tokens=False).input_ids == model.tok_encode(text)
    assert model.tokenizer.convert_tokens_to_ids("<|im_end|>") == model.eot_token_id
    assert CHATML == model.chat_template(True)


def test_what_the_model_cannot_do_is_refused(chat: Path, small_runs: Any) -> None:
    from bothways.errors import BothwaysError
    from bothways.harness.register import register

    model = register()(pretrained=str(chat))
    with pytest.raises(BothwaysError, match=r"writes greedily\. Set do_sample=False and temperature=0\."):
        model.generate_until([Request(("Ann", {"do_sample": True}))])
    own = register()(pretrained=str(small_runs["causal"][0].folder))
    with pytest.raises(BothwaysError, match=r"has no chat template\. Leave out --apply_chat_template\."):
        own.apply_chat_template([{"role": "user", "content": "Who?"}])
    with pytest.raises(BothwaysError, match=r"rows must be at least 1, got rows=0\."):
        asked_of(chat, rows=0)


def harness(program: str, model: str, folder: Path, tasks: Path, names: str, out: Path, *more: str) -> dict[str, Any]:
    """Run the harness's own program without a network, and return its results by task."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "PYTHONPATH": "src"}
    words = [sys.executable, "-m", program, "run", "--model", model, "--model_args", f"pretrained={folder}"]
    words += ["--include_path", str(tasks), "--tasks", names, "--output_path", str(out / "found.json"), *more]
    done = subprocess.run(words, capture_output=True, text=True, env=environment, cwd=Path(__file__).parents[1])
    assert 0 == done.returncode, done.stderr[-3000:]
    (path,) = out.glob("found*.json")
    return json.loads(path.read_text(encoding="utf-8"))["results"]


@pytest.mark.slow
def test_a_saved_model_is_evaluated_by_the_harness_as_it_is(exam: Any, chat: Path, tmp_path: Path) -> None:
    """Its own loader and our wrapper agree, in a chat, from a folder that was moved after the tasks were written."""
    import shutil

    from bothways.batches.chat import open_chat
    from bothways.facts.questions import in_questions
    from bothways.harness.tasks import write_tasks

    written = write_tasks(in_questions(exam), tmp_path / "before", open_chat(chat))
    moved = shutil.move(tmp_path / "before", tmp_path / "after")
    tasks, names = Path(moved) / "lm_eval", ",".join(written.names)
    hf = harness("lm_eval", "hf", chat, tasks, names, tmp_path / "hf", "--apply_chat_template", "--device", "cpu")
    ours = harness("bothways.harness", "bothways", chat, tasks, names, tmp_path / "ours", "--apply_chat_template")
    for name in TASKS:
        measure = "acc,none" if name.endswith("choice") else "exact_match,none"
        assert hf[name][measure] == pytest.approx(ours[name][measure])
        assert hf[name]["sample_len"] == len(rows_of(Path(moved), name.split("_")[1]))


@pytest.mark.slow
@pytest.mark.parametrize("arm", ["causal", "masked_diffusion"])
def test_runs_of_ours_are_evaluated_through_the_wrapper(arm: str, runs: Any, tmp_path: Path) -> None:
    """As often right as in our own evaluation: diffusion both ways, next-token prediction forward alone."""
    from bothways.harness.tasks import write_tasks

    run, exam = runs[arm]
    written = write_tasks(exam, tmp_path, run.load().tokenizer)
    found = harness(
        "bothways.harness", "bothways", run.folder, tmp_path / "lm_eval", ",".join(written.names), tmp_path / "out"
    )
    for direction, kind in (("forward", "forward"), ("reverse", "reverse_tested")):
        own = [run.scores[n].exact for n, q in enumerate(exam.queries) if (q.kind, q.split) == (kind, "test")]
        assert sum(own) / len(own) == pytest.approx(found[f"bothways_{direction}"]["exact_match,none"])
    assert 0.9 < found["bothways_forward"]["exact_match,none"]
    assert (0.5 < found["bothways_reverse_choice"]["acc,none"]) == (arm == "masked_diffusion")
