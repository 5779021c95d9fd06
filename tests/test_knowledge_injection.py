"""The study of knowledge injection: fair budgets, facts told one way and asked both, events counted as they are."""

from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

PRESETS = ("laptop", "long")
IDS = (
    [f"KI-{n}" for n in range(1, 35)]
    + [f"KI-35{letter}" for letter in "abcdefghijklm"]
    + ["MD-13", "MD-14", "BW-4", "BW-6"]
)
MUST_BE_TESTED = ("KI-1", "KI-2", "KI-3", "KI-5", "KI-7", "KI-8", "KI-9", "KI-10", "BW-4", "BW-6")


@cache
def study(preset: str) -> Any:
    from bothways.studies.plan import make_study

    return make_study("knowledge-injection", preset=preset)


@cache
def groups(preset: str) -> list[Any]:
    return list(study(preset).groups(preset == "laptop"))


def claim_of(id: str) -> Any:
    (found,) = [claim for claim in study("laptop").claims(True) if claim.id == id]
    return found


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_has_every_claim_in_order(preset: str) -> None:
    claims = study(preset).claims(preset == "laptop")
    assert IDS == [claim.id for claim in claims]
    assert [] == [claim.id for claim in claims if claim.id in MUST_BE_TESTED and not claim.parts]


@pytest.mark.parametrize("preset", PRESETS)
def test_arms_read_as_many_tokens_as_next_token_training(preset: str) -> None:
    """To a step's tokens; what is told of more or fewer facts reads as much of each fact."""
    from bothways.studies.injection_arms import BEFORE, BEFORE_DIFFUSION, of_facts
    from bothways.studies.injection_runs import FACTS, RELATIONS, SIZES, row_tokens

    whole = row_tokens("causal")
    other = {of_facts(n): n / (RELATIONS * SIZES[preset].people) for n in FACTS}
    for group in groups(preset):
        if group.name in (BEFORE, BEFORE_DIFFUSION):
            assert 1 == group.config.training.steps
            continue
        row = row_tokens(group.arm)
        wanted = SIZES[preset].steps * whole * other.get(group.name, 1.0)
        assert abs(group.config.training.steps * row - wanted) <= row, group.name
        assert SIZES[preset].batch == group.config.batches.batch_size


def test_the_table_of_the_study_has_every_column_once(tmp_path: Path) -> None:
    """What a group says of its place must not be called as what is said of every run."""
    from bothways.runs import Planned, Run
    from bothways.studies.plan import place
    from bothways.sweeps.collect import collect
    from bothways.sweeps.work import Outcome

    group = groups("laptop")[0]
    planned = Planned("one", group.arm, 0, group.config, tmp_path, {}, tmp_path)
    found = Run(tmp_path, {"scores": {}, "steps": 1, "loss": 1.0, "known_at": None, "held_out_nll": None})
    table = collect([Outcome(planned, found, None)], {"one": place(group)})
    assert [] == [name for name, n in Counter(table.columns).items() if n > 1]


def test_masked_fine_tuning_has_rows_about_twice_as_long_as_a_fact_in_a_chat() -> None:
    from bothways.studies.injection_runs import row_tokens

    plain, chat, masked = (row_tokens(arm) for arm in ("causal", "causal:frame=chat", "masked_finetuning"))
    assert plain < chat < masked
    assert 1.7 < masked / chat < 2.3
    assert plain < row_tokens("reverse_training"), "its delimiters are read too"
    assert plain < row_tokens("masked_diffusion"), "what fills a row is read"


@pytest.fixture(scope="module")
def chat_tokenizer() -> Any:
    """The tokenizer of the study's own stand-ins."""
    from bothways.bases.stand_in.recipe import SIZES
    from bothways.bases.stand_in.tokenizer import train_tokenizer
    from bothways.batches.chat import ChatTokenizer

    recipe = SIZES["full"]
    _, corpus = recipe.text(0)
    return ChatTokenizer(train_tokenizer(corpus, recipe.n_tokens))


