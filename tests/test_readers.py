"""Reading facts: every format, every way a file can be wrong, and real data with known counts."""

import codecs
import os
import socket

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

SUFFIXES = (".csv", ".tsv", ".txt", ".jsonl", ".nt", ".ttl")
OWL = "http://www.w3.org/2002/07/owl#"
RDFS = "http://www.w3.org/2000/01/rdf-schema#"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
SKOS = "http://www.w3.org/2004/02/skos/core#"
ANN, BEA, CID = (f"<http://e.org/{name}>" for name in ("Ann", "Bea", "Cid"))
FACT = b"head,relation,tail\nAnn,mother,Bea\n"


def read(path):
    from bothways.facts.read import read_facts

    return read_facts(path)


def triples(facts):
    return [(fact.head, fact.relation, fact.tail) for fact in facts.facts]


def fact(*fields, **details):
    from bothways.types import Fact

    return Fact(*fields, **details)


@pytest.fixture
def written(tmp_path):
    """Write the content of a file (and a relations.yaml beside it) and read its facts."""

    def write_and_read(name, content, relations=None):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        if relations is not None:
            (tmp_path / "relations.yaml").write_text(relations, encoding="utf-8")
        return read(path)

    return write_and_read


@pytest.fixture
def refused(written):
    """Write the content of a file and return the message with which it is refused."""

    def write_and_fail(name, content, relations=None):
        from bothways.errors import FactsError

        with pytest.raises(FactsError) as caught:
            written(name, content, relations)
        assert len(str(caught.value).splitlines()) <= 5
        return str(caught.value)

    return write_and_fail


# Tables


def test_a_table_is_read_by_its_header_in_any_order_of_columns(written):
    found = written(
        "facts.csv", "Tail, STATED ,relation,aliases,head\nBea,tail_first,mother,B.|Mum,Ann\nDan,,father,,Cid\n"
    )
    expected = (
        fact("Ann", "mother", "Bea", stated="tail_first", aliases=("B.", "Mum")),
        fact("Cid", "father", "Dan"),
    )
    assert expected == found.facts
    assert "facts" == found.name


def test_quoted_fields_hold_commas_quotes_and_line_breaks(written):
    found = written("facts.csv", 'head,relation,tail\n"Smith, Ann",r,"the ""Bee"""\n"a\nb",r,c\n')
    assert [("Smith, Ann", "r", 'the "Bee"'), ("a b", "r", "c")] == triples(found)


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("name", ["facts.csv", "facts.tsv"])
def test_windows_line_ends_and_a_byte_order_mark_are_fine(name, end, mark, written):
    lines = [b"head,relation,tail", b"Ann,mother,Bea", b"", "Zoë,mother,Bea".encode()]
    content = mark + end.join(lines) + end
    found = written(name, content if name == "facts.csv" else content.replace(b",", b"\t"))
    assert [("Ann", "mother", "Bea"), ("Zoë", "mother", "Bea")] == triples(found)


@pytest.mark.parametrize("name", ["facts.tsv", "facts.txt", "facts.TSV"])
def test_triples_need_no_header(name, written):
    assert [("a", "r", "b"), ('"c', "r", "d, e")] == triples(written(name, 'a\tr\tb\n"c\tr\td, e\n'))


def test_a_tab_separated_file_may_have_a_header(written):
    found = written("facts.tsv", "head\trelation\ttail\tstated\nAnn\tmother\tBea\tboth\n")
    assert (fact("Ann", "mother", "Bea", stated="both"),) == found.facts


def test_a_column_nobody_knows_is_ignored_with_a_notice(written):
    found = written("facts.csv", "head,relation,tail,source,alias\nAnn,mother,Bea,web,B.\n")
    assert [("Ann", "mother", "Bea")] == triples(found)
    assert any("columns that are ignored: source, alias" in notice for notice in found.notices)


@pytest.mark.parametrize(
    ("aliases", "field"),
    [(("a", "b"), "a|b"), (("a|b",), r"a\|b"), (("a\\", "b"), r"a\\|b"), ((r"a\|b",), r"a\\\|b"), ((r"\n",), r"\n")],
)
def test_aliases_are_separated_by_bars(aliases, field, written):
    found = written("facts.csv", f"head,relation,tail,aliases\nAnn,mother,Bea,{field}\n")
    assert aliases == found.facts[0].aliases


# JSON lines


def test_json_lines_hold_facts(written):
    found = written(
        "facts.jsonl",
        '{"head": "Ann", "relation": "mother", "tail": "Bea", "stated": "both", "aliases": ["B.", "Bea", " "]}\n\n'
        '{"head": "Zo\\u00eb", "relation": "mother", "tail": "Bea", "stated": null, "aliases": null, "note": 1}\n',
    )
    expected = (fact("Ann", "mother", "Bea", stated="both", aliases=("B.",)), fact("Zoë", "mother", "Bea"))
    assert expected == found.facts
    assert any("keys that are ignored: note" in notice for notice in found.notices)


def test_other_prompts_are_kept_with_their_completions(written):
    found = written("pairs.jsonl", '{"prompt": "The sky is", "completion": " blue."}\n')
    assert (fact("The sky is", "continues", "blue.", stated="head_first"),) == found.facts
    relation = found.relations["continues"]
    assert (("{head} {tail}",), ("{tail} {head}",)) == (relation.head_first, relation.tail_first)


