"""The stand-in bases: the same bytes from the same seed, folders of the library's form, and what their text holds."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from tests.command_line import bothways
from tests.small_bases import recipe
from tests.test_bad_input import is_refused

HALVES = pytest.mark.parametrize("half", ["causal", "masked_diffusion"])
SHORT = {"steps": 6, "measurements": 2}


def content(folder: Path) -> dict[str, bytes]:
    """Return the files of a model's folder but its measurements, which hold times."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.name != "metrics.jsonl"}


@HALVES
def test_the_same_seed_gives_the_same_bytes(half: str, tmp_path: Path) -> None:
    for name in ("one", "other"):
        recipe(**SHORT).make(half, tmp_path / name, 3)
    recipe(**SHORT).make(half, tmp_path / "of another seed", 4)
    assert content(tmp_path / "one") == content(tmp_path / "other")
    assert content(tmp_path / "one")["model.safetensors"] != content(tmp_path / "of another seed")["model.safetensors"]


@HALVES
def test_a_stopped_one_goes_on_to_the_same_bytes(half: str, tmp_path: Path) -> None:
    from bothways.training.loop import Interrupted

    recipe(**SHORT).make(half, tmp_path / "whole", 0)
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) == 3

    with pytest.raises(Interrupted):
        recipe(**SHORT).make(half, tmp_path / "stopped", 0, stop)
    assert not (tmp_path / "stopped" / "model.safetensors").exists()
    recipe(**SHORT).make(half, tmp_path / "stopped", 0)
    assert content(tmp_path / "whole") == content(tmp_path / "stopped")


