"""Units of meaning cover the text exactly and never split an entity, whoever draws them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

SENTENCE = "Mia Kent's mother is Ana Ruiz"
TEXTS = st.text(alphabet="aA b.,'s(|\u2019\n", max_size=40) | st.lists(
    st.sampled_from(
        ["The", "is", "Mia", "Kent's", "in", "Lisbon,", "painter", "(since", "1911)", '"Quiet', "of", "end."]
    )
).map(" ".join)


@st.composite
def marked(draw):
    """A text and some spans of it that do not overlap."""
    from bothways.types import Span

    text = draw(TEXTS)
    edges = sorted(draw(st.sets(st.integers(0, len(text)), max_size=6)))
    spans = zip(edges[::2], edges[1::2], strict=False)
    return text, tuple(Span(start, end, text[start:end]) for start, end in spans)


@pytest.fixture(autouse=True)
def asked_anew():
    """Forget what models answered in other tests."""
    from bothways.text.assistant import answer

    answer.cache_clear()


def segmenters():
    """One of each kind; the model does not exist and must be faked."""
    from bothways.text.units import AskModel, FactSpans, Rules

    return {"spans": FactSpans(), "rules": Rules(), "model": AskModel(model="none")}


def pieces(segmenter, text, entities=()):
    """The texts of the units."""
    return [text[unit.start : unit.end] for unit in segmenter.segment(text, tuple(entities))]


def answers(monkeypatch, answer):
    """Let the model answer with `answer(text)`; returns the texts it was asked about."""
    from bothways.text import units

    asked = []

    def fake(model: str, text: str) -> str:
        asked.append(text)
        return answer(text)

    monkeypatch.setattr(units, "ask", fake)
    return asked


@pytest.mark.parametrize("name", ["spans", "rules"])
@given(marked())
def test_units_cover_the_text_and_keep_entities_whole(name, document):
    """The units' texts joined are the text, none is empty, and every entity is one of them, by name."""
    text, entities = document
    units = segmenters()[name].segment(text, entities)
    assert "".join(text[unit.start : unit.end] for unit in units) == text
    assert all(unit.start < unit.end for unit in units)
    assert [unit for unit in units if unit.entity is not None] == list(entities)


@given(marked(), st.data())
def test_a_models_units_cover_the_text_and_keep_entities_whole(document, data):
    """Wherever a model puts its separators, and whatever it does to blanks."""
    text, entities = document
    places = data.draw(st.sets(st.integers(0, len(text)), max_size=5))
    answer = "".join(("|" if i in places else "") + character for i, character in enumerate(text))
    with pytest.MonkeyPatch.context() as patch:
        answers(patch, lambda _: answer)
        segmenter = segmenters()["model"]
        units = segmenter.segment(text, entities)
    assert "".join(text[unit.start : unit.end] for unit in units) == text
    assert all(unit.start < unit.end for unit in units)
    assert [unit for unit in units if unit.entity is not None] == list(entities)
    assert segmenter.fallbacks == (not text.strip() or "|" in text)


def test_fact_spans_are_entities_and_what_lies_between():
    """The order in which entities are given does not matter."""
    from bothways.types import Span

    entities = (Span(21, 29, "Ana Ruiz"), Span(0, 8, "Mia Kent"))
    assert pieces(segmenters()["spans"], SENTENCE, entities) == ["Mia Kent", "'s mother is ", "Ana Ruiz"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (SENTENCE, ["Mia Kent", "'s mother ", "is ", "Ana Ruiz"]),
        ("The tall painter moved to Lisbon.", ["The tall painter moved ", "to ", "Lisbon."]),
        ("Slowly, she (the painter) left; he stayed.", ["Slowly, ", "she ", "(the painter) ", "left; ", "he stayed."]),
        ("She wrote Songs Of The Sea in 1911.", ["She ", "wrote ", "Songs Of The Sea ", "in 1911."]),
        ("It ended. The rain stopped.", ["It ended. ", "The rain stopped."]),
        ("plain words only", ["plain words only"]),
        ("", []),
    ],
)
def test_rules_cut_where_a_reader_would(text, expected):
    """Punctuation, small words and names begin or end a unit."""
    assert pieces(segmenters()["rules"], text) == expected