def test_what_is_counted_is_what_is_read(chat_tokenizer: Any) -> None:
    """A statement of eight tokens: next-token training reads them and the begin token, and learns the end token."""
    from bothways.studies.injection_costs import ROW
    from bothways.studies.injection_runs import exam_of, row_tokens
    from bothways.text.corpus import statements

    ids = {len(chat_tokenizer.encode(d.text, d.entities).ids) for d in statements(exam_of(100, 0).facts)}
    assert {ROW - 1} == ids
    assert ROW == row_tokens("causal")


@pytest.mark.parametrize("people", [100, 200])
def test_facts_are_told_head_first_and_asked_both_ways_in_questions(people: int) -> None:
    from bothways.studies.injection_runs import N_ASKED, RELATIONS, exam_of

    exam = exam_of(people, 1)
    assert RELATIONS * people == len(exam.facts.facts)
    assert {"head_first"} == {fact.stated for fact in exam.facts.facts}
    assert {"forward": N_ASKED, "reverse_tested": N_ASKED, "flip": N_ASKED} == Counter(q.kind for q in exam.queries)
    assert all(query.prompt.endswith("?") and query.split == "test" for query in exam.queries)
    asks = {kind: {q.asks for q in exam.queries if q.kind == kind} for kind in ("forward", "reverse_tested")}
    assert {"forward": {"tail"}, "reverse_tested": {"head"}} == asks


def test_runs_begin_with_models_that_are_made_before_them() -> None:
    from bothways.studies.knowledge_injection import KnowledgeInjection

    at = KnowledgeInjection(preset="laptop").at(Path("somewhere"))
    made = {f"somewhere/bases/{base.folder}/{half}" for base in at.bases(True) for half in base.halves}
    begun = {group.config.model.folder for group in at.groups(True)}
    assert begun == made
    assert all(group.config.tokenizer.folder == group.config.model.folder for group in at.groups(True))


def test_nothing_is_timed_before_the_models_are_there(tmp_path: Path) -> None:
    from bothways.commands.study_estimate import study_dry_run
    from bothways.errors import BothwaysError

    with pytest.raises(BothwaysError, match=r"^The runs of knowledge-injection begin with a model that is not made"):
        study_dry_run("knowledge-injection", quick=True, out=tmp_path / "study")
    assert not (tmp_path / "study").exists()


def test_models_are_made_once_whatever_is_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a small recipe, in a folder of their own each; a second call leaves them as they are."""
    from dataclasses import replace

    from bothways.bases.stand_in import recipe
    from bothways.commands import study as command
    from bothways.studies.base import Base
    from bothways.studies.plan import plan_study

    trained: list[str] = []

    def train(members: Any, folder: Path, stop: Any) -> Any:
        trained.append(folder.name)
        return [[{"step": 1, "loss": 1.0, "perplexity": 1.0,
                  **{f"{a}_{b}": 0.0 for a in ("seen", "held_out") for b in ("forward", "reverse")}}]]  # fmt: skip

    monkeypatch.setattr(recipe, "train", train)
    monkeypatch.setattr("os.cpu_count", lambda: 1)  # one after another, in this process
    small = recipe.SIZES["tiny"]
    made = [
        Base(folder="pair", recipe=small, halves=("causal",)),
        Base(folder="bare", recipe=small, halves=("causal",)),
    ]
    monkeypatch.setattr("bothways.studies.knowledge_injection.bases", lambda size: made)
    monkeypatch.setattr("bothways.studies.knowledge_injection.KnowledgeInjection.groups", lambda *_: [])
    plan = plan_study("knowledge-injection", study("laptop").at(tmp_path), True, 1, tmp_path, "none")
    for _ in range(2):
        command.make_bases(plan, lambda said: None)
    assert ["causal", "causal"] == trained
    for name in ("pair", "bare"):
        assert (tmp_path / "bases" / name / "causal" / "model.safetensors").is_file()
        assert (tmp_path / "bases" / name / "causal" / recipe.GENERAL).is_file(), "what general_text reads"
    other = replace(made[0], seed=1)
    monkeypatch.setattr("bothways.studies.knowledge_injection.bases", lambda size: [other])
    from bothways.errors import RunError

    with pytest.raises(RunError, match=r"is made with seed=0, not 1\."):
        command.make_bases(plan, lambda said: None)


def test_the_bare_stand_in_reads_as_many_short_texts() -> None:
    from bothways.studies.injection_runs import LAPTOP, bases

    pair, bare = (base.recipe for base in bases(LAPTOP))
    assert (True, True, False, False) == (pair.recover, pair.both_ways, bare.recover, bare.both_ways)
    assert bare.steps == round(pair.steps * (1 - pair.recover_share))


def saying(inputs: list[int], targets: list[int], causal: bool) -> Any:
    """An objective that prepares one row: tokens by their places in the batch's; -1 is a mask, or does not count."""
    from bothways.objectives.causal_answers import CausalAnswers
    from bothways.tensors import SPECIAL, Prepared

    class Saying(CausalAnswers):
        def prepare(self, batch: Any, generator: Any) -> Any:
            row = [*batch.tokens_BL[0].tolist(), SPECIAL.mask]  # the place -1 is the mask
            ids = (torch.tensor([[row[place] for place in places]]) for places in (inputs, targets))
            return Prepared(*ids, (torch.tensor([targets]) >= 0).float(), causal)

    return Saying()


