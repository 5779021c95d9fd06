"""Questions in a chat: the same tokens as the library's own rendering, and a sentence for every broken template."""

from typing import Any

import pytest
from tests.chats import CHATML, TEMPLATES, chat_library

QUESTION, ANSWER = "Who is Ann Lee's mother?", "Bea Roe"


def tokenizer_of(template: str | None) -> Any:
    from bothways.batches.chat import ChatTokenizer

    return ChatTokenizer(chat_library(template))


def whole_chat(library: Any, answer: str = ANSWER) -> list[int]:
    """Return the library's own ids of a question and its answer."""
    turns = [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": answer}]
    return list(library.apply_chat_template(turns, tokenize=True, return_dict=False, enable_thinking=False))


@pytest.mark.parametrize("name", TEMPLATES)
def test_prompt_answer_and_end_are_the_librarys_own_tokens(name: str) -> None:
    """What is asked and scored is what such a model read when it was tuned."""
    from bothways.batches.batches import query_tokens
    from bothways.types import Query, Span

    tokenizer = tokenizer_of(TEMPLATES[name])
    query = Query(QUESTION, Span(7, 14, "Ann Lee"), ANSWER, (), (), "", 0, "tail", True, "forward", "test", "mother", 0)
    prompt, answer = query_tokens(query, ANSWER, tokenizer)
    expected = whole_chat(tokenizer.library)
    got = [*prompt, *answer]
    if name == "brackets":  # it writes a blank before what ends a turn
        assert expected[: len(got) - 1] == got[:-1]
        assert "</s>" == tokenizer.library.convert_ids_to_tokens(got[-1])
    else:
        assert expected[: len(got)] == got


@pytest.mark.parametrize(("name", "expected"), [("chatml", "<|im_end|>"), ("headers", "<|eot|>"), ("brackets", "</s>")])
def test_what_ends_a_turn_ends_an_answer(name: str, expected: str) -> None:
    tokenizer = tokenizer_of(TEMPLATES[name])
    assert expected == tokenizer.library.convert_ids_to_tokens(tokenizer.special.end)


def test_what_a_model_is_trained_on_stands_in_no_turn() -> None:
    """Only questions do: documents are cut as the tokenizer cuts any text."""
    tokenizer = tokenizer_of(CHATML)
    assert tokenizer.library(QUESTION, add_special_tokens=False).input_ids == tokenizer.encode(QUESTION).ids


def test_without_a_template_it_is_asked_in_plain_words() -> None:
    """The answer keeps its blank there: that is how such a model read it."""
    from bothways.types import Span

    tokenizer = tokenizer_of(None)
    assert not tokenizer.has_template
    ids = [*tokenizer.asked(QUESTION, Span(0, 0)), *(token for token, _ in tokenizer.answer_pieces(ANSWER))]
    whole = f"Question: {QUESTION}\nAnswer: {ANSWER}"
    assert whole == tokenizer.library.decode(ids)
    assert tokenizer.library(whole, add_special_tokens=False).input_ids == ids
    assert tokenizer.library.eos_token_id == tokenizer.special.end


@pytest.mark.parametrize("name", [*TEMPLATES, None])
def test_turns_around_two_texts_join_to_the_librarys_own_tokens(name: str | None) -> None:
    from bothways.batches.chat import SLOT

    tokenizer = tokenizer_of(TEMPLATES[name] if name else None)
    user, assistant = f"{SLOT}\nReturn the recovered masked passage.", f"Here is the recovered text:\n{SLOT}"
    before, between, after = tokenizer.turns(user, assistant)
    text = [token for token, _ in tokenizer.pieces("Ann")]
    turns = [("user", user), ("assistant", assistant)]
    said = [{"role": role, "content": words.replace(SLOT, "Ann")} for role, words in turns]
    if name is None:
        plain = f"Question: {said[0]['content']}\nAnswer: {said[1]['content']}"
        expected = [*tokenizer.library(plain, add_special_tokens=False).input_ids, tokenizer.special.end]
    else:
        expected = tokenizer.library.apply_chat_template(said, tokenize=True, return_dict=False, enable_thinking=False)
    got = [*before, *text, *between, *text, *after]
    decode = tokenizer.library.decode
    if name == "brackets" or name is None:  # the blank before a text is that text's own
        assert decode(expected).replace(" Ann", "Ann") == decode(got).replace(" Ann", "Ann")
    else:
        assert list(expected) == got
    assert tokenizer.special.end in after


def test_a_turn_without_a_text_of_the_users_has_nothing_between() -> None:
    tokenizer = tokenizer_of(CHATML)
    before, between, _ = tokenizer.turns("Tell me a fact.", "{text}")
    assert () == between
    assert tokenizer.library.decode(before).endswith("Tell me a fact.<|im_end|>\n<|im_start|>assistant\n")


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{% for m in messages %}", "cannot be filled (TemplateSyntaxError"),
        ("{{ raise_exception('Only system turns.') }}", "Only system turns"),
        ("{{ messages[0].content.__class__.__mro__ }}", "cannot be filled"),
        ("{{ 1 / 0 }}", "ZeroDivisionError"),
        ("{% for m in messages %}{{ m.role }}{% endfor %}", "leaves out"),
        ("{% for m in messages %}{{ m.content }}{{ m.content }}{% endfor %}", "leaves out, repeats"),
        ("{% for m in messages | reverse %}{{ m.content }}{% endfor %}", "exchanges"),
    ],
)
def test_a_broken_template_is_one_sentence(template: str, says: str) -> None:
    from bothways.errors import BothwaysError

    with pytest.raises(BothwaysError) as found:
        _ = tokenizer_of(template).special
    assert says in str(found.value)
    assert "\n" not in str(found.value)


def test_a_turn_without_a_place_for_its_text_is_refused() -> None:
    from bothways.errors import BothwaysError

    with pytest.raises(BothwaysError, match=r"Write \{text\} once"):
        tokenizer_of(CHATML).turns("{text}", "Here it is.")


@pytest.mark.parametrize("name", [*TEMPLATES, None])
def test_an_objective_asks_in_the_turns_of_a_chat(name: str | None) -> None:
    """A chat tokenizer's turns are the frame that masked fine-tuning and told facts put around a text."""
    from bothways.objectives.causal import Causal
    from bothways.objectives.masked_finetuning import MaskedFinetuning

    tokenizer = tokenizer_of(TEMPLATES[name] if name else None)
    for objective in (MaskedFinetuning(), Causal(frame="chat")):
        assert objective.row_length(9) < objective.worded(tokenizer.turns).row_length(9)