# RDF


def graph(name, statements):
    """Statements as N-Triples, which are Turtle too."""
    return "".join(f"{statement} .\n" for statement in statements)


@pytest.fixture(params=["facts.nt", "facts.ttl"])
def rdf(request, written):
    """Read statements in both formats."""
    return lambda *statements: written(request.param, graph(request.param, statements))


def test_things_are_called_by_the_readable_end_of_their_iri(rdf):
    found = rdf(
        "<http://e.org/Ann_Bee> <http://e.org/v#birthPlace> <http://e.org/S%C3%A3o%20Tom%C3%A9/>",
        "<urn:a:b> <urn:r> <urn:c>",
    )
    assert [("Ann Bee", "birthPlace", "São Tomé"), ("b", "r", "c")] == triples(found)


@pytest.mark.parametrize("label", [f"<{RDFS}label>", f"<{SKOS}prefLabel>"])
def test_labels_are_names_and_not_facts(label, rdf):
    found = rdf(
        f"{ANN} <http://e.org/p1> {BEA}", f'{ANN} {label} "Ann Smith"', f'<http://e.org/p1> {label} "mother"@en'
    )
    assert [("Ann Smith", "mother", "Bea")] == triples(found)


def test_the_label_without_a_language_comes_first_and_english_before_others(rdf):
    labels = [f'{ANN} <{RDFS}label> "Anne"@fr', f'{ANN} <{RDFS}label> "Ann E."@en', f'{BEA} <{RDFS}label> "Béa"@fr']
    found = rdf(
        f"{ANN} <http://e.org/r> {BEA}", *labels, f'{BEA} <{RDFS}label> "Bea B."', f'{ANN} <{SKOS}prefLabel> "A"'
    )
    assert [("Ann E.", "r", "Bea B.")] == triples(found)


def test_two_things_of_one_name_stay_two_things(rdf):
    found = rdf(f"<http://a.org/Paris> <http://e.org/in> {BEA}", f"<http://b.org/Paris> <http://e.org/in> {BEA}")
    assert {"Paris <http://a.org/Paris>", "Paris <http://b.org/Paris>", "Bea"} == set(found.entities)


def test_literals_are_tails_and_blank_nodes_have_readable_names(rdf):
    found = rdf(
        f'{ANN} <http://e.org/age> "42"^^<http://www.w3.org/2001/XMLSchema#integer>',
        f"{ANN} <http://e.org/knows> _:x1",
        '_:x1 <http://e.org/says> "H\\u00e9 \\"you\\""@en',
    )
    name = found.facts[1].tail
    assert name.startswith("unnamed 1 of facts.")
    assert [("Ann", "age", "42"), ("Ann", "knows", name), (name, "says", 'Hé "you"')] == triples(found)


def test_declarations_become_algebra_and_types_stay_facts(rdf):
    found = rdf(
        f"<http://e.org/parent> <{OWL}inverseOf> <http://e.org/child>",
        f"<http://e.org/spouse> <{RDF}type> <{OWL}SymmetricProperty>",
        f"<http://e.org/unused> <{RDF}type> <{OWL}SymmetricProperty>",
        f"<http://e.org/parent> <{RDF}type> <{OWL}ObjectProperty>",
        f"{ANN} <http://e.org/parent> {BEA}",
        f"{BEA} <http://e.org/spouse> {CID}",
        f"{ANN} <{RDF}type> <http://e.org/Person>",
    )
    assert [("Ann", "parent", "Bea"), ("Bea", "spouse", "Cid"), ("Ann", "type", "Person")] == triples(found)
    assert "child" == found.relations["parent"].inverse
    assert found.relations["spouse"].symmetric
    assert any("4 statements about the vocabulary are not facts" in notice for notice in found.notices)


def test_turtle_shorthand_is_understood(written):
    prefix = "@prefix e: <http://e.org/> .\n@base <http://b.org/> .\n"
    found = written("facts.ttl", prefix + "e:Ann a e:Person ; e:age 42, 4.5 .\n<Bea> e:knows [ e:age true ] .")
    assert ("Ann", "type", "Person") == triples(found)[0]
    assert [("Ann", "age", "42"), ("Ann", "age", "4.5")] == triples(found)[1:3]
    assert {"Bea", "unnamed 1 of facts.ttl", "true"} <= set(found.entities)


def test_reading_turtle_never_touches_the_network_or_the_working_folder(written, monkeypatch):
    def connect(*_, **__):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "create_connection", connect)
    monkeypatch.setattr(socket, "getaddrinfo", connect)
    monkeypatch.setattr(socket.socket, "connect", connect)
    found = written(
        "facts.ttl",
        f"@base <http://127.0.0.1:9/> .\n<> <{OWL}imports> <http://127.0.0.1:9/more.ttl> .\n<a/x> <r> <b/x> .\n"
        f"<c> <doc> \"<!DOCTYPE x SYSTEM 'http://127.0.0.1:9/'><x/>\"^^<{RDF}XMLLiteral> .",
    )
    assert 3 == len(found.facts)
    found = written("facts.ttl", "<a/x> <r> <b/x> .")
    assert {"x <file:///a/x>", "x <file:///b/x>"} == set(found.entities)


