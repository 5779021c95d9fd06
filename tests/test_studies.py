"""What every registered study promises: claims that are complete and can fail, groups that can be run, exact data."""

import json
import math
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.made_up_evidence import Dials, Listener, ask, turn_until, verdicts

PAGES = {
    "training-dynamics": "training-dynamics.md",
    "masked-diffusion": "masked-diffusion-reversal.md",
    "relational-semantics": "relational-semantics.md",
    "knowledge-injection": "knowledge-injection.md",
}
"""Where a study's claims were collected, among the pages that stand beside some checkouts."""
IDS = {
    "training-dynamics": {f"TD-{n}" for n in range(1, 19)},
    "masked-diffusion": {f"MD-{n}" for n in range(1, 20) if n not in (13, 14)} | {f"MD-T{n}" for n in range(1, 6)},
    "relational-semantics": {f"RS-{n}" for n in range(1, 15)},
    "knowledge-injection": {f"KI-{n}" for n in range(1, 35)}
    | {f"KI-35{letter}" for letter in "abcdefghijklm"}
    | {"MD-13", "MD-14", "BW-4", "BW-6"},
    "open-questions": {"BW-1", "BW-2", "BW-3", "BW-5"},
}
"""Two claims on masked diffusion, and two open questions, are tested where models are taught facts."""
NEEDS_NO_RUN = {"MD-5"}
"""Claims that are decided by arithmetic alone."""
RISES = {"RS-1", "RS-3", "BW-4"}
"""Claims that fit curves over groups: they have evidence of their own in test_relational_semantics.py and
test_knowledge_injection.py."""


def studies() -> list[str]:
    from bothways.registry import names

    return list(names("studies"))


@cache
def made(name: str) -> Any:
    from bothways.studies.plan import make_study

    return make_study(name)


@cache
def claims_of(name: str, quick: bool) -> dict[str, Any]:
    return {claim.id: claim for claim in made(name).claims(quick)}


@cache
def groups_of(name: str, quick: bool) -> dict[str, Any]:
    return {group.name: group for group in made(name).groups(quick)}


EACH = pytest.mark.parametrize("name", studies())
EITHER = pytest.mark.parametrize("quick", [True, False], ids=["quick", "whole"])
TESTED = [
    pytest.param(name, quick, id, id=f"{id} {'quick' if quick else 'whole'}")
    for name in studies()
    for quick in (True, False)
    for id, claim in claims_of(name, quick).items()
    if claim.parts
]


@EACH
@EITHER
def test_a_study_decides_every_claim_of_its_page_once(name: str, quick: bool) -> None:
    ids = [claim.id for claim in made(name).claims(quick)]
    assert IDS[name] == set(ids)
    assert [] == [id for id, n in Counter(ids).items() if n > 1]


@pytest.mark.parametrize("name", PAGES)
def test_the_ids_are_those_of_the_page(name: str, shared_papers: Path) -> None:
    """Identities of ours stand in the page's text, its other claims in tables, whichever study tests them."""
    page = (shared_papers / PAGES[name]).read_text(encoding="utf-8")
    prefix = {"training-dynamics": "TD", "masked-diffusion": "MD", "relational-semantics": "RS"}.get(name, "KI")
    everywhere = {id for ids in IDS.values() for id in ids if id.startswith(prefix)}
    assert everywhere == set(re.findall(rf"^\| ({prefix}-\d+[a-z]?) \|", page, re.M)) | set(
        re.findall(r"\bMD-T\d\b", page) if prefix == "MD" else ()
    )


@EACH
def test_claims_differ_only_in_scale_between_quick_and_whole(name: str) -> None:
    """What is claimed, by whom and how surely does not depend on how much is run."""
    quick, whole = ([(c.id, c.sentence, c.paper, c.sure) for c in claims_of(name, q).values()] for q in (True, False))
    assert quick == whole


@EACH
@EITHER
def test_texts_of_claims_are_sentences(name: str, quick: bool) -> None:
    texts = [text for claim in claims_of(name, quick).values() for text in (claim.sentence, claim.why) if text]
    assert [] == [text for text in texts if not text.endswith(".") or "  " in text]


@EACH
@EITHER
def test_commands_in_the_texts_exist(name: str, quick: bool) -> None:
    """A claim that cannot be tested says which command would, and that command is one."""
    import typer

    from bothways.cli import app

    verbs = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    texts = [claim.why for claim in claims_of(name, quick).values()]
    named = {verb for text in texts for verb in re.findall(r"bothways (\w+)", text)}
    assert set() == named - verbs
    assert {"study"} <= {verb for quick in (True, False) for s in studies() for c in claims_of(s, quick).values()
                         for verb in re.findall(r"bothways (\w+)", c.why)}  # fmt: skip


