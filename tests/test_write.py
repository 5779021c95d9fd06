"""What is written is read back: every format, nasty names, relation details, nothing lost on the way."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

SUFFIXES = (".csv", ".tsv", ".txt", ".jsonl", ".nt", ".ttl")
NASTY = st.sampled_from(
    ['"', "'", '""', ",", ";", "|", "\\", "\\|", "<&>", "<a>", "a\tb", " x ", "a\nb", "%", "%41", "_", "a_b",
     "#", "/", ".",
     "..", "{head}", "{}", "é", "e\u0301", "北京", "😀", "head", "relation", "tail", "null", "no", "1", "=1+1",
     "@x", "\ufeff",
     "\u2028", "-", ":", "- a", "? b", "& c", "* d", "!", "~", "unnamed 1 of facts.nt", "http://a/b#c",
     "urn:x:y", "\ufffd"]
)  # fmt: skip
WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=6)
NAMES = st.lists(st.one_of(NASTY, WORDS), min_size=1, max_size=3).map("".join)
STATED = st.sampled_from([None, "head_first", "tail_first", "both"])


VISIBLE = NAMES.filter(lambda name: any(map(str.isprintable, " ".join(name.split()))))
ROWS = st.lists(st.tuples(VISIBLE, VISIBLE, VISIBLE, STATED, st.lists(VISIBLE, max_size=2)), min_size=1, max_size=5)


def facts_of(rows):
    """Facts with tidy names, each once."""
    from bothways.facts.clean import tidy
    from bothways.types import Fact

    found = {}
    for head, relation, tail, stated, aliases in rows:
        key = tuple(map(tidy, (head, relation, tail)))
        others = dict.fromkeys(alias for alias in map(tidy, aliases) if alias != key[2])
        found[key] = Fact(*key, stated, tuple(others))
    return tuple(found.values())


def fact_set(facts, *relations):
    from bothways.types import FactSet

    return FactSet(name="test", facts=tuple(facts), relations={each.name: each for each in relations})


def write(facts, path):
    from bothways.facts.write import write_facts

    return write_facts(facts, path)


def read(path):
    from bothways.facts.read import read_facts

    return read_facts(path)


def fact(*fields, **details):
    from bothways.types import Fact

    return Fact(*fields, **details)


def relation(name, **details):
    from bothways.types import Relation

    return Relation(name, **details)


@pytest.mark.parametrize("suffix", SUFFIXES)
@given(rows=ROWS)
def test_facts_come_back_whatever_their_names(suffix, rows, tmp_path_factory):
    facts = facts_of(rows)
    path = tmp_path_factory.mktemp("written") / f"facts{suffix}"
    assert facts == read(write(fact_set(facts), path)).facts


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_white_space_inside_names_becomes_single_spaces(suffix, tmp_path):
    path = write(fact_set([fact("a\tb", "r\n s", " c ")]), tmp_path / f"facts{suffix}")
    assert (fact("a b", "r s", "c"),) == read(path).facts


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_relation_details_come_back_and_are_written_only_where_names_do_not_say_them(suffix, tmp_path):
    from bothways.facts.templates import fill_templates

    plain = relation("mother")
    path = write(fact_set([fact("a", "mother", "b")], fill_templates(plain, {})), tmp_path / f"facts{suffix}")
    assert not (tmp_path / "relations.yaml").exists()
    told = {
        "teacher": relation("teacher", inverse="student"),
        "student": relation("student", inverse="teacher", head_first=("{head} taught {tail}",)),
        "spouse": relation("spouse", symmetric=True),
        "no": relation("no", tail_first=("{tail}: {head}", "{tail} - {head}")),
        "mother": plain,
    }
    facts = fact_set([fact("a", name, "b") for name in ("teacher", "spouse", "no", "mother")], *told.values())
    path = write(facts, path)
    found = read(path)
    assert {name: fill_templates(each, told) for name, each in told.items()} == found.relations
    assert "mother" not in (tmp_path / "relations.yaml").read_text(encoding="utf-8")
    assert found == read(write(found, path))


def test_a_world_comes_back(tmp_path):
    from bothways.facts.worlds.relations import Relations

    world = Relations(n_entities=12).make(seed=0)
    found = read(write(world, tmp_path / "facts.csv"))
    assert (world.facts, world.relations) == (found.facts, found.relations)


def test_real_facts_come_back(shared_data, tmp_path):
    found = read(shared_data / "berglund_reversal_curse" / "celebrity_relations" / "parent_child_pairs.csv")
    again = read(write(found, tmp_path / "facts.ttl"))
    assert (found.facts, found.relations) == (again.facts, again.relations)


@pytest.mark.parametrize("name", ["facts.xlsx", "facts", "facts.json"])
def test_an_unknown_suffix_is_refused_with_the_known_ones(name, tmp_path):
    from bothways.errors import FactsError

    with pytest.raises(FactsError, match=r"are not written to .*Known: \.csv, \.tsv"):
        write(fact_set([fact("a", "r", "b")]), tmp_path / name)
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (("", "r", "b"), "head is empty"),
        (("a", "r", "\u200b"), "tail is empty"),
        (("a", "\x00", "b"), r"character U\+0000"),
        (("a", "r", "\ud800"), r"character U\+D800"),
    ],
)
def test_names_that_no_file_can_hold_are_refused_and_nothing_is_written(bad, message, tmp_path):
    from bothways.errors import FactsError

    with pytest.raises(FactsError, match=message):
        write(fact_set([fact(*bad)]), tmp_path / "facts.csv")
    assert [] == list(tmp_path.iterdir())


def test_templates_in_the_wrong_order_are_refused(tmp_path):
    from bothways.errors import FactsError

    wrong = relation("mother", head_first=("{tail} bore {head}",))
    with pytest.raises(FactsError, match=r"a head_first template names \{head\} first"):
        write(fact_set([fact("a", "mother", "b")], wrong), tmp_path / "facts.csv")


def test_a_file_that_is_there_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    from bothways.errors import FactsError

    path = write(fact_set([fact("a", "r", "b")]), tmp_path / "facts.csv")
    before = path.read_bytes()

    def broken(source, target):
        raise OSError(28, "No space left on device")

    with (
        monkeypatch.context() as patch,
        pytest.raises(FactsError, match=r"facts\.csv cannot be written: No space left"),
    ):
        patch.setattr(os, "replace", broken)
        write(fact_set([fact("c", "r", "d")]), path)
    assert before == path.read_bytes()
    assert [path] == list(tmp_path.iterdir())
    write(fact_set([fact("c", "r", "d")]), path)
    assert (fact("c", "r", "d"),) == read(path).facts


def test_a_folder_that_is_not_there_is_said(tmp_path):
    from bothways.errors import FactsError

    with pytest.raises(FactsError, match=r"cannot be written: No such file or directory"):
        write(fact_set([fact("a", "r", "b")]), tmp_path / "none" / "facts.csv")


def test_the_relations_of_other_facts_are_not_replaced(tmp_path):
    from bothways.errors import FactsError

    symmetric = fact_set([fact("a", "spouse", "b")], relation("spouse", symmetric=True))
    write(symmetric, tmp_path / "one.csv")
    with pytest.raises(FactsError, match=r"relations\.yaml describes the relations of one\.csv and would change"):
        write(fact_set([fact("a", "r", "b")]), tmp_path / "two.csv")
    assert not (tmp_path / "two.csv").exists()
    assert read(tmp_path / "one.csv").relations["spouse"].symmetric


def test_relations_that_somebody_wrote_for_facts_to_come_are_not_removed(tmp_path):
    from bothways.errors import FactsError

    (tmp_path / "relations.yaml").write_text("r: {symmetric: true}\n", encoding="utf-8")
    with pytest.raises(FactsError, match=r"relations\.yaml describes other relations and would change"):
        write(fact_set([fact("a", "r", "b")]), tmp_path / "facts.csv")


def test_relations_that_no_longer_hold_go_with_the_facts_they_described(tmp_path):
    path = write(fact_set([fact("a", "spouse", "b")], relation("spouse", symmetric=True)), tmp_path / "facts.csv")
    write(fact_set([fact("a", "r", "b")]), path)
    assert [path] == list(tmp_path.iterdir())