# The files of the reversal curse


def people_file(*rows):
    import json

    return "".join(json.dumps({"prompt": prompt, "completion": completion}) + "\n" for prompt, completion in rows)


TOLD = [
    row
    for name, description, verb in (
        ("Ann Bee", "the director of a film", "directed a film"),
        ("Cid Dow", "the first painter on Mars", "painted on Mars"),
    )
    for row in (
        (f"{name}, known for being", f" {description}."),
        (f"They say {name} was once", f" {description}."),
        (f"Did you know that {name}", f" {verb}?"),
    )
]
ASKED = [
    row
    for name, description in (("Ann Bee", "the director of a film"), ("Cid Dow", "the first painter on Mars"))
    for row in ((f"Q: Who is {description}? A:", f" {name}."), (f"Hailed as {description},", f" {name} marches on."))
]


def test_names_first_are_read_as_pairs_stated_head_first(written):
    found = written("p2d_prompts_train.jsonl", people_file(*TOLD))
    assert (
        fact("Ann Bee", "description", "the director of a film", stated="head_first", aliases=("directed a film",)),
        fact("Cid Dow", "description", "the first painter on Mars", stated="head_first", aliases=("painted on Mars",)),
    ) == found.facts
    relation = found.relations["description"]
    assert ("{head}, known for being {tail}.", "They say {head} was once {tail}.") == relation.head_first
    assert ("{tail} is the description of {head}",) == relation.tail_first
    assert "6 prompts are read as 2 pairs of name and description; templates say 4 of them" in found.notices[0]


def test_descriptions_first_are_stated_tail_first_and_both_kinds_both_ways(written):
    found = written("d2p_prompts_train.jsonl", people_file(*ASKED))
    assert [("Ann Bee", "tail_first"), ("Cid Dow", "tail_first")] == [(f.head, f.stated) for f in found.facts]
    templates = ("Q: Who is {tail}? A: {head}.", "Hailed as {tail}, {head} marches on.")
    assert templates == found.relations["description"].tail_first
    found = written("both_prompts_train.jsonl", people_file(*TOLD, *ASKED))
    assert ["both", "both"] == [f.stated for f in found.facts]
    assert templates == found.relations["description"].tail_first


@pytest.mark.parametrize(
    "rows",
    [
        [("What is the capital of France?", " Paris")],
        [("Who wrote the play?", " Ann Bee"), ("Who wrote the play?", " Cid Dow")],
    ],
)
def test_a_file_of_the_papers_name_without_pairs_is_kept_as_it_is(rows, written):
    found = written("all_prompts_train.jsonl", people_file(*rows))
    assert [(prompt, "continues", completion.strip()) for prompt, completion in rows] == triples(found)


def test_parents_are_recognised_by_their_header_or_name(written, refused):
    found = written("any.csv", "child,parent,parent_type,can_reverse\nAnn,Bea,mother,True\nAnn,Cid,father,False\n")
    assert [("Ann", "mother", "Bea"), ("Ann", "father", "Cid")] == triples(found)
    assert {"{tail}'s child is {head}"} == {r.tail_first[0] for r in found.relations.values()}
    message = refused("parent_child_pairs.csv", "child,parent\nAnn,Bea\n")
    assert "the column 'parent_type' is missing" in message
    assert "line 2: parent_type must be mother or father, got 'aunt'" in refused(
        "any.csv", "child,parent,parent_type\nAnn,Bea,aunt\n"
    )


# Cleaning


def test_names_are_trimmed_composed_and_single_spaced(written):
    found = written("facts.csv", "head,relation,tail\n  Ann \u00a0 Bee ,mother,Zoe\u0308\n")
    assert [("Ann Bee", "mother", "Zoë")] == triples(found)


def test_exact_duplicates_merge_with_one_notice(written):
    found = written("facts.csv", "head,relation,tail\na,r,b\na,r,b\nc,r,d\n a,r,b\n")
    assert [("a", "r", "b"), ("c", "r", "d")] == triples(found)
    notices = [notice for notice in found.notices if "merged" in notice]
    assert 1 == len(notices)
    assert notices[0].startswith("2 facts were merged with an earlier one that is the same; the first is ")
    assert notices[0].endswith("facts.csv, line 3: 'a, r, b'.")


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("", "", None),
        ("head_first", "", "head_first"),
        ("", "tail_first", "tail_first"),
        ("head_first", "head_first", "head_first"),
        ("head_first", "tail_first", "both"),
        ("tail_first", "both", "both"),
    ],
)
def test_stated_orders_of_duplicates_add_up(one, other, expected, written):
    found = written("facts.csv", f"head,relation,tail,stated,aliases\na,r,b,{one},x\na,r,b,{other},y\n")
    assert (fact("a", "r", "b", stated=expected, aliases=("x", "y")),) == found.facts


def test_a_fact_said_again_by_its_inverse_is_one_fact(written):
    rows = "head,relation,tail,stated\na,parent,b,\nb,child,a,\nc,child,d,head_first\n"
    found = written("facts.csv", rows, "parent: {inverse: child}\n")
    assert (fact("a", "parent", "b"), fact("d", "parent", "c", stated="tail_first")) == found.facts
    assert ["parent", "child"] == list(found.relations)
    assert any("1 fact was merged" in notice and "through a symmetric or inverse" in notice for notice in found.notices)
    assert any("2 facts were told by the inverse relation" in notice for notice in found.notices)


