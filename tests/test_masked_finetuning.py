"""Masked fine-tuning: a text with masks, then the text itself, of which every token counts and nothing else does."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.worlds import random_batch

WORDS = ((1, 11, 12), (13, 14), (15, 2, 16))
"""A chat's frame: the answer ends with the second of three tokens, and the third is never written."""


def make(**options: Any) -> Any:
    from bothways.objectives.masked_finetuning import MaskedFinetuning

    return MaskedFinetuning(**options)


def prepare(batch: Any, seed: int = 0, **options: Any) -> Any:
    import torch

    return make(**options).prepare(batch, torch.Generator().manual_seed(seed))


def batch_of(*texts: list[int], given: tuple[list[int], ...] = (), plain: list[bool] | None = None) -> Any:
    """Rows of the given texts, each with begin and end token; what is given stands before a text."""
    import torch

    from bothways.tensors import Batch

    given = given or tuple([] for _ in texts)
    length = max(len(g) + len(t) for g, t in zip(given, texts, strict=True)) + 2
    tokens_BL = torch.full((len(texts), length), 2)
    target_BL = torch.zeros(len(texts), length, dtype=torch.bool)
    for b, (before, text) in enumerate(zip(given, texts, strict=True)):
        row = [1, *before, *text, 2]
        tokens_BL[b, : len(row)] = torch.tensor(row)
        target_BL[b, 1 + len(before) : len(row)] = True
    entity_BL = torch.full_like(tokens_BL, -1)
    plain_B = None if plain is None else torch.tensor(plain)
    return Batch(tokens_BL, target_BL, entity_BL, torch.arange(len(texts)), plain_B=plain_B)


def whole(prepared: Any) -> tuple[list[list[int]], list[list[int]]]:
    """The rows before they were shifted, and where they count."""
    import torch

    rows = torch.cat([prepared.input_BL[:, :1], prepared.target_BL], 1)
    assert torch.equal(rows[:, :-1], prepared.input_BL)
    counts = torch.cat([torch.zeros(len(rows), 1), prepared.weight_BL], 1)
    return rows.tolist(), counts.int().tolist()


def test_a_row_is_the_masked_text_and_the_text() -> None:
    """Begin, masks one for one, delimiter, the text and its end; the last two count."""
    rows, counts = whole(prepare(batch_of([7, 8, 9], [6]), min_rate=1.0, max_rate=1.0))
    assert [[1, 3, 3, 3, 5, 7, 8, 9, 2, 2, 2], [1, 3, 5, 6, 2, 2, 2, 2, 2, 2, 2]] == rows
    assert [[0, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0], [0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0]] == counts


def test_words_stand_around_both_texts() -> None:
    """Worded, the frame is what the tokenizer made of the two turns, cut after the token that ends the answer."""
    asked = []

    def turns(user: str, assistant: str) -> Any:
        asked.append((user, assistant))
        return WORDS

    objective = make(min_rate=1.0, max_rate=1.0).worded(turns)
    assert [("{text}\nReturn the recovered masked passage.", "Here is the recovered text:\n{text}")] == asked
    assert 2 * 4 + 8 == objective.row_length(5)
    import torch

    rows, counts = whole(objective.prepare(batch_of([7, 8, 9]), torch.Generator()))
    assert [[1, 11, 12, 3, 3, 3, 13, 14, 7, 8, 9, 15, 2, 2, 2, 2]] == rows
    assert [[0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0]] == counts


def test_what_is_given_is_read_before_and_never_hidden() -> None:
    """A question stands in the frame before the masked answer, and counts nowhere."""
    batch = batch_of([7, 8], [9, 9, 9], given=([17, 18], []))
    rows, counts = whole(prepare(batch, min_rate=1.0, max_rate=1.0))
    assert [1, 17, 18, 3, 3, 5, 7, 8, 2] == rows[0][:9]
    assert [0, 0, 0, 0, 0, 0, 1, 1, 1] == counts[0][:9]
    assert [1, 3, 3, 3, 5, 9, 9, 9, 2] == rows[1][:9]


def test_plain_rows_are_read_as_causal_reads_them() -> None:
    """General text that is read again has no frame and no masks, and all of it counts."""
    rows, counts = whole(prepare(batch_of([7, 8], [9, 9, 9], plain=[False, True]), min_rate=1.0, max_rate=1.0))
    assert [1, 3, 3, 5, 7, 8, 2] == rows[0][:7]
    assert [1, 9, 9, 9, 2, 2] == rows[1][:6]
    assert [0, 1, 1, 1, 1, 0] == counts[1][:6]
    assert 4 == sum(counts[1])


