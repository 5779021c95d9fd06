"""Rows that are written as they are taken: the tokens of their text, every row once an epoch, two texts in turn."""

from dataclasses import replace

import numpy as np
import pytest
from tests.graph_texts import corpus_of, exam_of, small

WAYS = {
    "paragraphs": {},
    "sentences": {"form": "sentence"},
    "distracted": {"distractors": 0.5, "pronouns": 0.7, "in_context": 0.5},
}


def tokenizer_of(world, corpus, kind):
    """A tokenizer for a corpus."""
    from bothways.batches.tokenizers import TokenizerConfig, fit_tokenizer

    return fit_tokenizer(corpus, exam_of(world), TokenizerConfig(kind=kind, n_merged=400))


def tuned(corpus, tokenizer, switch=3, batch_size=16, seed=0):
    """Batches that read the questions from a step on."""
    from bothways.batches.batches import BatchConfig, make_batches

    return make_batches(corpus, tokenizer, BatchConfig(batch_size=batch_size), seed, switch=switch)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["word", "byte_pair"])
@pytest.mark.parametrize("part", ["documents", "tuning"])
def test_a_row_holds_the_tokens_of_its_text(way, kind, part):
    """Begin, the document as the tokenizer encodes it with its entities, and ends; as where rows are kept."""
    from bothways.batches.batches import make_rows

    world = small()
    corpus = corpus_of(world, paragraphs=2, **WAYS[way])
    tokenizer = tokenizer_of(world, corpus, kind)
    drawn, n = getattr(corpus, part), np.arange(100)
    rows = make_rows(drawn, tokenizer, 0)
    kept = make_rows(tuple(drawn[:100]), tokenizer, rows.length)
    assert kept.length == rows.length, "a text is longer than the bound"
    (tokens, entity, length), (same, expected, long) = rows.take(n, n * 0, 0), kept.take(n, n * 0, 0)
    assert same.tolist() == tokens.tolist()
    assert long.tolist() == length.tolist()
    assert (expected < 0).tolist() == (entity < 0).tolist()
    for ours, theirs in zip(entity, expected, strict=True):  # numbered otherwise, the same occurrences
        assert len(set(zip(ours.tolist(), theirs.tolist(), strict=True))) == len(set(theirs.tolist()))


def test_no_row_is_much_longer_than_its_longest_text():
    """The bound counts each word's own tokens."""
    from bothways.batches.batches import make_rows

    world = small()
    corpus = corpus_of(world, form="sentence")
    rows = make_rows(corpus.documents, tokenizer_of(world, corpus, "byte_pair"), 0)
    n = np.arange(len(rows))
    assert rows.length <= 1.4 * rows.take(n, n * 0, 0)[2].max()