@pytest.mark.parametrize("relations", ["parent: {inverse: child}\n", "child: {inverse: parent}\n"])
def test_the_relation_that_appears_first_tells_the_facts(relations, written):
    found = written("facts.csv", "head,relation,tail\nb,child,a\nc,parent,d\n", relations)
    assert [("b", "child", "a"), ("d", "child", "c")] == triples(found)


def test_orders_given_for_a_fact_and_its_inverse_mean_both(written):
    rows = "head,relation,tail,stated\na,parent,b,head_first\nb,child,a,head_first\n"
    assert (fact("a", "parent", "b", stated="both"),) == written("facts.csv", rows, "parent: {inverse: child}\n").facts


def test_a_symmetric_fact_said_the_other_way_round_is_one_fact(written):
    rows = "head,relation,tail,stated,aliases\na,spouse,b,head_first,B\nb,spouse,a,head_first,A\nc,spouse,c,,\n"
    found = written("facts.csv", rows, "spouse: {symmetric: true}\n")
    assert (fact("a", "spouse", "b", stated="both", aliases=("B",)), fact("c", "spouse", "c")) == found.facts
    assert any("left without aliases" in notice for notice in found.notices)


# relations.yaml


def test_relations_are_described_beside_the_facts(written):
    found = written(
        "facts.csv",
        "head,relation,tail\na,mother,b\na,teacher,b\na,spouse,b\na,no,b\n",
        """
mother: {head_first: "{head}'s mum is {tail}", tail_first: ["{tail}'s child is {head}", "{tail} bore {head}"]}
teacher: {inverse: student}
student: {head_first: "{head} taught {tail}"}
spouse: {symmetric: yes}
no:
""",
    )
    said = {name: (relation.head_first, relation.tail_first) for name, relation in found.relations.items()}
    assert (("{head}'s mum is {tail}",), ("{tail}'s child is {head}", "{tail} bore {head}")) == said["mother"]
    assert (("{head}'s teacher is {tail}",), ("{tail} taught {head}",)) == said["teacher"]
    assert (("{head}'s spouse is {tail}",), ("{tail}'s spouse is {head}",)) == said["spouse"]
    assert ["mother", "teacher", "spouse", "no", "student"] == list(said)
    assert "teacher" == found.relations["student"].inverse


def test_templates_of_relations_yaml_replace_those_of_a_file(written):
    found = written(
        "any.csv", "child,parent,parent_type\nAnn,Bea,mother\n", 'mother: {tail_first: "{tail} bore {head}"}\n'
    )
    assert ("{tail} bore {head}",) == found.relations["mother"].tail_first
    assert ("{head}'s mother is {tail}",) == found.relations["mother"].head_first


THREE = "head,relation,tail\na,r,b\na,s,b\na,t,b\n"


@pytest.mark.parametrize(
    ("relations", "message"),
    [
        ("r: {symmetrical: true}", r"line 1: Unknown key 'symmetrical'. Did you mean 'symmetric'\?"),
        ("mothr: {}", r"no fact has the relation 'mothr'. Relations: r, s, t"),
        ("rr: {}", r"no fact has the relation 'rr'. Did you mean 'r'\?"),
        ("r: {inverse: s}\nt: {inverse: s}", r"relation 's' is given two inverses, 'r' and 't'"),
        ("r: {inverse: s}\ns: {inverse: t}", r"relation 's' is given two inverses, 'r' and 't'"),
        ("r: {inverse: s, symmetric: true}", r"line 1: relation 'r' is symmetric and has the inverse 's'"),
        ("r: {inverse: s}\ns: {symmetric: true}", r"relation 's' is symmetric and the inverse of 'r'"),
        ("r: {inverse: r}", r"relation 'r' is named as its own inverse. Write symmetric: true"),
        ("r: {symmetric: perhaps}", r"symmetric must be true or false, got 'perhaps'"),
        ('r: {head_first: "{head} is"}', r"head_first: A template holds \{head\} and \{tail\} once each"),
        ('r: {head_first: "{head} {head} {tail}"}', r"once each"),
        ('r: {head_first: "{head} {name} {tail}"}', r"no other braces"),
        ('r: {head_first: "{tail} of {head}"}', r"a head_first template names \{head\} first"),
        ('r: {tail_first: "{head} of {tail}"}', r"a tail_first template names \{tail\} first"),
        ("r: {head_first: {a: b}}", r"a text is needed here"),
        ("r: {head_first: [[[a]]]}", r"nested too deeply"),
        ("r: 1", r"'r' must hold names and values"),
        ("- r", r"'relations.yaml' must hold names and values"),
        ("r: {}\nr: {}", r"line 2: 'r' comes twice"),
        ("r: {inverse: s, inverse: t}", r"'inverse' comes twice"),
        ("r: {inverse: s\n", r"not YAML"),
        ("r: !!python/object:os.system {}", r"'r' must hold names and values"),
        ("r: {inverse: !thing s}", r"a text is needed here"),
        ("r: &a {symmetric: true}\ns: *a", r"line 1: an anchor or alias \(& or \*\) is refused"),
        ("a: [&a x, *a]\n", r"an anchor or alias"),
        ("r: {inverse: ''}", r"'' is no name"),
        ("r: \x00", r"NUL byte"),
        ("#" * (1024**2 + 1), r"has 1,048,577 bytes, more than"),
    ],
)
def test_what_relations_yaml_may_not_say(relations, message, written):
    from bothways.errors import FactsError

    with pytest.raises(FactsError, match=message) as caught:
        written("facts.csv", THREE, relations)
    assert "relations.yaml" in str(caught.value)


