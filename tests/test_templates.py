"""How relations are worded: sensible sentences from names, spans that never slip, questions that can be asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

TEXT = st.text(min_size=1, max_size=12)
NAMES = st.one_of(TEXT, st.sampled_from(["{head}", "{tail}", "{}", "a", "aa", "'s mother is"]))


def fact(head="Ann", relation="mother", tail="Bea"):
    from bothways.types import Fact

    return Fact(head, relation, tail)


def relation(name, **details):
    from bothways.types import Relation

    return Relation(name, **details)


def filled(name, *others, **details):
    """The templates of a relation among others."""
    from bothways.facts.templates import fill_templates

    one = relation(name, **details)
    found = fill_templates(one, {each.name: each for each in (one, *others)})
    return found.head_first, found.tail_first


@pytest.mark.parametrize(
    ("name", "head_first", "tail_first"),
    [
        ("mother", "{head}'s mother is {tail}", "{tail} is the mother of {head}"),
        ("capital", "{head}'s capital is {tail}", "{tail} is the capital of {head}"),
        ("placeOfBirth", "{head}'s place of birth is {tail}", "{tail} is the place of birth of {head}"),
        ("capital_of", "{head} is the capital of {tail}", "{tail}'s capital is {head}"),
        ("part_of", "{head} is a part of {tail}", "{tail}'s part is {head}"),
        ("instanceOf", "{head} is an instance of {tail}", "{tail}'s instance is {head}"),
        ("located_in", "{head} is located in {tail}", "The one that is located in {tail} is {head}"),
        ("locatedin", "{head} is located in {tail}", "The one that is located in {tail} is {head}"),
        ("works_for", "{head} works for {tail}", "The one that works for {tail} is {head}"),
        ("worked for", "{head} worked for {tail}", "The one that worked for {tail} is {head}"),
        ("interacts_with", "{head} interacts with {tail}", "The one that interacts with {tail} is {head}"),
        ("isa", "{head} is a {tail}", "The one that is a {tail} is {head}"),
        ("causes", "{head} causes {tail}", "The one that causes {tail} is {head}"),
        ("consists_of", "{head} consists of {tail}", "The one that consists of {tail} is {head}"),
        ("directed by", "{head} is directed by {tail}", "The one that is directed by {tail} is {head}"),
        ("successor_to", "{head} is the successor to {tail}", "The one that is the successor to {tail} is {head}"),
        ("near", "{head} is near {tail}", "The one that is near {tail} is {head}"),
        ("_hypernym", "{head}'s hypernym is {tail}", "{tail} is the hypernym of {head}"),
        ("P1412", "{head}'s P1412 is {tail}", "{tail} is the P1412 of {head}"),
        (
            "http://example.org/terms#birthPlace",
            "{head}'s birth place is {tail}",
            "{tail} is the birth place of {head}",
        ),
        ("/people/person/nationality", "{head}'s nationality is {tail}", "{tail} is the nationality of {head}"),
    ],
)
def test_a_name_alone_makes_two_sentences_that_end_in_the_asked_entity(name, head_first, tail_first):
    assert ((head_first,), (tail_first,)) == filled(name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("birthPlace", "birth place"),
        ("isPartOfEU", "is part of EU"),
        ("HTMLParser", "HTML parser"),
        ("__spouse__", "spouse"),
        ("Mother", "mother"),
        ("member of", "member of"),
        ("term21", "term21"),
        ("Grand Prix of", "Grand Prix of"),
        ("{odd}", "(odd)"),
        ("___", "___"),
        ("São_Tomé", "são tomé"),
    ],
)
def test_names_are_split_into_words(name, expected):
    from bothways.facts.templates import words_of

    assert expected == words_of(name)


@given(name=TEXT)
def test_whatever_the_name_the_templates_hold_and_can_be_asked(name):
    from bothways.facts.templates import default_templates, prompt, render

    found = default_templates(name)
    for template, asks in ((found.head_first[0], "tail"), (found.tail_first[0], "head")):
        text, (_, last) = render(template, fact(relation=name))
        assert len(text) == last.end
        assert (text[: last.start].rstrip(), "") == prompt(template, fact(relation=name), asks)


def test_given_templates_stay_and_only_gaps_are_filled():
    given_one = ("{tail} gave birth to {head}",)
    assert (("{head}'s mother is {tail}",), given_one) == filled("mother", tail_first=given_one)


def test_a_relation_is_said_tail_first_as_its_inverse_is_said_head_first():
    teacher, student = relation("teacher", inverse="student"), relation("student", inverse="teacher")
    assert (("{head}'s teacher is {tail}",), ("{tail}'s student is {head}",)) == filled(
        "teacher", student, inverse="student"
    )
    assert (("{head}'s student is {tail}",), ("{tail}'s teacher is {head}",)) == filled(
        "student", teacher, inverse="teacher"
    )


def test_templates_of_the_inverse_come_before_templates_from_names():
    child = relation(
        "child", inverse="parent", head_first=("{head} raised {tail}",), tail_first=("{tail} was raised by {head}",)
    )
    assert (("{head} was raised by {tail}",), ("{tail} raised {head}",)) == filled("parent", child, inverse="child")


@pytest.mark.parametrize(
    ("details", "head_first", "tail_first"),
    [
        ({}, "{head}'s spouse is {tail}", "{tail}'s spouse is {head}"),
        ({"head_first": ("{head} wed {tail}",)}, "{head} wed {tail}", "{tail} wed {head}"),
        ({"tail_first": ("{tail} wed {head}",)}, "{head} wed {tail}", "{tail} wed {head}"),
    ],
)
def test_a_symmetric_relation_is_said_in_the_same_words_both_ways(details, head_first, tail_first):
    assert ((head_first,), (tail_first,)) == filled("spouse", symmetric=True, **details)


@given(head=NAMES, tail=NAMES, before=st.sampled_from(["", "So ", "a"]), after=st.sampled_from(["", ".", " a"]))
def test_spans_show_the_entities_whatever_their_names(head, tail, before, after):
    """Also names that hold braces, or each other, or words of the template."""
    from bothways.facts.templates import render

    one = fact(head, "mother", tail)
    text, (first, second) = render(before + "{tail}'s mother is {head}" + after, one)
    assert f"{before}{tail}'s mother is {head}{after}" == text
    assert (tail, head) == (text[first.start : first.end], text[second.start : second.end])
    assert (tail, head) == (first.entity, second.entity)


def test_a_prompt_is_the_text_before_the_answer_and_what_ends_it():
    from bothways.facts.templates import prompt

    assert ("Q: Who is Bea's child? A:", ".") == prompt("Q: Who is {tail}'s child? A: {head}.", fact(), "head")


def test_a_question_whose_answer_comes_first_is_refused():
    from bothways.errors import FactsError
    from bothways.facts.templates import prompt

    with pytest.raises(FactsError, match=r"names the cue before the answer.*ends with \{head\}"):
        prompt("{head}'s mother is {tail}", fact(), "head")


@pytest.mark.parametrize(
    "template", ["", "{head}", "{head} {head} {tail}", "{head} {name} {tail}", "{head} {} {tail}", "{{head}} {tail}"]
)
def test_what_is_no_template_is_refused(template):
    from bothways.errors import FactsError
    from bothways.facts.templates import render

    with pytest.raises(FactsError, match=r"holds \{head\} and \{tail\} once each"):
        render(template, fact())


def test_relations_in_the_same_words_are_noticed_and_others_are_not():
    from bothways.facts.templates import default_templates, worded_alike

    found = {name: default_templates(name) for name in ("isa", "is_a", "mother")}
    assert 1 == len(worded_alike(found))
    assert "isa, is_a are said in the same words" in worded_alike(found)[0]
