"""Replay: a share of every batch is general text, which objectives read as it stands."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bothways.registry import names

LINES = ("a kettle hums", "bread needs salt", "rain falls on the flat roof", "wool keeps warm", "a clock is slow")


@pytest.fixture(scope="module")
def exam() -> Any:
    from bothways.facts.exam import ExamConfig, make_exam
    from bothways.registry import lookup

    return make_exam(lookup("facts", "family")(n_families=6).make(0), ExamConfig(), 0)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "general.txt"
    path.write_text("\n".join(LINES), encoding="utf-8")
    return path


def corpus_of(exam: Any, file: Path) -> Any:
    from bothways.text.corpus import TextConfig, write_corpus
    from bothways.text.plain_text import PlainText

    return write_corpus(exam, TextConfig(replay=PlainText.of(file)), 0)


def batches_of(exam: Any, corpus: Any, replay: float = 0.25, **more: Any) -> Any:
    from bothways.batches.batches import BatchConfig, make_batches
    from bothways.batches.tokenizers import TokenizerConfig, fit_tokenizer

    tokenizer = fit_tokenizer(corpus, exam, TokenizerConfig())
    return make_batches(corpus, tokenizer, BatchConfig(batch_size=8, replay=replay), 3, **more), tokenizer


def test_every_batch_has_its_share_of_general_text(exam: Any, file: Path) -> None:
    """Two rows of eight, read whole, each as often as the others, in a new order every epoch."""
    corpus = corpus_of(exam, file)
    batches, tokenizer = batches_of(exam, corpus)
    epochs = []
    for step in range(10):
        batch = batches.at(step)
        assert [False] * 6 + [True] * 2 == batch.plain_B.tolist()
        assert (8, batches.length) == batch.tokens_BL.shape == batch.target_BL.shape == batch.entity_BL.shape
        said = [tokenizer.decode(row.tolist()) for row in batch.tokens_BL]
        numbers = batch.document_B.tolist()
        assert said[:6] == [corpus.documents[n].text for n in numbers[:6]]
        assert said[6:] == [LINES[n - len(corpus.documents)] for n in numbers[6:]]
        epochs += said[6:]
    assert sorted(LINES) == sorted(epochs[:5]) == sorted(epochs[5:10]) == sorted(epochs[10:15])
    assert epochs[:5] != epochs[5:10]


def test_a_mixed_batch_is_a_function_of_its_step(exam: Any, file: Path) -> None:
    corpus = corpus_of(exam, file)
    used, _ = batches_of(exam, corpus)
    for step in (7, 0, 3):
        one, other = used.at(step), batches_of(exam, corpus)[0].at(step)
        for name in ("tokens_BL", "target_BL", "entity_BL", "document_B", "plain_B"):
            assert getattr(one, name).tolist() == getattr(other, name).tolist()


def test_rows_are_as_long_as_the_longest_text_of_both(exam: Any, file: Path) -> None:
    short, _ = batches_of(exam, corpus_of(exam, file))
    file.write_text("one two three four five six seven eight nine ten eleven twelve thirteen", encoding="utf-8")
    long, _ = batches_of(exam, corpus_of(exam, file))
    assert 13 + 2 == long.length > short.length
    assert long.length == long.at(0).tokens_BL.shape[1]


def test_general_text_stays_when_the_text_for_tuning_begins(exam: Any, file: Path) -> None:
    corpus = corpus_of(exam, file)
    tuned = replace(corpus, tuning=corpus.documents[:3])
    batches, tokenizer = batches_of(exam, tuned, switch=4)
    last = [tokenizer.decode(row.tolist()) for row in batches.at(9).tokens_BL]
    assert {d.text for d in corpus.documents[:3]} == set(last[:6])
    assert set(last[6:]) <= set(LINES)


def test_without_replay_nothing_is_different(exam: Any, file: Path) -> None:
    """No row is marked, the batches are what they were, and no setting is written down."""
    from bothways.config import RunConfig, to_plain

    corpus = corpus_of(exam, file)
    with_text, _ = batches_of(exam, corpus, replay=0.0)
    without, _ = batches_of(exam, replace(corpus, replay=()), replay=0.0)
    assert None is with_text.at(0).plain_B
    assert with_text.at(5).document_B.tolist() == without.at(5).document_B.tolist()
    plain = to_plain(RunConfig())
    assert "replay" not in plain["text"]
    assert "replay" not in plain["batches"]


def test_the_text_of_a_run_survives_json(file: Path) -> None:
    from bothways.config import RunConfig, from_plain, to_plain
    from bothways.text.corpus import TextConfig
    from bothways.text.plain_text import PlainText

    config = RunConfig(text=TextConfig(replay=PlainText.of(file)))
    assert config == from_plain(to_plain(config))


@pytest.mark.parametrize("arm", names("objectives"))
def test_every_objective_reads_mixed_batches(arm: str, exam: Any, file: Path) -> None:
    import torch

    from bothways.registry import lookup

    batches, _ = batches_of(exam, corpus_of(exam, file))
    objective = lookup("objectives", arm)()
    made = [objective.prepare(batches.at(0), torch.Generator().manual_seed(seed)) for seed in range(8)]
    assert all(8 == len(prepared.input_BL) == len(prepared.weight_BL) for prepared in made)
    assert any(bool((prepared.weight_BL[6:] > 0).any()) for prepared in made), "of few tokens none may be hidden once"


def test_an_edit_leaves_general_text_alone(exam: Any, file: Path) -> None:
    from bothways.arms import parse_arm
    from bothways.config import RunConfig
    from bothways.text.corpus import TextConfig, write_corpus
    from bothways.text.plain_text import PlainText

    base = RunConfig(text=TextConfig(replay=PlainText.of(file)))
    text = parse_arm("reverse_training").config(base, 0).text
    assert list(LINES) == [d.text for d in write_corpus(exam, text, 0).replay if d.rewrite is None and d.plain]


def test_a_run_keeps_the_general_text_it_replays(exam: Any, file: Path, tmp_path: Path) -> None:
    """It comes to know what it reads along, and without replay it does not."""
    from tests.worlds import small_config

    from bothways.evaluation.guard import measure_guard, remember
    from bothways.pipeline import run
    from bothways.runs import load
    from bothways.text.plain_text import PlainText

    found = {}
    for share in (0.0, 0.25):
        config = small_config("training.steps=150", f"batches.replay={share}")
        config = replace(config, text=replace(config.text, replay=PlainText.of(file)))
        done = run(config, exam, tmp_path / str(share), {"run_id": "test", "arm": "causal", "seed": 0})
        made = load(done.folder)
        reference = remember(made.model, config.objective, made.tokenizer, LINES, length=16)
        found[share] = measure_guard(made.model, config.objective, made.tokenizer, LINES, reference).nll
    assert found[0.25] < 1 < found[0.0]


def test_long_lines_are_several_documents(exam: Any, file: Path) -> None:
    from bothways.text.plain_text import PlainText

    file.write_text("one two three four five\n\nsix", encoding="utf-8")
    written = PlainText(file=str(file), most=2).write(exam, 0).documents
    assert ["one two", "three four", "five", "six"] == [d.text for d in written]


def test_general_text_that_cannot_be_read_is_refused(exam: Any, file: Path) -> None:
    from bothways.errors import BothwaysError
    from bothways.text.plain_text import PlainText

    text = PlainText.of(file)
    file.write_text("something else", encoding="utf-8")
    with pytest.raises(BothwaysError, match=r"has changed since the run was planned\. Put it back, or begin a new"):
        text.write(exam, 0)
    with pytest.raises(BothwaysError, match=r"missing does not exist\. Check the path\."):
        PlainText.of(file.with_name("missing"))
    with pytest.raises(BothwaysError, match="most must be at least 1, got most=0"):
        PlainText(most=0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"replay": 1.0}, r"replay must be in \[0, 1\), got replay=1\.0\. Choose a share"),
        ({"replay": float("nan")}, r"replay must be in \[0, 1\), got replay=nan"),
        (
            {"batch_size": 4, "replay": 0.1},
            r"A batch of 4 rows has no room for both texts, got replay=0\.1, w",
        ),
        ({"batch_size": 4, "replay": 0.9}, r"got replay=0\.9, which is 4 of them\. Raise batch_size"),
    ],
)
def test_a_share_that_leaves_no_room_is_refused(settings: dict[str, Any], message: str) -> None:
    from bothways.batches.batches import BatchConfig
    from bothways.errors import BothwaysError

    with pytest.raises(BothwaysError, match=message):
        BatchConfig(**settings)


def test_replay_without_a_text_is_refused(exam: Any, file: Path) -> None:
    from bothways.errors import BothwaysError

    corpus = replace(corpus_of(exam, file), replay=())
    with pytest.raises(BothwaysError, match=r"There is no general text to replay\. Set batches\.replay=0"):
        batches_of(exam, corpus)
    assert 0 < np.prod(batches_of(exam, corpus, replay=0.0)[0].at(0).tokens_BL.shape)