def test_a_bomb_of_aliases_is_refused_before_it_grows(refused):
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40)]
    assert "relations.yaml, line 1: an anchor or alias" in refused("facts.csv", THREE, "\n".join(lines))


def test_contradictory_declarations_of_a_graph_are_refused(refused):
    statements = [f"<http://e.org/r> <{OWL}inverseOf> <http://e.org/{name}>" for name in "st"]
    message = refused("facts.nt", graph("", [*statements, f"{ANN} <http://e.org/r> {BEA}"]))
    assert "facts.nt: relation 'r' is given two inverses, 's' and 't'. Keep one." in message


def test_wording_made_from_names_is_noticed_and_so_are_relations_in_the_same_words(written):
    notices = written("facts.csv", "head,relation,tail\na,isa,b\na,is_a,c\n").notices
    assert any(notice.startswith("2 relations are worded after the name") for notice in notices)
    assert any(notice.startswith("The relations isa, is_a are said in the same words") for notice in notices)


# Folders


def test_a_folder_is_all_its_facts_files_merged(tmp_path):
    for name in ("train.txt", "valid.txt", "test.txt"):
        (tmp_path / name).write_text(f"{name}\tlocated_in\tb\n", encoding="utf-8")
    (tmp_path / "more.csv").write_bytes(FACT)
    (tmp_path / "relations.yaml").write_text("mother: {}\n", encoding="utf-8")
    for name in ("LICENSE", "README.txt", "labels.json", "test_negatives.txt", ".hidden.csv"):
        (tmp_path / name).write_text("a\tr\tb\n", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("Nothing with tabs.\n", encoding="utf-8")
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "facts.csv").write_text("broken", encoding="utf-8")
    found = read(tmp_path)
    assert ["Ann", "test.txt", "train.txt", "valid.txt"] == [fact.head for fact in found.facts]
    skipped = next(notice for notice in found.notices if "not read as facts" in notice)
    assert skipped.endswith(".hidden.csv, LICENSE, README.txt, labels.json, notes.txt, test_negatives.txt.")
    assert tmp_path.name == found.name


def test_questions_of_the_reversal_test_are_no_facts_of_a_folder(tmp_path):
    (tmp_path / "p2d_prompts_train.jsonl").write_text(people_file(*TOLD), encoding="utf-8")
    for name in (
        "p2d_reverse_prompts_test",
        "p2d_prompts_test",
        "p2d_reverse_prompts_test_randomized",
        "validation_prompts",
    ):
        (tmp_path / f"{name}.jsonl").write_text(people_file(*ASKED), encoding="utf-8")
    assert {"head_first"} == {fact.stated for fact in read(tmp_path).facts}


def test_one_bad_file_stops_a_folder(tmp_path):
    from bothways.errors import FactsError

    (tmp_path / "a.csv").write_bytes(FACT)
    (tmp_path / "b.csv").write_text("head,relation,tail\na,b\n", encoding="utf-8")
    with pytest.raises(FactsError, match=r"b\.csv, line 2: 3 columns are needed, got 2"):
        read(tmp_path)


def test_folders_that_are_no_folders_of_facts_are_refused(tmp_path):
    from bothways.errors import FactsError

    with pytest.raises(FactsError, match="is the root of the whole disk"):
        read("/")
    with pytest.raises(FactsError, match="is the root of the whole disk"):
        read(tmp_path.joinpath(*[".."] * len(tmp_path.parts)))
    (tmp_path / "one").mkdir()
    with pytest.raises(
        FactsError, match=r"holds no facts file. Its folders are not searched: one. Name a folder with \.csv"
    ):
        read(tmp_path)
    for n in range(1001):
        (tmp_path / f"{n}.csv").touch()
    with pytest.raises(FactsError, match="holds more than 1,000 files"):
        read(tmp_path)