NOTHING = [-1] * 7


def is_clean(inputs: list[int], targets: list[int], causal: bool, answer: int = 0) -> bool:
    from bothways.studies.clean_events import clean_events
    from bothways.tensors import Batch

    entity_BL = torch.tensor([[-1, 0, 0, -1, 1, 1, -1]])
    tokens_BL = torch.tensor([[1, 7, 8, 9, 7, 8, 2]])  # both names are spelled alike: places tell them apart
    batch = Batch(tokens_BL, tokens_BL > 2, entity_BL, torch.tensor([0]))
    said = saying(inputs, targets, causal)
    return bool(clean_events(said, batch, torch.tensor([answer]), torch.Generator()))


@pytest.mark.parametrize(
    ("inputs", "targets", "causal", "clean"),
    [
        ([0, -1, -1, 3, 4, 5, 6], [-1, 1, 2, -1, -1, -1, -1], False, True),
        ([0, -1, 2, 3, 4, 5, 6], [-1, 1, -1, -1, -1, -1, -1], False, False),  # half of the answer is shown
        ([0, -1, -1, 3, 4, -1, 6], [-1, 1, 2, -1, -1, 5, -1], False, False),  # half of the cue is not
        ([0, -1, -1, 3, 4, 5, 6], [-1, 1, -1, -1, -1, -1, -1], False, False),  # half of the answer does not count
        ([0, -1, -1, 3, 4, 5, 6], NOTHING, False, False),
        ([0, 1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6, -1], True, False),  # the cue comes after the answer
        ([0, 4, 5, 3, 1, 2, 6], [4, 5, 3, 1, 2, 6, -1], True, True),  # the text is reversed
        ([4, 5, -1, -1, 0, 1, 2], [-1, -1, -1, -1, 1, 2, -1], True, True),  # masked, then the text
        ([4, 5, -1, 2, 0, 1, 2], [-1, -1, -1, -1, 1, 2, -1], True, False),
    ],
)
def test_an_event_is_clean_where_the_whole_answer_is_hidden_and_the_whole_cue_is_seen(
    inputs: list[int], targets: list[int], causal: bool, clean: bool
) -> None:
    assert clean == is_clean(inputs, targets, causal)
    assert not is_clean(inputs, targets, causal, answer=-1), "a row without a fact"


def test_the_other_end_is_another_event() -> None:
    """Of a text told tail first the head is the second name."""
    assert is_clean([0, 1, 2, 3, -1, -1, 6], [-1, -1, -1, -1, 4, 5, -1], False, answer=1)
    assert not is_clean([0, 1, 2, 3, -1, -1, 6], [-1, -1, -1, -1, 4, 5, -1], False, answer=0)


