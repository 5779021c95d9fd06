"""The guard: what a model must keep is measured on text that has nothing to do with what it learns."""

import itertools
import math
from pathlib import Path
from typing import Any

import pytest
from tests.library_models import library_model
from tests.worlds import uniform_model

TEXTS = ("a b c d e f g h i j k l", "l k j i h g f e d c b a", "b d f h j l a c e")


def words() -> Any:
    from bothways.batches.tokenizers import WordTokenizer

    return WordTokenizer(tuple("abcdefghijkl"))


def small_model(kind: str = "llama", scale: float = 0.0) -> Any:
    """A random model of the library, each of its weights changed by noise of this size."""
    import torch

    from bothways.models.huggingface import HuggingFaceModel
    from bothways.tensors import SPECIAL

    model = HuggingFaceModel(library_model(kind, vocab_size=words().n_tokens), SPECIAL).requires_grad_(False)
    generator = torch.Generator().manual_seed(1)
    for parameter in model.parameters():
        parameter += scale * torch.randn(parameter.shape, generator=generator)
    return model


def objective(name: str) -> Any:
    from bothways.registry import lookup

    return lookup("objectives", name)()


def measure(model: Any, reference: Any, asked: str = "causal", **more: Any) -> Any:
    from bothways.evaluation.guard import measure_guard

    return measure_guard(model, objective(asked), words(), TEXTS, reference, **more)


def remembered(model: Any, asked: str = "causal", length: int = 16) -> Any:
    from bothways.evaluation.guard import remember

    return remember(model, objective(asked), words(), TEXTS, length=length)


def test_a_model_that_knows_nothing_finds_every_token_equally_likely() -> None:
    model = uniform_model(20)
    found = measure(model, remembered(model))
    assert math.log(20) == pytest.approx(found.nll, abs=1e-5)
    assert 20 == pytest.approx(found.perplexity, abs=1e-3)
    assert 33 == found.places
    assert 0 == found.kl
    assert None is found.locality


@pytest.mark.parametrize("asked", ["causal", "masked_diffusion"])
def test_nll_is_that_of_the_objectives_own_reading(asked: str) -> None:
    """The same number as its `log_prob` gives, whether a row serves one place or all of them."""
    from bothways.evaluation.scoring import make_rows

    model = small_model()
    tokens_BL, asked_BL, _ = make_rows([([1], words().encode(text).ids) for text in TEXTS], 16)
    expected = -objective(asked).log_prob(model, tokens_BL, asked_BL)[asked_BL].mean()
    assert float(expected) == pytest.approx(measure(model, remembered(model, asked), asked).nll, abs=1e-4)


def test_a_causal_model_reads_each_row_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One pass serves all places of a row; a masked model needs one for each."""
    from bothways.models.huggingface import HuggingFaceModel

    rows = {"causal": 0, "masked_diffusion": 0}
    model, plain = small_model(), HuggingFaceModel.hidden
    for asked in rows:

        def counting(self: Any, tokens_BL: Any, *, causal: bool, asked: str = asked) -> Any:
            rows[asked] += len(tokens_BL)
            return plain(self, tokens_BL, causal=causal)

        monkeypatch.setattr(HuggingFaceModel, "hidden", counting)
        remembered(model, asked)
    assert {"causal": 3, "masked_diffusion": 33} == rows


@pytest.mark.parametrize("asked", ["causal", "masked_diffusion"])
def test_the_divergence_is_the_sum_over_all_tokens_where_the_vocabulary_is_small(asked: str) -> None:
    model, moved = small_model(), small_model(scale=0.1)
    reference = remembered(model, asked)
    p_NV, q_NV = (remembered(one, asked) for one in (model, moved))
    expected = []
    for tokens, p, other, q in zip(p_NV.token_NK, p_NV.log_prob_NK, q_NV.token_NK, q_NV.log_prob_NK, strict=True):
        new = dict(zip(other.tolist(), q.tolist(), strict=True))
        expected += [sum(math.exp(a) * (a - new[t]) for t, a in zip(tokens.tolist(), p.tolist(), strict=True))]
    found = measure(moved, reference, asked).kl
    assert 0.01 < found
    assert sum(expected) / len(expected) == pytest.approx(found, rel=1e-4)
    assert 0 == pytest.approx(measure(model, reference, asked).kl, abs=1e-6)


def test_the_divergence_of_a_few_kept_tokens_is_a_lower_bound_that_grows_with_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All tokens that were not kept count as one, so nothing of their probability is forgotten."""
    from bothways.evaluation import guard

    model, moved, found = small_model(), small_model(scale=0.1), []
    for kept in (1, 4, 18):
        monkeypatch.setattr(guard, "TOP", kept)
        reference = remembered(model)
        assert kept == reference.token_NK.shape[1]
        found.append(measure(moved, reference).kl)
    assert 0 < found[0] < found[1] < found[2]