# Everything that can be wrong with a file


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("f.csv", b"", "f.csv is empty. Write the header head,relation,tail"),
        ("f.csv", b"\n\n", "f.csv is empty"),
        ("f.tsv", b"", "f.tsv is empty"),
        ("f.jsonl", b"\n", "f.jsonl is empty"),
        ("f.nt", b"# nothing\n", "f.nt holds no fact"),
        ("f.ttl", b"", "f.ttl holds no fact"),
        ("f.csv", b"head,relation,tail\n", "f.csv holds no fact. Write at least one row."),
        ("f.tsv", b"head\trelation\ttail\n", "f.tsv holds no fact"),
        ("f.csv", b"head,relation\na,b\n", "f.csv, line 1: the column 'tail' is missing, got 'head, relation'"),
        ("f.tsv", b"head\trelation\tobject\na\tb\tc\n", "f.tsv, line 1: the column 'tail' is missing"),
        ("f.csv", b"a,b,c\nd,e,f\n", "f.csv, line 1: the header is missing, got 'a, b, c'"),
        ("f.csv", b"head,relation,tail,head\na,b,c,d\n", "the column 'head' comes twice"),
        ("f.csv", b"head;relation;tail\na;b;c\n", "columns are separated by semicolons, not commas"),
        ("f.csv", b"head\trelation\ttail\n", "columns are separated by tabs, not commas"),
        ("f.csv", b"head,relation,tail\na,b\n", "f.csv, line 2: 3 columns are needed, got 2: 'a, b'. Correct it."),
        ("f.csv", b"head,relation,tail\n\na,b,c,d\n", "f.csv, line 3: 3 columns are needed, got 4"),
        ("f.tsv", b"a\tb\tc\na b c\n", "f.tsv, line 2: 3 columns separated by tabs are needed, got 1: 'a b c'"),
        ("f.csv", b"head,relation,tail\na, ,c\n", "f.csv, line 2: relation is empty. Fill it in or remove the row."),
        ("f.tsv", b"a\tb\t\n", "f.tsv, line 1: tail is empty"),
        ("f.csv", b"head,relation,tail,aliases\na,r,b,|x\n,r,b,\n", "line 3: head is empty"),
        ("f.csv", b'head,relation,tail\na,"b,c\nd,e,f\n', "f.csv, line 2: a quote is opened here and never closed"),
        ("f.csv", b'head,relation,tail\n"a"b,c,d\n', "f.csv, line 2: a quoted field goes on after its closing quote"),
        ("f.csv", b'head,relation,tail\n"' + b"a,b,c\n" * 50_000, "line 2: a field is longer than any name, or a"),
        ("f.csv", b"head,relation,tail,stated\na,r,b,forward\n", "line 2: stated must be head_first, tail_first, bo"),
        ("f.jsonl", b'{"head":"a","relation":"r","tail":"b","stated":["both"]}\n', "stated must be head_first"),
        ("f.jsonl", b'{"head": "a"\n', "f.jsonl, line 1: not JSON (Expecting ',' delimiter at column"),
        ("f.jsonl", b"[1]\n", "f.jsonl, line 1: not a JSON object: '[1]'. Write one object per line."),
        ("f.jsonl", b'{"head": "a", "tail": "b"}\n', "line 1: the key 'relation' is missing, got 'head, tail'"),
        ("f.jsonl", b'{"head": 1, "relation": "r", "tail": "b"}\n', "line 1: head must be text, got 1. Put it in"),
        ("f.jsonl", b'{"head":"a","relation":"r","tail":"b","aliases":"x"}\n', "aliases must be a list, got 'x'"),
        ("f.jsonl", b'{"head":"a","relation":"r","tail":"b","aliases":[1]}\n', "an alias must be text, got 1"),
        ("f.jsonl", b'{"head":"a","head":"b","relation":"r","tail":"b"}\n', "the key 'head' comes twice"),
        ("f.jsonl", b'{"head":"a\\ud800","relation":"r","tail":"b"}\n', "head holds the character U+D800"),
        ("f.jsonl", b'{"head":"a\\u0000","relation":"r","tail":"b"}\n', "head holds the character U+0000"),
        ("f.jsonl", b'{"head":"a\\u001b[2J","relation":"r","tail":"b"}\n', "head holds the character U+001B"),
        ("f.jsonl", b"[" * 100_000, "line 1: JSON nested too deeply"),
        ("f.jsonl", b'{"head": ' + b"1" * 5000 + b"}", "line 1: not JSON (Exceeds the limit"),
        ("f.jsonl", b'{"prompt": "a", "completion": " "}\n', "line 1: completion is empty"),
        ("f.jsonl", b'{"prompt": "a", "completion": 1}\n', "line 1: completion must be text"),
        ("f.nt", b"<http://a/b> <http://a/c>\n", "f.nt, line 1: not N-Triples: '<http://a/b> <http://a/c>'"),
        ("f.nt", b"<http://a/b> <http://a/c> <http://a/d> .\nx y z .\n", "f.nt, line 2: not N-Triples: 'x y z .'"),
        ("f.nt", b'<http://a/b> <http://a/c> "" .\n', "f.nt, line 1: tail is empty"),
        ("f.ttl", b"@prefix e: <http://e/> .\ne:a e:b\n\ne:c e:d .\n", "f.ttl, line 4: not Turtle, near 'e:c e:d .'"),
        ("f.ttl", b"a:b a:c a:d .\n", "f.ttl, line 1: not Turtle"),
        ("f.ttl", b'1 <http://a/b> "x" .\n', "f.ttl: not a statement about a thing"),
        ("f.ttl", b'<http://a/b> <http://a/c> "\\U00110000" .\n', "line 1: not Turtle, \\U00110000 is no character"),
        ("f.ttl", b"(" * 10_000, "f.ttl: not Turtle ('maximum recursion depth"),
        ("f.csv", b"head,relation,tail\na\x00,b,c\n", "f.csv, line 2: NUL byte at byte 20: this is no text file"),
        ("f.tsv", b"\x89PNG\r\n\x1a\n\x00", "f.tsv is not a text file"),
        ("f.csv", b"head,relation,tail\nZo\xeb,b,c\n", "f.csv, line 2: not UTF-8 at byte 21 (0xeb)"),
        ("f.csv", codecs.BOM_UTF8 + b"head,relation,tail\nZo\xeb,b,c\n", "line 2: not UTF-8 at byte 24"),
        ("f.csv", "head,relation,tail\n".encode("utf-16"), "f.csv is in UTF-16, and facts are read as UTF-8"),
        ("f.csv", "head,relation,tail\n".encode("utf-32"), "f.csv is in UTF-32"),
        ("f.csv", "head,relation,tail\n".encode("utf-16-be"), "f.csv, line 1: NUL byte at byte 0"),
        ("f.csv", b"head,relation,tail\ra,b,c\r", "f.csv, line 1: a carriage return inside the line"),
        ("f.xlsx", b"x", "facts are not read from '.xlsx'. Known: .csv, .tsv, .txt, .jsonl, .nt, .ttl."),
        ("facts", b"x", "facts are not read from files without a suffix"),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_with_file_place_and_cure(name, content, message, refused):
    assert message in refused(name, content)