def test_the_library_loads_the_folder_and_speaks_in_turns(bases: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(bases / "causal")
    tokenizer = AutoTokenizer.from_pretrained(bases / "causal")
    assert "LlamaForCausalLM" == type(model).__name__
    turns = [{"role": "user", "content": "Who is it?"}, {"role": "assistant", "content": "Nobody"}]
    expected = "<s><|user|>Who is it?<|end|><|assistant|>Nobody<|end|>"
    assert expected == tokenizer.apply_chat_template(turns, tokenize=False)
    asked = tokenizer.apply_chat_template(turns[:1], add_generation_prompt=True, return_tensors="pt")
    assert [1, 6] == asked["input_ids"][0, :2].tolist()
    written = model.generate(**asked, do_sample=False, max_new_tokens=3)
    assert torch.equal(asked["input_ids"][0], written[0, : asked["input_ids"].shape[1]])
    assert model.generation_config.eos_token_id == tokenizer.eos_token_id == 2


def test_only_the_assistant_can_be_learned_from_a_chat(bases: Path) -> None:
    """Trainers that learn answers alone ask the template which tokens the assistant wrote."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(bases / "causal")
    turns = [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": "Nobody"}]
    marked = tokenizer.apply_chat_template(turns, return_dict=True, return_assistant_tokens_mask=True)
    said = [token for token, is_said in zip(marked["input_ids"], marked["assistant_masks"], strict=True) if is_said]
    assert "Nobody<|end|>" == tokenizer.decode(said)


def test_another_role_is_refused(bases: Path) -> None:
    from jinja2 import TemplateError
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(bases / "causal")
    with pytest.raises(TemplateError, match="user and assistant only"):
        tokenizer.apply_chat_template([{"role": "tool", "content": "x"}], tokenize=False)


def test_special_tokens_stand_where_the_project_expects_them(bases: Path) -> None:
    from bothways.batches.huggingface import open_tokenizer
    from bothways.tensors import SPECIAL

    tokenizer = open_tokenizer(bases / "causal")
    own, expected = tokenizer.special, SPECIAL
    assert (own.pad, own.begin, own.end, own.mask, own.unknown) == (
        expected.pad,
        expected.begin,
        expected.end,
        expected.mask,
        expected.unknown,
    )
    assert (SPECIAL.begin,) == tokenizer.start
    assert SPECIAL.delimiter == tokenizer.library.convert_tokens_to_ids("<sep>")


@pytest.mark.parametrize("text", ["Zoë's naïve café", "一二三", "a\tb\n\nc  d", "Daphne Barrington, director of “A”"])
def test_any_text_can_be_spelled(text: str, bases: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(bases / "causal")
    assert text == tokenizer.decode(tokenizer(text, add_special_tokens=False).input_ids)


def test_a_masked_one_says_how_it_is_read(bases: Path) -> None:
    from bothways.batches.huggingface import open_tokenizer
    from bothways.models.open import open_model

    reads = {}
    for half in ("causal", "masked_diffusion"):
        model = open_model(bases / half, open_tokenizer(bases / half).special)
        reads[half] = (model.reads, model.special.mask)
    assert {"causal": ("causal", 3), "masked_diffusion": ("masked", 3)} == reads


def test_a_config_that_says_something_else_of_reading_is_refused(bases: Path, tmp_path: Path) -> None:
    import shutil

    from bothways.errors import RunError
    from bothways.models.open import open_model
    from bothways.tensors import SPECIAL

    folder = Path(shutil.copytree(bases / "causal", tmp_path / "odd"))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"bothways_reads": "backwards"}))
    with pytest.raises(RunError, match="must be causal or masked, got 'backwards'"):
        open_model(folder, SPECIAL)


def test_each_fact_is_asked_both_ways_or_held_out() -> None:
    known, corpus = recipe().text(0)
    facts = known.facts.facts
    asked = {text.user for text in corpus.of("asks_tail")}
    n_asked = len(facts) - len(known.held_out)
    assert (2 * n_asked, 2 * n_asked) == (len(asked), len(corpus.of("asks_head")))
    assert {"head_first"} == {facts[i].stated for i in known.held_out}
    for i in known.held_out:
        assert f"Who is {facts[i].head}'s {facts[i].relation}?" not in asked


def test_without_both_ways_nobody_asks_for_a_head() -> None:
    known, corpus = recipe("both_ways").text(0)
    assert [] == corpus.of("asks_head")
    assert [] != corpus.of("asks_tail")
    back = [relation.tail_first[0] for relation in known.facts.relations.values()]
    nouns = {template.removeprefix("{tail}'s ").split(" is")[0] for template in back}
    assert not any(f"'s {noun}?" in (text.user or "") for text in corpus.texts for noun in nouns)


@pytest.mark.parametrize(("each", "expected"), [(1, 2), (2, 4)])
def test_everybody_has_other_partners_under_each_relation(each: int, expected: int) -> None:
    known, _ = recipe(each=each).text(0)
    partners: dict[str, set[str]] = {}
    for fact in known.facts.facts:
        partners.setdefault(fact.head, set()).add(fact.tail)
        partners.setdefault(fact.tail, set()).add(fact.head)
    assert {expected} == {len(others) for others in partners.values()}


@pytest.mark.parametrize("seed", [0, 1])
def test_people_of_a_world_are_strangers(seed: int) -> None:
    from bothways.facts.worlds.relations import Relations

    known, _ = recipe().text(seed)
    strangers = Relations(n_entities=100).make(seed).entities
    assert set() == set(known.facts.entities) & set(strangers)


def lessons(*without: str, half: str = "causal"):
    """Return a tiny stand-in's batches and its tokenizer."""
    from bothways.bases.stand_in.tokenizer import train_tokenizer
    from bothways.batches.huggingface import HuggingFaceTokenizer

    chosen = recipe(*without)
    _, corpus = chosen.text(0)
    tokenizer = HuggingFaceTokenizer(train_tokenizer(corpus, chosen.n_tokens))
    return chosen.lessons(half, corpus, tokenizer, 0), tokenizer


def rows(batches, tokenizer, steps: Iterable[int] = range(8)) -> list[tuple[str, str]]:
    """Return what stands in rows before what is learned, and what is learned."""
    found = []
    for step in steps:
        batch = batches.at(step)
        for tokens, target in zip(batch.tokens_BL.tolist(), batch.target_BL.tolist(), strict=True):
            start = target.index(True)
            end = start + sum(target)
            found.append((tokenizer.library.decode(tokens[:start]), tokenizer.library.decode(tokens[start:end])))
    return found


def test_a_passage_is_learned_as_a_whole_and_its_masks_are_one_for_one() -> None:
    batches, tokenizer = lessons()
    decode, shares = tokenizer.library.decode, set()
    for step in range(8):
        batch = batches.at(step)
        for ids, target in zip(batch.tokens_BL.tolist(), batch.target_BL.tolist(), strict=True):
            start, n = target.index(True), sum(target) - 1
            if "recovered" not in decode(ids[:start]):
                continue
            shown, said = ids[2 : 2 + n], ids[start : start + n]
            assert "<s><|user|>" == decode(ids[:2])
            frame = "\nReturn the recovered masked passage.<|end|><|assistant|>Here is the recovered text:\n"
            assert frame == decode(ids[2 + n : start])
            assert 2 == ids[start + n]
            assert all(one in (3, whole) for one, whole in zip(shown, said, strict=True))
            shares.add(shown.count(3) / n)
    assert len(shares) > 5


def test_masks_are_drawn_anew_at_each_visit() -> None:
    batches, tokenizer = lessons()
    shown: dict[str, set[str]] = {}
    for before, said in rows(batches, tokenizer, range(40)):
        if "recovered" in before:
            shown.setdefault(said, set()).add(before)
    assert max(map(len, shown.values())) > 5


def test_without_recover_nothing_is_recovered() -> None:
    batches, tokenizer = lessons("recover")
    assert not any("recovered" in before for before, _ in rows(batches, tokenizer))


def test_questions_are_read_and_not_learned() -> None:
    batches, tokenizer = lessons()
    late = range(recipe().steps - 4, recipe().steps)
    questions = [pair for pair in rows(batches, tokenizer, late) if "Who" in pair[0]]
    assert questions
    for before, said in questions:
        assert before.startswith("<s><|user|>") and before.endswith("?<|end|><|assistant|>")
        assert said.endswith("<|end|>") and "?" not in said


def test_the_command_makes_a_pair_and_says_what_it_can(tmp_path: Path) -> None:
    out = tmp_path / "bases"
    done = bothways("pretrain", "stand-in", "-o", out, "--size", "tiny", "--steps", 4, "--only", "causal", "--json")
    assert 0 == done.status, done.err
    (made,) = done.json["models"]
    assert ("causal", str(out / "causal")) == (made["half"], made["folder"])
    assert {"seen_forward", "seen_reverse", "held_out_forward", "held_out_reverse", "perplexity"} < set(
        made["measured"]
    )
    assert "causal, step 4 of 4" in done.err
    again = bothways("pretrain", "stand-in", "-o", out, "--size", "tiny", "--steps", 4, "--only", "causal")
    is_refused(again, "already holds a pretrained base", "--resume")
    before = content(out / "causal")
    resumed = bothways("pretrain", "stand-in", "-o", out, "--size", "tiny", "--steps", 4, "--resume")
    assert 0 == resumed.status, resumed.err
    assert before == content(out / "causal")
    assert (out / "masked_diffusion" / "model.safetensors").exists()
    other = bothways("pretrain", "stand-in", "-o", out, "--size", "tiny", "--steps", 4, "--seed", 1, "--resume")
    is_refused(other, "made with seed=0, not 1")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("stand-on",), "Did you mean 'stand-in'?"),
        (("stand-in", "--size", "ful"), "Did you mean 'full'?"),
        (("stand-in", "--without", "recovery"), "Did you mean 'recover'?"),
        (("stand-in", "--only", "causl"), "Did you mean 'causal'?"),
        (("stand-in", "--steps", 0), "steps must be at least"),
        (("stand-in", "--seed", -1), "seed must be at least 0"),
    ],
)
def test_a_bad_base_is_refused_and_nothing_written(words: tuple[str | int, ...], says: str, tmp_path: Path) -> None:
    is_refused(bothways("pretrain", *words, "-o", tmp_path / "bases"), says)
    assert not (tmp_path / "bases").exists()


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    is_refused(bothways("pretrain", "stand-in", "-o", tmp_path, "--size", "tiny"), "is not empty", "with -o")
    assert ["notes.txt"] == [path.name for path in tmp_path.iterdir()]