def test_what_exists_at_once_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Places are spread over the text, logits are made a few at a time, and neither changes what is found."""
    from bothways.evaluation import general

    model = small_model()
    whole = measure(model, remembered(model))
    monkeypatch.setattr(general, "LOGITS", 18 * 2)
    monkeypatch.setattr(general, "ROWS", 2)
    assert whole.nll == pytest.approx(measure(model, remembered(model)).nll, abs=1e-5)
    monkeypatch.setattr(general, "PLACES", 5)
    some = remembered(model).places
    assert [0, 1, 2] == sorted(set(some.row_N.tolist()))
    assert 5 == measure(model, remembered(model)).places


def test_a_text_longer_than_a_row_goes_on_in_the_next() -> None:
    places = remembered(uniform_model(20), length=6).places
    assert (3 + 3 + 2, 6) == places.tokens_BL.shape
    assert 33 == len(places.row_N)


def test_a_model_that_says_the_same_again_and_again_is_noticed() -> None:
    """From a, b follows, from b, a: every 4-gram but the first two stood there before."""
    import torch

    from bothways.tensors import LanguageModel

    class Circle(LanguageModel):
        n_tokens = 18

        def __init__(self, n: int) -> None:
            super().__init__()
            self.n = n

        def hidden(self, tokens_BL: Any, *, causal: bool) -> Any:
            return torch.nn.functional.one_hot(6 + (tokens_BL - 5) % self.n, 18).float()

        @property
        def output_VD(self) -> Any:
            return 9 * torch.eye(18)

    short, long = Circle(2), Circle(12)
    assert 1 - 2 / (48 - 3) == pytest.approx(measure(short, remembered(short, length=64)).repetition)
    assert 1 - 12 / (48 - 3) == pytest.approx(measure(long, remembered(long, length=64)).repetition)


def test_a_row_without_room_for_a_continuation_leaves_repetition_out() -> None:
    model = uniform_model(20)
    assert None is measure(model, remembered(model, length=10)).repetition


def test_locality_is_the_accuracy_of_the_questions_given() -> None:
    from bothways.types import QueryScore

    def ask(model: Any, objective: Any) -> list[QueryScore]:
        return [QueryScore(n, 1.0, -1.0, "", n < 3, False) for n in range(4)]

    model = uniform_model(20)
    assert 0.75 == measure(model, remembered(model), locality=ask).locality
    assert None is measure(model, remembered(model), locality=lambda model, objective: []).locality


def test_a_model_is_left_in_the_mode_it_was_in() -> None:
    model = uniform_model(20).train()
    measure(model, remembered(model))
    assert model.training


def test_a_broken_model_breaks_the_guard_and_the_same_model_does_not() -> None:
    from bothways.evaluation.guard import Guard, breaches

    model = small_model()
    reference = remembered(model)
    before = measure(model, reference)
    assert [] == breaches(before, before, Guard())
    said = breaches(before, measure(small_model(scale=2.0), reference), Guard())
    assert any("KL from the original" in one for one in said)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("nll", 2.0, r"Perplexity of general text rose from 2\.72 to 7\.39, by a factor of 2\.72; the limit is 1\.5\."),
        ("kl", 0.7, r"KL from the original, in nats per token of general text, rose from 0 to 0\.7, by 0\.7; the lim"),
        ("repetition", 0.9, r"The share of repeated 4-grams rose from 0\.2 to 0\.9, by 0\.7; the limit is 0\.3\."),
        ("locality", 0.25, r"Accuracy on what must not change fell from 1 to 0\.25, by 0\.75; the limit is 0\.1\."),
    ],
)
def test_every_limit_has_its_sentence(name: str, value: float, sentence: str) -> None:
    import re
    from dataclasses import replace

    from bothways.evaluation.guard import Guard, GuardReading, breaches

    before = GuardReading(nll=1.0, kl=0.0, repetition=0.2, locality=1.0, places=9)
    (said,) = breaches(before, replace(before, **{name: value}), Guard())
    assert re.match(sentence, said)
    assert [] == breaches(before, replace(before, **{name: value}), Guard(**{limit_of(name): math.inf}))
    assert 1 == len(breaches(before, replace(before, **{name: math.nan}), Guard(**{limit_of(name): math.inf})))
    if name != "nll":
        assert [] == breaches(before, replace(before, **{name: None}), Guard())


def limit_of(name: str) -> str:
    return "perplexity" if name == "nll" else name


def test_what_is_no_finite_number_is_written_as_none() -> None:
    from bothways.evaluation.guard import GuardReading

    found = GuardReading(nll=1e4, kl=math.nan, repetition=None, locality=1.0, places=3).to_json()
    expected = {"nll": 1e4, "kl": None, "repetition": None, "locality": 1.0, "places": 3, "perplexity": None}
    assert expected == found


@pytest.mark.parametrize(("name", "value"), [("perplexity", 0.9), ("kl", -0.1), ("locality", math.nan)])
def test_a_limit_that_nothing_can_keep_is_refused(name: str, value: float) -> None:
    from bothways.errors import BothwaysError
    from bothways.evaluation.guard import Guard

    with pytest.raises(BothwaysError, match=rf"The guard's {name} must be at least \d, got {name}="):
        Guard(**{name: value})


def test_the_packages_own_text_is_plain_english() -> None:
    from bothways.evaluation.general import read_general

    texts = read_general()
    assert 65 == sum(text.count(". ") + text.endswith(".") for text in texts)
    assert [] == [text for text, other in itertools.pairwise(texts) if text == other]
    assert "".join(texts).isascii()


def test_a_file_of_general_text_is_read_line_by_line(tmp_path: Path) -> None:
    from bothways.evaluation.general import read_general

    file = tmp_path / "own.txt"
    file.write_text("one text\n\n  another  \n", encoding="utf-8")
    assert ("one text", "another") == read_general(file)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"does not exist\. Check the path\."),
        (b"\n \n", r"holds no text\. Write one general text a line\."),
        (b"ol\xe9\n", r"line 1: .*UTF-8"),
    ],
)
def test_a_file_that_is_no_general_text_is_refused(content: bytes | None, message: str, tmp_path: Path) -> None:
    from bothways.errors import BothwaysError
    from bothways.evaluation.general import read_general

    file = tmp_path / "own.txt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(BothwaysError, match=message):
        read_general(file)


def test_text_in_words_that_the_tokenizer_does_not_know_is_refused() -> None:
    from bothways.errors import BothwaysError
    from bothways.evaluation.guard import remember

    with pytest.raises(BothwaysError, match=r"knows no word of the general text\. Name a file"):
        remember(uniform_model(20), objective("causal"), words(), ["x y z"], length=16)
    with pytest.raises(BothwaysError, match=r"needs rows of 3 tokens at least, got 2\. Raise them\."):
        remembered(uniform_model(20), length=2)