def counted(objective: Any, n: int = 400) -> float:
    """The share of rows that are clean, of rows with two names of two tokens each, at places 1, 2 and 4, 5."""
    from bothways.studies.clean_events import clean_events
    from bothways.tensors import Batch

    tokens_BL = torch.tensor([[1, 7, 8, 9, 10, 11, 2]]).repeat(n, 1)
    entity_BL = torch.tensor([[-1, 0, 0, -1, 1, 1, -1]]).repeat(n, 1)
    batch = Batch(tokens_BL, tokens_BL != 1, entity_BL, torch.arange(n))
    clean_B = clean_events(objective, batch, torch.zeros(n, dtype=torch.int64), torch.Generator().manual_seed(0))
    return float(clean_B.float().mean())


@pytest.mark.parametrize(
    ("arm", "expected"),
    [
        ("causal", 0.0),
        ("masked_lm:rate=0.5", 0.5**4),
        ("masked_lm:rate=0.5:mask=entity", 0.5**2),
        ("masked_finetuning:min_rate=0.5:max_rate=0.5", 0.5**4),
        ("masked_finetuning:min_rate=0.5:max_rate=0.5:mask=entity", 0.5**2),
        ("masked_finetuning:min_rate=0:max_rate=0", 0.0),
        ("masked_finetuning:min_rate=1:max_rate=1", 0.0),
        ("masked_finetuning:prompt=random", 0.0),
        ("masked_diffusion:keep=first", 0.0),
    ],
)
def test_objectives_ask_as_often_as_chance_says(arm: str, expected: float) -> None:
    from bothways.arms import parse_arm

    assert counted(parse_arm(arm).objective) == pytest.approx(expected, abs=4 * (0.25 / 400) ** 0.5)


def test_a_rate_is_found_again() -> None:
    from bothways.studies.injection_readings import saturating

    steps = np.arange(10.0, 130.0, 10.0)
    plateau, k = saturating(steps, 0.7 * (1 - np.exp(-0.03 * steps)))
    assert plateau == pytest.approx(0.7, abs=0.02)
    assert k == pytest.approx(0.03, rel=0.05)
    assert 0.0 == saturating(steps, np.zeros(12))[0]


def rising(middle: float, n: int = 12) -> tuple[np.ndarray, np.ndarray]:
    x = np.geomspace(1.0, 100.0, n)
    return x, 0.9 * x**2 / (x**2 + middle**2)


def test_one_curve_for_all_is_told_from_a_curve_for_each() -> None:
    from bothways.studies.claims_cures import held_out_share

    assert held_out_share([rising(10.0)] * 4) > 0.98
    assert held_out_share([rising(middle) for middle in (1.0, 5.0, 30.0, 90.0)]) < 0.7
    assert 0.0 == held_out_share([(np.arange(1.0, 4.0), np.zeros(3))] * 3), "nothing rises, nothing is explained"


def along(per_step: dict[str, float], middle: float) -> Any:
    """Evidence whose groups rise along events, of which some have more a step than others, in two seeds."""
    from bothways.studies.evidence import Evidence

    class MadeUp(Evidence):
        def curve(self, group: str, probe: str, name: str) -> tuple[np.ndarray, np.ndarray]:
            steps = np.arange(20, 260, 20)
            x = per_step[group] * steps if middle else steps / 10
            y = 0.9 * x**2 / (x**2 + (middle or 10.0) ** 2)
            noise = np.random.default_rng(len(group)).normal(0.0, 0.01, (2, len(steps)))
            return steps, np.clip(y + noise, 0.0, 1.0)

        def computation(self, name: str, number: str) -> list[float]:
            return [per_step[number]] * 2

    return MadeUp({})