@pytest.fixture(scope="module")
def chains(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of an exam with sixty chains."""
    exam = groups_of("training-dynamics", True)["chain"].exam(0)
    path = tmp_path_factory.mktemp("chains") / "exam.json"
    path.write_text(json.dumps(exam.to_json()), encoding="utf-8")
    return path


@pytest.fixture
def made_up_routes(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Let the arithmetic that decides MD-5 say what a test wants."""
    said = {"formula": 0.9}
    monkeypatch.setattr("bothways.studies.claims_escape.rotary_routes", lambda *_, **__: said)
    return said


@pytest.mark.parametrize(("name", "quick", "id"), [p for p in TESTED if p.values[2] not in NEEDS_NO_RUN | RISES])
def test_a_claim_can_hold_and_each_of_its_parts_can_fail(name: str, quick: bool, id: str, chains: Path) -> None:
    """Made-up evidence inside every region reproduces it; outside of the first it refutes it."""
    from bothways.studies.claims import overall

    claim, dials = claims_of(name, quick)[id], Dials(0)
    places = range(len(claim.parts))
    assert turn_until(claim, dials, chains, dict.fromkeys(places, "reproduced")), "nothing reproduces it"
    held = dict(dials.at)
    assert "reproduced" == overall(verdicts(claim, dials, chains))
    for place in places:
        dials.at = dict(held)
        assert turn_until(claim, dials, chains, {place: "contradicted"}), claim.parts[place].what
        verdict = overall(verdicts(claim, dials, chains))
        assert verdict != "reproduced"
        assert place > 0 or verdict == "contradicted"


@pytest.mark.parametrize(("formula", "verdict"), [(0.9, "reproduced"), (0.39, "contradicted")])
def test_what_arithmetic_decides_can_fail(formula: float, verdict: str, made_up_routes: dict[str, float]) -> None:
    from bothways.studies.claims import decide
    from bothways.studies.evidence import Evidence

    made_up_routes["formula"] = formula
    assert verdict == decide(claims_of("masked-diffusion", True)["MD-5"], Evidence({}), "none").verdict


@EACH
@EITHER
def test_nothing_is_decided_where_nothing_was_measured(
    name: str, quick: bool, made_up_routes: dict[str, float]
) -> None:
    from bothways.studies.claims import decide
    from bothways.studies.evidence import Evidence

    rows = {id: decide(claim, Evidence({}), "none") for id, claim in claims_of(name, quick).items()}
    assert {"not_testable"} == {row.verdict for id, row in rows.items() if id not in NEEDS_NO_RUN}
    assert [] == [id for id, row in rows.items() if not row.why]


@EACH
@EITHER
def test_groups_are_named_once_and_survive_json(name: str, quick: bool) -> None:
    """A run's configuration is read back from its folder as it was."""
    from bothways.arms import parse_arm
    from bothways.config import from_plain, to_plain

    groups = made(name).groups(quick)
    assert [] == [group for group, n in Counter(g.name for g in groups).items() if n > 1]
    for group in groups:
        config = parse_arm(group.arm).config(group.config, 3)
        assert config == from_plain(json.loads(json.dumps(to_plain(config)))), group.name


@EACH
def test_the_whole_study_holds_the_quick_one(name: str) -> None:
    """What was run quickly is a part of the whole, except for worlds of its own and scales that have names."""
    if made(name).presets:
        return
    quick, whole = groups_of(name, True), groups_of(name, False)
    assert set(quick) <= set(whole)


@EACH
@EITHER
def test_claims_read_what_is_run(name: str, quick: bool) -> None:
    if made(name).presets and not quick:
        return  # the same claims at another scale, whose exams take minutes (test_relational_semantics.py has groups)
    """Groups exist, are probed and watched for what is read, and their exam asks it; computations exist."""
    groups, computations = groups_of(name, quick), made(name).computations(quick)
    listener = Listener()
    for claim in claims_of(name, quick).values():
        for part in claim.parts if claim.id not in NEEDS_NO_RUN else ():
            for _ in range(30):  # some readings are only asked for if others make sense
                for read in (part.values, part.less, part.n):
                    if callable(read):
                        ask(read, listener.evidence())
    missing = [key for key in listener.heard if not is_there(key, groups, computations)]
    assert [] == missing


def is_there(key: tuple[str, ...], groups: dict[str, Any], computations: Any) -> bool:
    """Whether a study gives a reading; numbers of other probes than `answers` are left to the slow tests."""
    from bothways.registry import lookup

    how, place, *rest = key
    if how == "computation":
        return place in computations
    if place not in groups:
        return False
    group = groups[place]
    kinds = kinds_of(group)
    if how == "chains":
        return kinds["implied"] > 0
    if how == "score":
        return kinds[rest[0]] > 0
    probes = group.config.watch if how == "curve" else group.config.probes
    if how == "table":
        return any(isinstance(probe, lookup("probes", rest[0])) for probe in probes)
    asked = re.fullmatch(r"(.+)_(?:nll|accuracy|rank)", rest[1]) if rest[0] == "answers" else None
    known = asked is None or asked[1] in ("stated", "unstated") or kinds[asked[1]] > 0
    return known and any(isinstance(probe, lookup("probes", rest[0])) for probe in probes)


def kinds_of(group: Any) -> Counter[str]:
    """How many test questions of each kind a group's exam asks."""
    return Counter(query.kind for query in group.exam(0).queries if query.split == "test")


SIZES = {
    "reversal": (340, "reverse_tested", 60),
    "chain": (540, "implied", 60),
    "in context": (700, "implied", 300),
    "decay 0.9": (340, "reverse_tested", 60),
    "shape 1 x 768": (340, "reverse_tested", 60),
    "vocabulary 20": (9, "reverse_tested", 1),
    "vocabulary 50": (20, "reverse_tested", 4),
    "vocabulary 200": (85, "reverse_tested", 15),
    "vocabulary 2000": (850, "reverse_tested", 150),
    "length 2": (680, "reverse_tested", 120),
    "length 3": (250, "reverse_tested", 50),
    "related 10": (130, "implied", 50),
    "related 200": (700, "implied", 50),
    "related 500": (1600, "implied", 50),
    "full reversal": (340, "reverse_tested", 60),
    "full chain": (540, "implied", 60),
    "pairwise reversal": (340, "reverse_tested", 60),
    "pairwise chain": (540, "implied", 60),
    "bilinear 16": (39, "reverse_tested", 1),
}


@pytest.mark.parametrize("group", SIZES)
@pytest.mark.parametrize("seed", [0, 7])
def test_data_sets_have_the_sizes_of_the_source(group: str, seed: int) -> None:
    """Sentences to train on, and unseen questions; in every seed."""
    from bothways.text.corpus import TextConfig, write_corpus

    exam = groups_of("training-dynamics", False)[group].exam(seed)
    n_trained, kind, n_asked = SIZES[group]
    assert n_trained == len(write_corpus(exam, TextConfig(), seed).documents)
    assert n_asked == sum(query.kind == kind and query.split == "test" for query in exam.queries)


def test_epochs_are_counted_in_sentences() -> None:
    """3,000 epochs of 340 and of 540 sentences in batches of 64, as released."""
    groups = groups_of("training-dynamics", False)
    steps = [groups[f"full {name}"].config.training.steps for name in ("reversal", "chain")]
    assert [round(3000 * 340 / 64), round(3000 * 540 / 64)] == steps


def test_a_uniform_guess_is_over_the_whole_vocabulary() -> None:
    from bothways.batches.tokenizers import fit_tokenizer
    from bothways.studies.claims_dynamics import UNIFORM
    from bothways.text.corpus import TextConfig, write_corpus

    group = groups_of("training-dynamics", True)["reversal"]
    exam = group.exam(0)
    tokenizer = fit_tokenizer(write_corpus(exam, TextConfig(), 0), exam, group.config.tokenizer)
    assert UNIFORM == math.log(tokenizer.n_tokens)


def test_groups_of_one_grid_differ_in_their_place() -> None:
    """Their columns in the study's table tell the cells of a grid apart."""
    places = [str(group.axes) for name, group in groups_of("masked-diffusion", False).items() if "grid" in name]
    assert len(places) == len(set(places)) > 0


@EACH
def test_quick_groups_build(name: str) -> None:
    """Every quick group has an exam, a text, a vocabulary, and a model that can be built for it."""
    from bothways.arms import parse_arm
    from bothways.batches.tokenizers import fit_tokenizer
    from bothways.models.pretrained import Pretrained
    from bothways.text.corpus import write_corpus

    n_tokens: dict[str, int] = {}
    shapes = set()
    for group in groups_of(name, True).values():
        if isinstance(group.config.model, Pretrained):
            continue  # its folder is made before the first run (test_knowledge_injection.py)
        config, exam = parse_arm(group.arm).config(group.config, 0), group.exam(0)
        key = f"{exam.hash} {config.text} {config.tokenizer}"
        if key not in n_tokens:
            corpus = write_corpus(exam, config.text, 0)
            n_tokens[key] = fit_tokenizer(corpus, exam, config.tokenizer).n_tokens
        if (shape := (str(config.model), n_tokens[key])) not in shapes:
            shapes.add(shape)
            assert config.model.build(n_tokens[key], 0).n_tokens == n_tokens[key]