def test_an_epoch_visits_every_row_once_in_an_order_of_its_own():
    """Batches are functions of their step; the end of an epoch may fall inside one."""
    from bothways.batches.batches import BatchConfig, make_batches

    world = small()
    corpus = corpus_of(world, paragraphs=3)
    tokenizer = tokenizer_of(world, corpus, "word")

    def batches():
        return make_batches(corpus, tokenizer, BatchConfig(batch_size=13), 5)

    n, once = len(corpus.documents), batches()
    seen = np.concatenate([once.at(step).document_B.numpy() for step in range(2 * n // 13)])
    assert 156 == n
    epochs = seen[:n].tolist(), seen[n : 2 * n].tolist()
    assert list(range(n)) == sorted(epochs[0]) == sorted(epochs[1])
    assert epochs[0] != epochs[1]
    for step in (7, 2, 11):
        one, other = batches().at(step), once.at(step)
        for name in ("tokens_BL", "target_BL", "entity_BL", "document_B"):
            assert getattr(one, name).tolist() == getattr(other, name).tolist()


def test_tuning_follows_the_text_in_rows_of_the_same_length():
    """From the switch on questions are read, from their first batch; long questions make the text's rows longer."""
    world = small()
    for way in ({"form": "sentence", "in_context": 1.0}, {}):
        corpus = corpus_of(world, **way)
        tokenizer = tokenizer_of(world, corpus, "word")
        batches = tuned(corpus, tokenizer)
        said = [tokenizer.decode(batches.at(step).tokens_BL[0].tolist()) for step in (2, 3)]
        assert [False, True] == ["Answer:" in text for text in said]
        assert batches.at(3).tokens_BL.tolist() == batches.then.at(0).tokens_BL.tolist()
        assert {batches.length} == {batches.at(step).tokens_BL.shape[1] for step in (0, 3)}


def test_a_text_without_questions_is_not_tuned_on():
    """In a sentence."""
    from bothways.errors import BothwaysError

    world = small()
    corpus = corpus_of(world)
    tokenizer = tokenizer_of(world, corpus, "word")
    with pytest.raises(BothwaysError, match=r"^This text has nothing to be tuned on\. Set training\.tuning_steps=0\.$"):
        tuned(replace(corpus, tuning=()), tokenizer)


def test_one_token_a_name_is_refused():
    """Nobody has a list of a million names: in a sentence."""
    from bothways.errors import BothwaysError

    world = small()
    with pytest.raises(BothwaysError, match=r"^Text that is written as it is read .*kind=entity\. Set tokenizer\.kind"):
        tokenizer_of(world, corpus_of(world), "entity")


SETTINGS = (
    "training.steps=24", "training.tuning_steps=10", "training.measurements=4", "model.d_model=16", "model.d_mlp=32",
    "model.n_heads=2", "batches.batch_size=8", "tokenizer.kind=word",
)  # fmt: skip


@pytest.mark.parametrize("stop_after", [7, 14, 19])
def test_a_run_stopped_before_or_in_tuning_ends_as_if_it_had_not_been(tmp_path, stop_after):
    """The same bytes, whole or in two pieces."""
    from tests.test_resume import kept

    from bothways.config import RunConfig, override
    from bothways.pipeline import run
    from bothways.text.corpus import TextConfig
    from bothways.text.graph_text import GraphText
    from bothways.training.loop import Interrupted

    world = small(n_graphs=8, n_tested=2, n_context=2)
    config = override(RunConfig(), SETTINGS)
    config = replace(config, text=TextConfig(source=GraphText(world=world, in_context=0.5)))

    def go(folder, after=None):
        asked = iter(range(10_000))
        stop = (lambda: False) if after is None else (lambda: next(asked) >= after)
        return run(config, exam_of(world, 2), folder, {"run_id": "r", "arm": "causal", "seed": 0}, stop)

    go(tmp_path / "whole")
    with pytest.raises(Interrupted, match="stopped after step"):
        go(tmp_path / "half", stop_after)
    go(tmp_path / "half")
    assert kept(tmp_path / "half") == kept(tmp_path / "whole")


def test_the_rate_of_tuning_begins_at_its_share_and_falls():
    """The text's own steps keep their schedule, as if they were all."""
    from bothways.training.loop import TrainingConfig

    plain, both = TrainingConfig(steps=60), TrainingConfig(steps=100, tuning_steps=40, tuning_rate=0.25)
    assert [plain.share(n) for n in range(60)] == [both.share(n) for n in range(60)]
    tuning = [both.share(n) for n in range(60, 100)]
    assert 0.25 == tuning[0]
    assert tuning == sorted(tuning, reverse=True)
    assert 0.25 * 0.1 < tuning[-1] < 0.25 * 0.15
    assert (None, 60) == (plain.switch, both.switch)


@pytest.mark.parametrize("tuning_steps", [-1, 100, 200])
def test_tuning_leaves_steps_for_the_text(tuning_steps):
    """Anything else is refused in a sentence."""
    from bothways.errors import BothwaysError
    from bothways.training.loop import TrainingConfig

    says = rf"^tuning_steps must lie in 0 to steps - 1, got tuning_steps={tuning_steps} and steps=100\. Leave some"
    with pytest.raises(BothwaysError, match=says):
        TrainingConfig(steps=100, tuning_steps=tuning_steps)