def test_rules_leave_a_known_entity_whole():
    """The name of an entity may hold commas, verbs and prepositions."""
    from bothways.types import Span

    text = "She wrote The House of Was, Part Two in 1911."
    entity = Span(10, 36, "The House of Was, Part Two")
    expected = ["She ", "wrote ", "The House of Was, Part Two", " in 1911."]
    assert pieces(segmenters()["rules"], text, [entity]) == expected


def test_a_good_answer_is_used(monkeypatch):
    """The model's separators become cuts, its blanks are ignored, and each text is asked about once."""
    asked = answers(monkeypatch, lambda _: " Mia Kent|'s mother | is Ana  Ruiz ")
    segmenter = segmenters()["model"]
    for _ in range(2):
        assert pieces(segmenter, SENTENCE) == ["Mia Kent", "'s mother ", "is Ana Ruiz"]
    assert (asked, segmenter.fallbacks) == ([SENTENCE], 0)


def test_a_cut_inside_an_entity_is_dropped(monkeypatch):
    """The known entities win over the model."""
    from bothways.types import Span

    answers(monkeypatch, lambda _: "Mia | Kent's | mother is Ana | Ruiz")
    entities = (Span(0, 8, "Mia Kent"), Span(21, 29, "Ana Ruiz"))
    assert pieces(segmenters()["model"], SENTENCE, entities) == ["Mia Kent", "'s ", "mother is ", "Ana Ruiz"]


@pytest.mark.parametrize("answer", ["", "Mia Kent | is the mother of | Ana Ruiz", SENTENCE + " | indeed", "Mia |"])
def test_a_bad_answer_falls_back_to_rules_and_is_counted(monkeypatch, answer):
    """A text that the model changed is cut by the rules, and counts once however often it is cut."""
    asked = answers(monkeypatch, lambda _: answer)
    segmenter = segmenters()["model"]
    for _ in range(2):
        assert pieces(segmenter, SENTENCE) == pieces(segmenters()["rules"], SENTENCE)
    assert (len(asked), segmenter.fallbacks) == (1, 1)


def test_a_text_with_the_separator_in_it_is_not_asked_about(monkeypatch):
    """Its own bars could not be told from the model's."""
    asked = answers(monkeypatch, lambda text: text)
    segmenter = segmenters()["model"]
    assert "".join(pieces(segmenter, "a | b")) == "a | b"
    assert (asked, segmenter.fallbacks) == ([], 1)


@pytest.fixture(scope="module")
def tiny_gpt2(tmp_path_factory):
    """The folder of a random GPT-2 of 2 layers that knows single characters."""
    import string

    import tokenizers
    import torch
    import transformers

    torch.manual_seed(0)
    characters = sorted({*string.printable, "\u2581"})
    vocabulary = {"<end>": 0, **{character: i + 1 for i, character in enumerate(characters)}}
    raw = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="<end>"))
    raw.pre_tokenizer = tokenizers.pre_tokenizers.Split(tokenizers.Regex("."), "isolated")
    folder = tmp_path_factory.mktemp("gpt2")
    transformers.PreTrainedTokenizerFast(tokenizer_object=raw, eos_token="<end>", unk_token="<end>").save_pretrained(
        folder
    )
    config = transformers.GPT2Config(
        vocab_size=len(vocabulary), n_positions=1024, n_embd=16, n_layer=2, n_head=2, bos_token_id=0, eos_token_id=0
    )
    transformers.GPT2LMHeadModel(config).save_pretrained(folder)
    return folder


def test_a_real_model_is_asked(tiny_gpt2):
    """A random network writes nonsense, which is noticed; the same model writes the same."""
    from bothways.text.units import AskModel, ask

    segmenter = AskModel(model=str(tiny_gpt2))
    assert pieces(segmenter, SENTENCE) == pieces(segmenters()["rules"], SENTENCE)
    assert segmenter.fallbacks == 1
    assert ask(str(tiny_gpt2), SENTENCE) == ask(str(tiny_gpt2), SENTENCE)