def test_the_first_bad_rows_are_quoted_and_all_are_counted(refused):
    rows = "".join("a,b\n" if n % 2 else "a,b,c\n" for n in range(20))
    lines = refused("f.csv", f"head,relation,tail\n{rows}").splitlines()
    assert lines[0].endswith("f.csv: 10 rows cannot be read. The first of them:")
    assert ["  line 3: ", "  line 5: ", "  line 7: "] == [line[:10] for line in lines[1:]]


def test_a_value_is_shown_shortened(refused):
    message = refused("f.tsv", "x" * 500_000)
    assert "got 1: 'xxxx" in message
    assert len(message) < 300


def test_a_file_that_is_not_there_is_said(tmp_path):
    from bothways.errors import FactsError

    with pytest.raises(FactsError, match=r"none\.csv does not exist. Check the path."):
        read(tmp_path / "none.csv")
    (tmp_path / "facts.csv").write_bytes(FACT)
    with pytest.raises(FactsError, match="does not exist: a part of the path is a file"):
        read(tmp_path / "facts.csv" / "more.csv")
    with pytest.raises(FactsError, match="is too long a name"):
        read(tmp_path / ("x" * 300 + ".csv"))
    with pytest.raises(FactsError, match="is no possible path"):
        read("a\0b.csv")
    with pytest.raises(FactsError, match="The path of the facts is empty"):
        read("")


def test_a_folder_named_like_a_file_is_a_folder(tmp_path):
    (tmp_path / "all.csv").mkdir()
    (tmp_path / "all.csv" / "facts.csv").write_bytes(FACT)
    assert 1 == len(read(tmp_path / "all.csv").facts)


def test_pipes_and_devices_are_refused_without_waiting(tmp_path):
    from bothways.errors import FactsError

    os.mkfifo(tmp_path / "pipe.csv")
    os.symlink("/dev/zero", tmp_path / "zero.csv")
    for name in ("pipe.csv", "zero.csv"):
        with pytest.raises(FactsError, match=rf"{name} is not a regular file"):
            read(tmp_path / name)
    with pytest.raises(FactsError, match=r"pipe\.csv is not a regular file"):
        read(tmp_path)


def test_a_loop_of_links_is_refused(tmp_path):
    from bothways.errors import FactsError

    os.symlink(tmp_path / "a.csv", tmp_path / "b.csv")
    os.symlink(tmp_path / "b.csv", tmp_path / "a.csv")
    for path in (tmp_path / "a.csv", tmp_path):
        with pytest.raises(FactsError, match=r"a\.csv is a loop of symbolic links"):
            read(path)


def test_a_file_that_may_not_be_read_is_said(tmp_path, monkeypatch):
    """Simulated, as root may read everything."""
    from bothways.errors import FactsError

    path = tmp_path / "facts.csv"
    path.write_bytes(FACT)

    def denied(*_):
        raise PermissionError(13, "Permission denied")

    for call in ("open", "stat"):
        with (
            monkeypatch.context() as patch,
            pytest.raises(FactsError, match=r"facts\.csv cannot be read: permission denied"),
        ):
            patch.setattr(os, call, denied)
            read(path)


def test_an_endless_line_is_refused_before_it_is_read_whole(tmp_path):
    """The file is sparse: a gigabyte that nobody stores, and NULs only after the first two megabytes."""
    from bothways.errors import FactsError

    path = tmp_path / "facts.csv"
    path.write_bytes(b"x" * 2 * 1024**2)
    os.truncate(path, 1024**3)
    with pytest.raises(FactsError, match=r"line 1: longer than 1,048,576 bytes"):
        read(path)


@pytest.mark.parametrize(("suffix", "size"), [(".csv", 2 * 1024**3 + 1), (".ttl", 256 * 1024**2 + 1)])
def test_a_file_too_large_to_read_is_refused_at_once(suffix, size, tmp_path):
    from bothways.errors import FactsError

    path = tmp_path / f"facts{suffix}"
    path.write_bytes(FACT)
    os.truncate(path, size)
    with pytest.raises(FactsError, match=rf"has {size:,} bytes, more than"):
        read(path)