@given(
    lengths=st.lists(st.integers(1, 9), min_size=1, max_size=6),
    rate=st.floats(0, 1),
    rate_per=st.sampled_from(["batch", "row"]),
    mask=st.sampled_from(["token", "entity", "either"]),
    words=st.sampled_from([None, WORDS]),
    seed=st.integers(0, 99),
)
def test_every_row_holds_its_text_twice(
    lengths: list[int], rate: float, rate_per: str, mask: str, words: Any, seed: int
) -> None:
    """Whatever the lengths: masks one for one, the text whole, counted exactly there and at its end."""
    texts = [[6 + (seed + n + i) % 5 for i in range(length)] for n, length in enumerate(lengths)]
    batch = batch_of(*texts)
    prepared = prepare(batch, seed, min_rate=0.0, max_rate=rate, rate_per=rate_per, mask=mask, words=words)
    before, between, after = words or ((1,), (5,), (2,))
    end = after[: after.index(2) + 1]
    for text, row, counts in zip(texts, *whole(prepared), strict=True):
        n, at = len(text), len(before) + len(text) + len(between)
        shown = row[len(before) : len(before) + n]
        assert [*before, *shown, *between, *text, *end] == row[: at + n + len(end)]
        assert all(seen in (token, 3) for seen, token in zip(shown, text, strict=True))
        assert [at <= i < at + n + len(end) for i in range(len(row))] == [bool(c) for c in counts]
        assert {2} == set(row[at + n + len(end) :]) | {2}


def test_rate_0_hides_nothing_and_rate_1_everything() -> None:
    from bothways.tensors import SPECIAL

    batch = random_batch(500)
    assert not bool((prepare(batch, max_rate=0.0).input_BL == SPECIAL.mask).any())
    hidden = (prepare(batch, min_rate=1.0, max_rate=1.0).input_BL == SPECIAL.mask).sum()
    assert int(batch.target_BL.sum()) - 500 == int(hidden)


def hidden_shares(rate_per: str) -> Any:
    """The share of its text that each of some rows has hidden."""
    import torch

    from bothways.tensors import SPECIAL

    batch = batch_of(*[[7] * 400] * 40)
    prepared = prepare(batch, 1, rate_per=rate_per)
    return torch.stack([(row == SPECIAL.mask).float().sum() / 400 for row in prepared.input_BL])


def test_a_rate_is_drawn_for_a_batch_or_for_each_row() -> None:
    """Rows of a batch share their rate by default; with rate_per=row they spread over all rates."""
    together, apart = hidden_shares("batch"), hidden_shares("row")
    assert float(together.std()) < 0.05
    assert float(apart.std()) > 0.2
    assert 0.0 < float(apart.min()) < 0.2
    assert 0.8 < float(apart.max()) < 1.0


def test_whole_entities_are_masked_together() -> None:
    """With mask=entity the third and fourth token of a row are hidden both or not at all."""
    from bothways.tensors import SPECIAL

    hidden_BL = prepare(random_batch(500), mask="entity", rate_per="row").input_BL == SPECIAL.mask
    assert bool((hidden_BL[:, 2] == hidden_BL[:, 3]).all())
    assert 0 < float(hidden_BL[:, 2].float().mean()) < 1
    single_BL = prepare(random_batch(500), rate_per="row").input_BL == SPECIAL.mask
    assert not bool((single_BL[:, 2] == single_BL[:, 3]).all())


def test_counting_what_was_hidden_leaves_out_the_rest_and_the_end() -> None:
    """The source's tuning on pairs: a token counts where its place held a mask."""
    texts = [[7, 8, 9, 10, 7, 8, 9, 10]] * 50
    prepared = prepare(batch_of(*texts), min_rate=0.5, max_rate=0.5, count="hidden")
    for row, counts in zip(*whole(prepared), strict=True):
        assert [token == 3 for token in row[1:9]] == [bool(c) for c in counts[10:18]]
        assert sum(counts[10:18]) == sum(counts)
    assert not make(count="hidden").learns_ends


def test_a_random_prompt_is_as_long_and_tells_nothing() -> None:
    """The control reads as many tokens, drawn from the vocabulary with equal chances; what counts stays the same."""
    import torch

    texts = [[6, 7, 8, 9, 10, 11, 12, 13]] * 400
    masked, drawn = prepare(batch_of(*texts)), prepare(batch_of(*texts), prompt="random")
    assert torch.equal(masked.target_BL[:, 9:], drawn.target_BL[:, 9:])
    assert torch.equal(masked.weight_BL, drawn.weight_BL)
    shown = drawn.input_BL[:, 1:9]
    assert {*range(6, 14)} == set(shown.flatten().tolist())
    agree = (shown == torch.arange(6, 14)).float().mean()
    assert 1 / 8 == pytest.approx(float(agree), abs=0.02)


def test_masks_are_fresh_at_every_visit_and_the_same_for_the_same_generator() -> None:
    import torch

    batch = random_batch()
    again, other = prepare(batch, 1), prepare(batch, 2)
    assert torch.equal(prepare(batch, 1).input_BL, again.input_BL)
    assert not torch.equal(again.input_BL, other.input_BL)


def test_a_tokenizer_without_mask_or_delimiter_is_refused() -> None:
    from dataclasses import replace

    from bothways.errors import BothwaysError
    from bothways.tensors import SPECIAL

    batch = random_batch()
    with pytest.raises(BothwaysError, match="has no mask token to hide tokens with"):
        prepare(replace(batch, special=replace(SPECIAL, mask=-1)))
    bare = replace(batch, special=replace(SPECIAL, delimiter=-1))
    with pytest.raises(BothwaysError, match=r"has no delimiter token .* objective\.worded"):
        prepare(bare)
    assert prepare(bare, words=WORDS).causal