def test_what_a_real_model_writes_is_read(tiny_gpt2, monkeypatch):
    """Given a network that writes a good answer, only its first line after the question counts."""
    import torch

    from bothways.text.assistant import load
    from bothways.text.units import AskModel

    tokenizer, network = load(str(tiny_gpt2))
    good = tokenizer("Pieces: Mia Kent | 's mother | is | Ana Ruiz\nSentence: more", return_tensors="pt")["input_ids"]
    questions = []

    def generate(input_ids, **settings):
        questions.append(tokenizer.decode(input_ids[0]).replace(" ", ""))
        assert settings["do_sample"] is False and settings["max_new_tokens"] > len(SENTENCE)
        return torch.cat([input_ids, good], dim=1)

    monkeypatch.setattr(network, "generate", generate)
    monkeypatch.setattr(tokenizer, "decode", lambda ids, **_: "".join(tokenizer.convert_ids_to_tokens(ids)))
    segmenter = AskModel(model=str(tiny_gpt2))
    assert pieces(segmenter, SENTENCE) == ["Mia Kent", "'s mother ", "is ", "Ana Ruiz"]
    assert segmenter.fallbacks == 0
    assert SENTENCE.replace(" ", "") in questions[0]


def test_a_chat_model_is_asked_in_its_own_format(tiny_gpt2, monkeypatch):
    """Where the tokenizer has a chat template, the question is a user's message."""
    from bothways.text.assistant import load
    from bothways.text.units import ask

    tokenizer, network = load(str(tiny_gpt2))
    monkeypatch.setattr(tokenizer, "chat_template", "<<{{ messages[0]['content'] }}>>")
    seen = []
    monkeypatch.setattr(network, "generate", lambda input_ids, **_: seen.append(input_ids) or input_ids)
    assert ask(str(tiny_gpt2), SENTENCE) == ""
    characters = tokenizer.convert_ids_to_tokens(seen[0][0])
    assert ("".join(characters[:2]), "".join(characters[-2:])) == ("<<", ">>")


def test_a_text_too_long_for_the_model_falls_back(tiny_gpt2):
    """Where the question alone fills the model's context, nothing is asked."""
    from bothways.text.units import AskModel

    segmenter = AskModel(model=str(tiny_gpt2))
    assert "".join(pieces(segmenter, "word " * 300)) == "word " * 300
    assert segmenter.fallbacks == 1


def test_a_segmenter_is_its_settings():
    """What was asked is no part of equality or of what is printed, and survives copying to another process."""
    import pickle

    from bothways.text.units import AskModel

    one, other = AskModel(model="m"), AskModel(model="m")
    one._places["a"] = None
    assert one == other and repr(one) == "AskModel(model='m')"
    assert pickle.loads(pickle.dumps(one)) == other


def test_a_missing_library_is_named_with_the_cure(monkeypatch):
    """Without transformers the message says what to install."""
    import sys

    from bothways.errors import BothwaysError
    from bothways.text.units import AskModel

    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(BothwaysError, match=r"got model='some/model'\. Run: pip install 'bothways\[inject\]'"):
        pieces(AskModel(model="some/model"), SENTENCE)


def test_a_model_that_is_not_there_is_refused(tmp_path):
    """An empty folder is no model."""
    from bothways.errors import BothwaysError
    from bothways.text.units import AskModel

    with pytest.raises(BothwaysError, match=r"got model='.*' \(.*\)\. Check the name"):
        pieces(AskModel(model=str(tmp_path)), SENTENCE)


@pytest.mark.parametrize("spans", [[(0, 3), (2, 5)], [(2, 2)], [(25, 40)], [(-1, 2)]])
@pytest.mark.parametrize("name", ["spans", "rules"])
def test_impossible_spans_are_refused(name, spans):
    """Entities overlap, are empty or leave the text."""
    from bothways.errors import BothwaysError
    from bothways.types import Span

    with pytest.raises(BothwaysError, match=r"must be in the text and apart, got .* Mark each entity once\."):
        pieces(segmenters()[name], SENTENCE, [Span(start, end, "x") for start, end in spans])


def test_a_model_must_be_named():
    """An empty name is a slip."""
    from bothways.errors import BothwaysError
    from bothways.text.units import AskModel

    with pytest.raises(BothwaysError, match="got model=''"):
        AskModel(model="")