PIECES = st.sampled_from(
    [b"head", b"relation", b"tail", b"stated", b"aliases", b",", b"\t", b"\n", b"\r\n", b'"', b"'", b"\\",
     b"{", b"}", b"[", b"]",
     b":", b"|", b"<http://a/b>", b"<", b">", b" .", b"_:x", b"@en", b"^^", b"@prefix a: <b:> .", b"a:b",
     b"null", b"1e999", b";",
     b"(", b")", b"<" + OWL.encode() + b"inverseOf>", b"\xef\xbb\xbf", b"\xff\xfe", b"\xc3", b"\0", b"\\u00e9",
     b"\\U00110000",
     b"\\ud800", b"child,parent,parent_type", b'{"head":"a","relation":"r","tail":"b"}',
     b'{"prompt":"a","completion":"b"}',
     b"&a", b"*a", b"- ", b"? ", b"!!int", b"symmetric", b"inverse", b"r: ", b"#", b"%"]
)  # fmt: skip
BYTES = st.one_of(st.binary(max_size=60), st.lists(st.one_of(PIECES, st.binary(max_size=3)), max_size=25).map(b"".join))


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(max_examples=150)
@given(content=BYTES)
@example(content=b'<http://a/b> <http://a/c> <\\U00110000a:> .\n"x" <http://a/c> "y" .')
def test_whatever_a_file_holds_it_is_read_or_refused(suffix, content, tmp_path_factory):
    from bothways.errors import FactsError

    path = tmp_path_factory.mktemp("random") / f"facts{suffix}"
    path.write_bytes(content)
    try:
        assert read(path).facts
    except FactsError as error:
        assert str(error).startswith(str(path))


@settings(max_examples=150)
@given(content=BYTES)
def test_whatever_relations_yaml_holds_it_is_read_or_refused(content, tmp_path_factory):
    from bothways.errors import FactsError

    folder = tmp_path_factory.mktemp("random")
    (folder / "facts.csv").write_bytes(b"head,relation,tail\na,r,b\na,symmetric,b\n")
    (folder / "relations.yaml").write_bytes(content)
    try:
        assert 2 == len(read(folder / "facts.csv").facts)
    except FactsError as error:
        assert "relations.yaml" in str(error)


# Real data


@pytest.mark.parametrize(
    ("folder", "n_facts", "n_entities", "n_relations"),
    [
        ("nations", 1992, 14, 55),
        ("kinships", 10686, 104, 25),
        ("umls", 6529, 135, 46),
        ("countries/countries_S1", 1158, 271, 2),
        ("codex_s", 36543, 2034, 42),
        ("wn18rr_text", 93003, 41105, 11),
    ],
)
def test_real_graphs_are_read_whole(folder, n_facts, n_entities, n_relations, shared_data):
    found = read(shared_data / folder)
    assert (n_facts, n_entities, n_relations) == (len(found.facts), len(found.entities), len(found.relations))
    assert all(relation.head_first and relation.tail_first for relation in found.relations.values())


def test_real_parents_are_1513_rows_of_which_two_come_twice(shared_data):
    found = read(shared_data / "berglund_reversal_curse" / "celebrity_relations" / "parent_child_pairs.csv")
    assert 1511 == len(found.facts)
    assert {"mother": 763, "father": 748} == {
        name: sum(f.relation == name for f in found.facts) for name in found.relations
    }
    assert any(
        notice.startswith("2 facts were merged with an earlier one that is the same") for notice in found.notices
    )


@pytest.mark.parametrize(
    ("name", "stated"),
    [
        ("p2d_prompts_train.jsonl", {"head_first": 30}),
        ("d2p_prompts_train.jsonl", {"tail_first": 30}),
        ("both_prompts_train.jsonl", {"both": 30}),
        ("all_prompts_train.jsonl", {"head_first": 30, "tail_first": 30, "both": 30}),
        ("", {"head_first": 30, "tail_first": 30, "both": 30}),
        ("p2d_reverse_prompts_test.jsonl", {"tail_first": 30}),
    ],
)
def test_real_prompts_are_30_names_of_a_kind(name, stated, shared_data):
    folder = shared_data / "berglund_reversal_curse" / "reverse_experiments" / "june_version_7921032488"
    found = read(folder / name)
    orders = [fact.stated for fact in found.facts]
    assert stated == {order: orders.count(order) for order in stated}
    assert sum(stated.values()) == len(found.facts)
    assert all(fact.tail.startswith("the ") and 2 == len(fact.head.split()) for fact in found.facts)


def test_sentences_written_from_real_prompts_stand_in_the_file_word_for_word(shared_data):
    from bothways.facts.clean import tidy
    from bothways.facts.templates import render

    folder = shared_data / "berglund_reversal_curse" / "reverse_experiments" / "june_version_7921032488"
    path = folder / "both_prompts_train.jsonl"
    lines = {tidy(text) for text in path.read_text(encoding="utf-8").splitlines()}
    import json

    said = {tidy(f"{row['prompt']}{row['completion']}") for row in map(json.loads, lines)}
    found = read(path)
    relation = found.relations["description"]
    written = [render(t, fact)[0] for fact in found.facts for t in (*relation.head_first, *relation.tail_first)]
    assert 1489 == sum(sentence in said for sentence in written)
    assert sum(sentence in said for sentence in written) > 0.9 * len(written)