@pytest.mark.parametrize("option", ["min_rate", "max_rate"])
def test_a_rate_outside_0_to_1_is_refused(option: str) -> None:
    from bothways.errors import BothwaysError

    with pytest.raises(BothwaysError, match=f"^{option} must be between 0 and 1, got {option}=1.5"):
        make(**{option: 1.5})


def test_a_worded_objective_survives_json() -> None:
    """Its words are written only where it has some, so that names of runs do not depend on them."""
    from bothways.config import from_plain, to_plain

    assert "words" not in to_plain(make())
    assert make(words=WORDS) == from_plain(to_plain(make(words=WORDS)))


def biased_model(known: int) -> Any:
    """A model that expects one token wherever it is asked."""
    import torch
    from tests.worlds import uniform_model

    model = uniform_model(20)
    output_VD = torch.zeros(20, 1)
    output_VD[known] = 4.0

    class Biased(type(model)):
        def hidden(self, tokens_BL: Any, *, causal: bool) -> Any:
            return torch.ones(*tokens_BL.shape, 1)

        @property
        def output_VD(self) -> Any:
            return output_VD

    model.__class__ = Biased
    return model


def test_adaptive_masks_hide_what_the_model_does_not_recover() -> None:
    """An entity that the model knows is hidden less often than one that it does not know; all are hidden whole."""
    from dataclasses import replace

    import torch

    from bothways.tensors import SPECIAL

    batch = batch_of(*[[7, 7, 10, 8, 9]] * 3000)
    entity_BL = torch.tensor([-1, 0, 0, -1, 1, 1, -1]).expand(3000, 7)
    batch, generator = replace(batch, entity_BL=entity_BL), torch.Generator().manual_seed(0)
    objective = make(mask="adaptive", rate_per="row", max_rate=0.5)
    asked = objective.consult(biased_model(7), batch, generator)
    hidden_BL = objective.prepare(asked, generator).input_BL == SPECIAL.mask
    assert bool((hidden_BL[:, 1] == hidden_BL[:, 2]).all()) and bool((hidden_BL[:, 4] == hidden_BL[:, 5]).all())
    known, unknown = (float(hidden_BL[:, place].float().mean()) for place in (1, 4))
    assert 0.1 < known < 0.75 * unknown
    plain = objective.prepare(batch, generator).input_BL == SPECIAL.mask  # nobody was asked: an entity like another
    assert float(plain[:, 1].float().mean()) == pytest.approx(float(plain[:, 4].float().mean()), abs=0.04)


def test_who_finds_all_equally_hard_needs_nothing_more_than_another() -> None:
    import torch
    from tests.worlds import uniform_model

    asked = make(mask="adaptive").consult(uniform_model(20), random_batch(), torch.Generator().manual_seed(0))
    torch.testing.assert_close(asked.need_BL, torch.ones(64, 8))
    batch = random_batch()
    assert make(mask="entity").consult(uniform_model(20), batch, torch.Generator()) is batch


def test_plain_rows_and_prompts_are_not_asked_about() -> None:
    """General text and what is given have no need; a text's tokens beside them are told apart as ever."""
    import torch

    batch = batch_of([7, 8, 7, 8], [9, 9], [8, 7], given=([], [], [17, 18]), plain=[False, True, False])
    needs = [
        make(mask="adaptive").consult(biased_model(7), batch, torch.Generator().manual_seed(seed)).need_BL
        for seed in range(20)
    ]
    need_SBL = torch.stack(needs)
    assert {1.0} == set(need_SBL[:, 1].flatten().tolist()) == set(need_SBL[:, 2, :3].flatten().tolist())
    assert float(need_SBL[:, 0, 1].min()) < 1 < float(need_SBL[:, 0, 2].max())


def test_adaptive_masks_resume_to_the_same_weights(tmp_path: Any) -> None:
    """What the model is asked hangs on its weights alone: a run that was stopped ends as one that was not."""
    from tests.command_line import bytes_of
    from tests.worlds import small_config

    from bothways.arms import parse_arm
    from bothways.facts.exam import ExamConfig, make_exam
    from bothways.facts.worlds.bijection import Bijection
    from bothways.pipeline import run
    from bothways.training.loop import Interrupted

    exam = make_exam(Bijection(n=20).make(0), ExamConfig(), 0)
    config = parse_arm("masked_finetuning:mask=adaptive").config(small_config("training.steps=8"), 0)
    about = {"run_id": "test", "arm": "a", "seed": 0}
    run(config, exam, tmp_path / "whole", about)
    with pytest.raises(Interrupted):
        run(config, exam, tmp_path / "cut", about, stop=lambda: True)
    run(config, exam, tmp_path / "cut", about)
    weights = [bytes_of(tmp_path / name, "model/model.safetensors") for name in ("whole", "cut")]
    assert weights[0] == weights[1]
