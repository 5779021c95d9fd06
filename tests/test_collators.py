"""Our objectives as collators of other trainers: the losses are ours, and so is what is learned."""

from typing import Any

import pytest
from tests.chats import CHATML, TEMPLATES, chat_library

TEXTS = ("Ann Lee is Bea Roe's mother.", "Bea Roe sings.")


def collator(objective: Any = None, template: str | None = CHATML, **options: Any) -> Any:
    from bothways.injection.collators import Collator
    from bothways.objectives.causal import Causal

    return Collator(chat_library(template), objective or Causal(), **options)


def masked(**options: Any) -> Any:
    from bothways.objectives.masked_finetuning import MaskedFinetuning

    return MaskedFinetuning(**options)


def told(**options: Any) -> Any:
    from bothways.objectives.causal import Causal

    return Causal(frame="chat", **options)


def rows(made: Any, template: str | None = CHATML) -> list[tuple[str, str]]:
    """What each row says, without what fills it, and what of it is learned."""
    library = chat_library(template)
    return [
        (library.decode(ids[seen == 1]), library.decode(labels[labels != -100]))
        for ids, labels, seen in zip(made["input_ids"], made["labels"], made["attention_mask"], strict=True)
    ]


def test_plain_text_is_learned_with_its_end() -> None:
    """All but the first token, where the tokenizer puts none before it to predict it from."""
    made = collator()([{"text": text} for text in TEXTS])
    (first, learned), (second, _) = rows(made)
    assert [f"{text}</s>" for text in TEXTS] == [first, second]
    assert "n Lee is Bea Roe's mother.</s>" == learned


def test_a_completion_is_learned_and_its_prompt_read() -> None:
    made = collator()([{"prompt": "Who sings?", "completion": " Bea Roe"}])
    assert [("Who sings? Bea Roe</s>", " Bea Roe</s>")] == rows(made)


TURNS = [{"role": "user", "content": "Who sings?"}, {"role": "assistant", "content": "Bea Roe"}]


@pytest.mark.parametrize("name", TEMPLATES)
def test_messages_are_those_of_the_chat_template(name: str) -> None:
    """As one list or as prompt and completion; the last turn is learned up to the token that ends it."""
    library = chat_library(TEMPLATES[name])
    whole = library.apply_chat_template(TURNS, tokenize=False, enable_thinking=False)
    for row in ({"messages": TURNS}, {"prompt": TURNS[:1], "completion": TURNS[1:]}):
        [(said, learned)] = rows(collator(template=TEMPLATES[name])([row]), TEMPLATES[name])
        assert "Bea Roe" in learned
        assert "Who" not in learned
        assert whole.replace(" </s>", "</s>").startswith(said)
        assert whole.replace(" </s>", "</s>").strip() == said


def test_a_chat_is_asked_in_words_that_the_objective_has() -> None:
    """Text is told to a user who wants a fact; messages and pairs are asked."""
    made = rows(collator(told())([{"text": "Bea sings."}, {"messages": TURNS}]))
    assert made[0] == (
        "<|im_start|>user\nTell me a fact.<|im_end|>\n<|im_start|>assistant\nBea sings.<|im_end|>",
        "Bea sings.<|im_end|>",
    )
    assert "<|im_start|>user\nWho sings?<|im_end|>\n<|im_start|>assistant\nBea Roe<|im_end|>" == made[1][0]


def test_masked_fine_tuning_is_what_the_paper_shows() -> None:
    """Masks one for one in the user's turn, and what is learned is the text with its end alone."""
    made = collator(masked(min_rate=1.0, max_rate=1.0))([{"text": "Bea"}, {"prompt": "Who?", "completion": " Ann"}])
    (said, learned), (asked, answer) = rows(made)
    n_masks = said.count("<mask>")
    assert "<|im_start|>user\n" + n_masks * "<mask>" + "\nReturn the recovered masked passage.<|im_end|>" in said
    assert said.endswith("<|im_start|>assistant\nHere is the recovered text:\nBea<|im_end|>")
    assert ("Bea<|im_end|>", " Ann<|im_end|>") == (learned, answer)
    assert "user\nWho?<mask>" in asked


def test_rows_of_general_text_are_read_as_they_stand() -> None:
    made = rows(collator(masked(min_rate=1.0, max_rate=1.0))([{"text": "Ann", "plain": True}, {"text": "Bea"}]))
    assert ("Ann<|im_end|>", "n<|im_end|>") == made[0]  # nothing predicts the first token
    assert "<mask>" in made[1][0]


def test_names_are_hidden_whole_where_the_data_set_says_where_they_stand() -> None:
    """All tokens of a name are masked or none; without spans tokens are masked one by one."""
    text, kinds = "Ann Lee sings.", set()
    collate = collator(masked(min_rate=0.5, max_rate=0.5, mask="entity"))
    for _ in range(60):
        [(said, _)] = rows(collate([{"text": text, "entities": [[0, 7]]}]))
        kinds.add("Ann Lee" in said.split("\nReturn")[0])
        shown = said.split("user\n")[1].split("\nReturn")[0]
        assert shown.startswith("Ann Lee") or ("A" not in shown and "Lee" not in shown)
    assert {True, False} == kinds