@pytest.mark.parametrize(("middle", "verdict"), [(10.0, "reproduced"), (0.0, "contradicted")])
def test_events_explain_what_rises_along_events_alone(middle: float, verdict: str) -> None:
    """Along steps everything rises alike in the second case, whatever its events are."""
    from bothways.studies.claims import measure, overall
    from bothways.studies.claims_cures import FAMILIES

    names = [name for family in FAMILIES.values() for name in family]
    per_step = {name: 0.02 * 1.9**n for n, name in enumerate(names)}
    found = [measure(part, along(per_step, middle)) for part in claim_of("BW-4").parts]
    assert verdict == overall([part.verdict for part in found]), [part.interval for part in found]


def test_who_is_better_in_both_is_counted() -> None:
    from bothways.studies.claims_cures import better_than
    from bothways.studies.evidence import Evidence

    def with_values(better: dict[str, tuple[float, float]]) -> Any:
        class MadeUp(Evidence):
            def score(self, group: str, kind: str, name: str = "accuracy") -> list[float]:
                return [better.get(group, (0.5, 0.4))[0]] * 3

            def found(self, group: str, probe: str, name: str) -> list[float]:
                return [better.get(group, (0.5, 0.4))[1]] * 3

        return MadeUp({})

    assert [0.0] == better_than(with_values({}))
    assert [0.0] == better_than(with_values({"identity": (0.9, 0.4), "in place": (0.4, 0.9)}))
    assert [2.0] == better_than(
        with_values({"identity": (0.6, 0.5), "masked": (0.9, 0.9), "permutation": (0.51, 0.41)})
    )


@pytest.mark.parametrize("preset", PRESETS)
def test_pictures_are_left_empty_where_nothing_was_measured(preset: str) -> None:
    from bothways.studies.evidence import Evidence

    pictures = study(preset).pictures(Evidence({}), preset == "laptop")
    names = {"data-efficiency", "methods", "stand-ins", "relation", "front", "ratios", "events", "learning"}
    assert names == {picture.name for picture in pictures}
    assert [] == [picture.name for picture in pictures if picture.rows]


def test_pictures_show_what_was_measured() -> None:
    """Paraphrases from none to sixteen in both orders, with the rate of a further one; points and a front."""
    from bothways.runs import Run
    from bothways.studies.claims_cures import CURES
    from bothways.studies.evidence import Evidence
    from bothways.studies.injection_arms import ORDERS, PARAPHRASES

    names = [group.name for group in groups("laptop")]
    n_of = {f"causal, {n} {order}": n for n in PARAPHRASES for order in ORDERS}

    class MadeUp(Evidence):
        def score(self, group: str, kind: str, name: str = "accuracy") -> list[float]:
            share = 0.1 + 0.8 * (1 - np.exp(-0.5 * n_of.get(group, 0)))
            return [100.0 if name == "n" else share] * 3

        def found(self, group: str, probe: str, name: str) -> list[float]:
            return [0.2 if group == "masked" else 0.1] * 3

        def curve(self, group: str, probe: str, name: str) -> tuple[np.ndarray, np.ndarray]:
            return np.arange(1, 4), np.full((3, 3), 0.5)

        def computation(self, name: str, number: str) -> list[float]:
            return [0.5] * 3

    runs = dict.fromkeys(names, (Run(Path(), {}),))
    pictures = {picture.name: picture for picture in study("laptop").pictures(MadeUp(runs), True)}
    assert all(picture.rows for picture in pictures.values())
    data = [row for row in pictures["data-efficiency"].rows if row[:2] == ("causal, forward", "same order")]
    assert [0, *PARAPHRASES] == [row[2] for row in data]
    fits = {row[1] for row in pictures["data-efficiency"].rows if "fit" in row[1]}
    assert {"same order, fit: 39% of the gap each", "permuted order, fit: 39% of the gap each"} == fits
    assert {*CURES, "causal", "both orders", "front"} == {row[1] for row in pictures["front"].rows}
    (best,) = [row[2:4] for row in pictures["front"].rows if row[1] == "front"]
    assert best == pytest.approx((0.2, 0.1))