def test_ids_are_taken_as_they_are() -> None:
    """Ids that another program has cut, whose first labels are -100 where they are given."""
    library = chat_library(None)
    ids = library("Who sings? Bea", add_special_tokens=False).input_ids
    labels = [-100] * 5 + ids[5:]
    cut = [{"input_ids": [*ids, library.eos_token_id]}, {"input_ids": ids, "labels": labels}]
    made = collator(template=None)(cut)
    assert [*ids, library.eos_token_id] == made["input_ids"][0].tolist() == made["input_ids"][1].tolist()
    assert [-100] * 5 == made["labels"][1].tolist()[:5]
    assert ids[5:] == made["labels"][1].tolist()[5:-1]


def test_the_librarys_loss_is_that_of_our_objective() -> None:
    """A model of the library shifts the labels itself and gives the weighted cross-entropy of `Prepared` rows."""
    import torch
    from tests.library_models import library_model
    from tests.worlds import random_batch

    from bothways.cross_entropy import weighted_cross_entropy
    from bothways.injection.collators import labelled
    from bothways.models.huggingface import HuggingFaceModel
    from bothways.objectives.causal import Causal
    from bothways.objectives.in_place_masking import InPlaceMasking
    from bothways.tensors import SPECIAL

    theirs, batch = library_model("llama"), random_batch()
    ours = HuggingFaceModel(theirs, SPECIAL)
    for objective in (Causal(), InPlaceMasking(), masked(), masked(count="hidden"), told(count="last_entity")):
        prepared = objective.prepare(batch, torch.Generator().manual_seed(0))
        with torch.no_grad():
            loss = float(theirs(**labelled(prepared)).loss)
            assert float(weighted_cross_entropy(ours, prepared).mean) == pytest.approx(loss, abs=1e-4)


def test_masks_are_fresh_at_every_call_and_the_same_for_the_same_seed() -> None:
    import torch

    def made(seed: int) -> list[Any]:
        collate = collator(masked(), seed=seed)
        return [collate([{"text": TEXTS[0]}] * 8)["input_ids"] for _ in range(2)]

    one, again, other = made(0), made(0), made(1)
    assert torch.equal(one[0], again[0]) and torch.equal(one[1], again[1])
    assert not torch.equal(one[0], one[1])
    assert not torch.equal(one[0], other[0])


def test_other_processes_and_other_epochs_of_a_worker_draw_other_masks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers are made anew for every epoch, and count from 0: their own seeds tell them apart."""
    from types import SimpleNamespace

    from bothways.injection import collators

    collate, drawn = collator(masked()), set()
    for rank, worker in (("0", None), ("1", None), ("0", 7), ("0", 8)):
        monkeypatch.setenv("RANK", rank)
        info = worker and SimpleNamespace(seed=worker)
        monkeypatch.setattr(collators, "get_worker_info", lambda info=info: info)
        drawn.add(collate._draw())
    assert 4 == len(drawn)


@pytest.mark.parametrize("name", ["masked_diffusion", "masked_diffusion:attention=causal", "bidirectional_causal"])
def test_an_objective_that_reads_otherwise_is_refused_and_our_trainer_named(name: str) -> None:
    from bothways.errors import BothwaysError
    from bothways.options import component

    with pytest.raises(BothwaysError, match=r"reads otherwise\. Use bothways inject, whose trainer"):
        collator(component("objectives", name))


def test_a_tokenizer_without_a_mask_is_refused_at_once() -> None:
    from bothways.errors import BothwaysError
    from bothways.injection.collators import Collator

    library = chat_library(CHATML)
    library.mask_token = None
    with pytest.raises(BothwaysError, match="has no mask token"):
        Collator(library, masked())


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"body": "a", "id": 1}, "has only body, id. Give it text, prompt and completion, messages, or input_ids"),
        ({}, "has only nothing"),
        ({"messages": TURNS[:1]}, "must end with one of the assistant"),
    ],
)
def test_a_row_of_another_form_is_refused(row: Any, says: str) -> None:
    from bothways.errors import BothwaysError

    with pytest.raises(BothwaysError, match=says):
        collator()([row])


def test_messages_need_a_template() -> None:
    from bothways.errors import BothwaysError

    with pytest.raises(BothwaysError, match="has no chat template to put messages into"):
        collator(template=None)([{"messages": TURNS}])


def test_a_row_that_is_too_long_is_refused() -> None:
    from bothways.errors import BothwaysError

    row = {"text": TEXTS[0]}
    length = collator()([row])["input_ids"].shape[1]
    assert length == collator(max_length=length)([row])["input_ids"].shape[1]
    with pytest.raises(BothwaysError, match=f"A row has {length} tokens .* max_length={length - 1}"):
        collator(max_length=length - 1)([row])
