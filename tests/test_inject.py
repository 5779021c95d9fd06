"""`bothways inject`: a model folder that loads anywhere, a page and a card, or one clear sentence and nothing lost."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.command_line import Done, bothways
from tests.explainable import diffusion_folder, facts_file
from tests.small_base import write_base

HOSTILE = ("<script>alert(1)</script>", "`|* Elm1 \"'", "---", "[x](javascript:y) ${z} {{ 7 }}")
"""Names that mean something to a page, to Markdown or to YAML."""
STEPS = 4
QUICK = (f"training.steps={STEPS}", "training.measurements=2", "batches.batch_size=4", "training.learning_rate=0.01")
LIMITLESS = "perplexity=inf:kl=inf:repetition=inf"


def facts_of(folder: Path) -> Path:
    """Write two relations of the same people, so that a flip can be asked; some are named to do harm."""
    heads = [*HOSTILE[:2], *(f"Kid{n}" for n in range(4))]
    tails = [*HOSTILE[2:], *(f"Mum{n}" for n in range(4))]
    rows = [
        {"head": head, "relation": relation, "tail": tails[(n + shift) % 6]}
        for relation, shift in (("mother", 0), ("teacher", 2))
        for n, head in enumerate(heads)
    ]
    path = folder / "some | facts.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


class Place:
    """Where the tests' model, facts and text lie, and how a fine-tune of them is asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.facts = facts_of(folder)
        self.general = folder / "general.txt"
        self.general.write_text("The sun rose over the old town and the rain had gone.\n" * 3, encoding="utf-8")
        told = [json.loads(line) for line in self.facts.read_text().splitlines()]
        texts = [f"{row['head']}'s {row['relation']} is {row['tail']}. Who is" for row in told]
        self.base = write_base(folder / "base", texts, max_position_embeddings=192)

    def inject(self, out: Path, *words: Any, base: Path | None = None, guard: str = LIMITLESS) -> Done:
        """Teach the model for a few steps."""
        limits = [f"guard.{limit}" for limit in guard.split(":")]
        settings = [word for one in (*QUICK, f"general={self.general}", *limits) for word in ("--set", one)]
        return bothways("inject", base or self.base, self.facts, "-o", out, *settings, *words)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("inject"))


class Watched:
    """What is computed by the models that are saved while it watches."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        import torch

        from bothways.injection import teach

        self.logits: list[Any] = []
        self.seen: list[Any] = []
        real = teach.save

        def save(lesson: Any, model: Any, folder: Path) -> None:
            self.logits.append(logits_of(model.model))
            with torch.inference_mode():
                self.seen.append(model(torch.tensor([[1, 30, 3, 40]]), causal=False))
            real(lesson, model, folder)

        monkeypatch.setattr(teach, "save", save)


def logits_of(library: Any) -> Any:
    """Return what a model of the library says of a few tokens."""
    import torch

    with torch.inference_mode():
        return library.eval()(input_ids=torch.tensor([[7, 8, 9, 10]])).logits


@pytest.fixture(scope="module")
def taught(place: Place) -> tuple[Path, Done, Any]:
    """A folder, what the command said, and what the model in memory computed."""
    with pytest.MonkeyPatch.context() as patch:
        watched = Watched(patch)
        out = place.folder / "<b>out"
        done = place.inject(out, "--json")
    assert 0 == done.status, done.err
    return out, done, watched.logits[0]


def test_before_and_after_are_what_an_audit_says_twice(taught: tuple[Path, Done, Any], place: Place) -> None:
    out, done, _ = taught
    data = done.json
    assert data == json.loads((out / "inject.json").read_text())
    assert (1, str(place.base), str(out)) == (data["schema"], data["model"], data["out"])
    assert data["seconds"] > 0
    for found in (data["before"], data["after"]):
        assert {"forward", "reverse", "flip", "baselines"} <= set(found)
        for way in ("forward", "reverse"):
            assert 0 <= found[way]["low"] <= found[way]["accuracy"] <= found[way]["high"] <= 1
        told = found["control"]
        assert all(0 < told[way]["n"] <= found[way]["n"] for way in ("forward", "reverse")), "the fact in the prompt"
    assert "rephrased" in (out / "report.html").read_text()
    guard = data["guard"]
    assert guard["passed"] and STEPS == guard["kept_step"]
    assert {"perplexity": None, "kl": None, "repetition": None, "locality": 0.1} == guard["limits"]
    assert guard["after"]["perplexity"] > 1 and 0 == guard["before"]["kl"] < guard["after"]["kl"]
    assert guard["moved"]["perplexity"] == guard["after"]["perplexity"] / guard["before"]["perplexity"]
    assert [2, STEPS] == [row["step"] for row in data["history"]]
    assert data["history"][-1]["loss"] < data["history"][0]["loss"], "it learns"


def test_the_folder_is_one_of_the_library(taught: tuple[Path, Done, Any]) -> None:
    """Stock classes load it, with its tokenizer, and compute what was computed before it was saved."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    out, _, logits = taught
    assert torch.equal(logits, logits_of(AutoModelForCausalLM.from_pretrained(out)))
    assert "Mum1" in AutoTokenizer.from_pretrained(out).decode(AutoTokenizer.from_pretrained(out)("Mum1").input_ids)
    assert not list(out.glob("*.bin")) and not (out / "training").exists()


def card_of(out: Path) -> tuple[Any, str]:
    """Return the head of a card as data, and the rest."""
    import yaml

    _, head, rest = (out / "README.md").read_text().split("---\n", 2)
    return yaml.safe_load(head), rest


def test_its_questions_stand_beside_it_as_tasks(taught: tuple[Path, Done, Any]) -> None:
    """For lm-evaluation-harness, in the form the model is asked in."""
    tasks = taught[0] / "lm_eval"
    assert {"bothways_forward.yaml", "bothways_reverse.yaml"} <= {path.name for path in tasks.glob("*.yaml")}
    assert (tasks / "bothways_reverse.jsonl").read_text(encoding="utf-8").strip()


def test_the_card_says_what_was_taught(taught: tuple[Path, Done, Any], place: Place) -> None:
    out, done, _ = taught
    head, rest = card_of(out)
    assert (str(place.base), "transformers") == (head["base_model"], head["library_name"])
    (result,) = head["model-index"][0]["results"]
    assert "some | facts" == result["dataset"]["name"]
    values = {metric["name"]: metric["value"] for metric in result["metrics"]}
    assert {f"{way} accuracy": done.json["after"][way]["accuracy"] for way in ("forward", "reverse")} == values
    assert "<b>" not in re.sub(r"`[^`]*`|```.*?```", "", rest, flags=re.DOTALL).replace("\\<", "")
    assert "--set training.steps=4" in rest


def test_the_card_s_script_runs(taught: tuple[Path, Done, Any], capsys: pytest.CaptureFixture[str]) -> None:
    """Three lines of Python ask the model, whatever the names are."""
    from bothways.models.folder import silence

    lines = (taught[0] / "README.md").read_text().split("```python\n")[1].split("```")[0].splitlines()
    assert 3 == len(lines)
    with silence():
        exec("\n".join(lines).replace("max_new_tokens=20", "max_new_tokens=2"), {})
    assert "" != capsys.readouterr().out


def test_names_do_no_harm_to_the_page(taught: tuple[Path, Done, Any]) -> None:
    """Nothing of a name or a path is markup, and the page is drawn again from its JSON alone."""
    out, _, _ = taught
    page, card = (out / "report.html").read_text(), (out / "README.md").read_text()
    assert "<b>out" not in page and "&lt;b&gt;out" in page
    for name in HOSTILE:
        assert name not in page
    assert 2 == page.count("<svg"), "one picture, for wide and for narrow windows"
    (out / "report.html").unlink()
    assert 0 == bothways("report", out).status
    assert (page, card) == ((out / "report.html").read_text(), (out / "README.md").read_text())


def test_markdown_takes_names_for_text() -> None:
    """Whatever a name holds, a card shows it and nothing else."""
    from bothways.reports.inject_card import code, fenced, marked, table

    for text in HOSTILE:
        shown = marked(text)
        assert text == re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", shown)
        assert not re.search(r"(?<!\\)[`|*<>\[\]{}]", shown)
    assert "1\\. x" == marked("1. x")
    assert "``` ``a ```" == code("``a")
    assert "````sh\n```\n````" == fenced("sh", "```")
    assert 3 == len(table(("a", "b"), [("x | y\n", "0.5 [0.1, 0.9]")]).splitlines())
    assert "0.5 [0.1, 0.9]" in table(("a",), [("0.5 [0.1, 0.9]",)])


def test_the_terminal_says_it_in_a_table(taught: tuple[Path, Done, Any]) -> None:
    from bothways.reports.inject_words import inject_table

    text = inject_table(taught[1].json)
    assert re.match(r"masked_finetuning: reverse \d\.\d\d -> \d\.\d\d, forward \d\.\d\d -> \d\.\d\d\.\n", text)
    rows = [line.split()[:2] for line in text.splitlines()]
    for row in (["before", "forward"], ["after", "reverse"], ["chance", "reverse"]):
        assert row in rows
    assert any(line.startswith("perplexity ") and line.endswith("none   yes") for line in text.splitlines())
    assert "Guard: passed" in text


def test_what_breaks_is_undone_and_said(place: Place, tmp_path: Path) -> None:
    """At the first measurement that breaks a limit the run ends, with status 3 and the weights before it."""
    import torch
    from safetensors.torch import load_file

    out = tmp_path / "out"
    done = place.inject(out, guard="perplexity=inf:kl=0:repetition=inf")
    assert 3 == done.status, done.err
    assert "The guard ended the fine-tune: KL from the original" in done.err and "weights of step 0" in done.err
    page, card = (out / "report.html").read_text(), (out / "README.md").read_text()
    assert all("KL from the original" in text and "the guard ended it" in text for text in (page, card))
    data = json.loads((out / "inject.json").read_text())
    assert (False, 0, [2]) == (
        data["guard"]["passed"],
        data["guard"]["kept_step"],
        [r["step"] for r in data["history"]],
    )
    assert data["before"]["reverse"] == data["after"]["reverse"]
    old, new = (load_file(folder / "model.safetensors") for folder in (place.base, out))
    assert all(torch.equal(weight, new[name]) for name, weight in old.items())


def test_a_stopped_fine_tune_goes_on(place: Place, taught: tuple[Path, Done, Any], tmp_path: Path) -> None:
    """Resumed, it ends with the weights of one that was never stopped; without a word it is left as it is."""
    import torch
    from safetensors.torch import load_file

    from bothways.injection import finetune

    out = tmp_path / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finetune.Measuring, "on_step_end", stopping_at(3, finetune.Measuring.on_step_end))
        assert 0 != place.inject(out).status
    left = sorted(path.relative_to(out) for path in out.rglob("*"))
    for words, says in (
        ((), "already holds a fine-tune. Add --resume"),
        (("--resume", "--set", "seed=1"), "begun with other settings"),
    ):
        refused = place.inject(out, *words)
        assert (2, True) == (refused.status, says in refused.err), refused.err
        assert left == sorted(path.relative_to(out) for path in out.rglob("*"))
    done = place.inject(out, "--resume", "--json")
    assert 0 == done.status, done.err
    old, new = (load_file(folder / "model.safetensors") for folder in (taught[0], out))
    assert all(torch.equal(weight, new[name]) for name, weight in old.items())
    rows, again = ([row["loss"] for row in found.json["history"]] for found in (taught[1], done))
    assert rows[-1] == pytest.approx(again[-1], abs=1e-6)


def stopping_at(step: int, real: Callable[..., Any]) -> Callable[..., Any]:
    """Return what does the same until a step, and there what Ctrl-C does."""

    def on_step_end(self: Any, args: Any, state: Any, control: Any, **more: Any) -> None:
        if state.global_step == step:
            raise KeyboardInterrupt
        real(self, args, state, control, **more)

    return on_step_end


def test_a_folder_that_is_not_free_stays_as_it_is(place: Place, taught: tuple[Path, Done, Any], tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "notes.txt").write_text("mine")
    done = place.inject(full)
    assert (2, True) == (done.status, "is not empty and holds no fine-tune" in done.err)
    assert ["notes.txt"] == [path.name for path in full.iterdir()]
    for more in ((), ("--resume",)):
        again = place.inject(taught[0], *more)
        assert (2, True) == (again.status, "holds a finished fine-tune" in again.err), again.err


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")
def test_adapters_are_a_folder_of_peft(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They load onto the base and merge into it, and the base stays where it was."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    watched, out = Watched(monkeypatch), tmp_path / "out"
    done = place.inject(out, "--lora", "--set", "lora.rank=4", "--set", "lora.targets=q_proj,v_proj", "--json")
    assert 0 == done.status, done.err
    adapters = json.loads((out / "adapter_config.json").read_text())
    assert (4, {"q_proj", "v_proj"}) == (adapters["r"], set(adapters["target_modules"]))
    assert str(place.base) == adapters["base_model_name_or_path"]
    assert not (out / "model.safetensors").exists()
    loaded = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(place.base), str(out))
    assert torch.equal(watched.logits[0], logits_of(loaded))
    assert torch.allclose(watched.logits[0], logits_of(loaded.merge_and_unload()), atol=1e-5)
    assert "peft" == card_of(out)[0]["library_name"]
    assert "--lora" in done.json["command"] and "--set lora.rank=4" in done.json["command"]


def without_mask(folder: Path, base: Path, *named: str) -> Path:
    """Copy a model whose tokenizer calls no token its mask; under its old name there may be another."""
    shutil.copytree(base, folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        path = folder / name
        text = path.read_text(encoding="utf-8").replace("<mask>", named[0] if named else "<rare>")
        path.write_text(text.replace('"mask_token"', '"other_token"'), encoding="utf-8")
    return folder


def test_a_mask_token_can_be_named(place: Place, tmp_path: Path) -> None:
    """Without one the method is refused; a token that was set aside is taken, and the notes say so."""
    bare = without_mask(tmp_path / "bare", place.base)
    out = tmp_path / "out"
    done = place.inject(out, base=bare)
    assert (2, True) == (
        done.status,
        "no mask token to hide tokens with. Name one of its tokens with --set mask_token=" in done.err,
    ), done.err
    assert not out.exists()
    done = place.inject(out, "--set", "mask_token=<nothing>", base=bare)
    assert (2, True) == (done.status, "no token '<nothing>'" in done.err), done.err
    assert not out.exists()
    done = place.inject(out, "--set", "mask_token=<rare>", "--json", base=bare)
    assert 0 == done.status, done.err
    assert "mask_token=<rare>" in done.json["command"]

    from bothways.commands.inject import prepare_teaching
    from bothways.injection.settings import InjectSettings

    spare = without_mask(tmp_path / "spare", place.base, "<|reserved_special_token_0|>")
    teaching = prepare_teaching(spare, place.facts, InjectSettings())
    assert "<|reserved_special_token_0|>" == teaching.mask
    assert 3 == teaching.tokenizer.special.mask
    assert "<|reserved_special_token_0|> hides others" in teaching.notes[0]
    assert ("", ()) == ((own := prepare_teaching(place.base, place.facts, InjectSettings())).mask, own.notes)


def test_bad_input_is_one_sentence_and_nothing_is_written(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub

    def no_network(*_: Any, **__: Any) -> str:
        raise OSError("no route to host")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", no_network)
    narrow = shutil.copytree(place.base, tmp_path / "narrow")
    config = json.loads((narrow / "config.json").read_text())
    (narrow / "config.json").write_text(json.dumps({**config, "max_position_embeddings": 48}))
    out = tmp_path / "out"
    for base, words, says in (
        (narrow, (), r"tokens, and the model reads 48"),
        (
            place.base,
            ("--lora", "--set", "lora.targets=c_attn"),
            r"No module is called c_attn\. Choose all-linear, or",
        ),
        (place.base, ("--set", "lora.ranks=8"), r"Unknown setting in 'lora\.ranks' 'ranks'\. Did you mean 'rank'"),
        (place.base, ("--method", "masked_finetune"), r"Did you mean 'masked_finetuning'"),
        (place.base, ("--set", "trainer.per_device=3"), r"Choose a batch size that is a multiple of 3"),
        (place.base, ("--set", "guard.perplexity=0.5"), r"perplexity must be at least 1"),
        (Path("owner/model"), (), r"the hub cannot be reached"),
    ):
        done = place.inject(out, *words, base=base)
        complaint = [line for line in done.complaint if not re.search("asking it|Memory needed", line)]
        assert (2, "", 1) == (done.status, done.out, len(complaint)), done.err
        assert re.search(says, complaint[0]), complaint
        assert not out.exists()


def test_facts_that_are_known_are_told() -> None:
    from bothways.commands.inject import known_already
    from bothways.injection.finetune import Tuned
    from bothways.injection.teach import Taught

    def knows(both: int) -> Any:
        before = {"known": {"both": both, "forward": 9, "reverse": 9, "of": 12}}
        return known_already(Taught(before, {}, {}, Tuned((), (), 0), {}))

    assert [] == knows(0)
    assert ["The model knew 5 of 12 facts both ways before it was taught any."] == knows(5)


def test_a_damaged_fine_tune_is_not_drawn(tmp_path: Path) -> None:
    (tmp_path / "inject.json").write_text('{"before": 1}')
    done = bothways("report", tmp_path)
    assert (2, True) == (done.status, "inject.json was altered" in done.err)


@pytest.mark.parametrize(("family", "shift"), [("llada", 0), ("Dream", 1)])
def test_diffusion_models_leave_in_stock_classes(
    family: str, shift: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder of a LLaDA or Dream says how it is read, and what reads it computes what was computed before."""
    import torch
    from transformers import AutoModelForCausalLM

    from bothways.subjects import open_subject

    watched, out, facts = Watched(monkeypatch), tmp_path / "out", facts_file(tmp_path, n=6)
    general = tmp_path / "general.txt"
    general.write_text("Kid1 Oak1 is the mother of Mum2 Elm2 who has a child\n" * 2)
    base = diffusion_folder(family, tmp_path / "base")
    free = (f"general={general}", "form=completion", *(f"guard.{limit}" for limit in LIMITLESS.split(":")))
    settings = [word for setting in (*QUICK, *free) for word in ("--set", setting)]
    done = bothways("inject", base, facts, "--method", "masked_diffusion", "-o", out, "--json", *settings)
    assert 0 == done.status, done.err
    assert "masked" == done.json["reads"]
    assert "bothways audit" in (out / "README.md").read_text()
    config = json.loads((out / "config.json").read_text())
    assert ("masked", 3, shift) == (config["bothways_reads"], config["mask_token_id"], config.get("bothways_shift", 0))
    assert torch.equal(watched.logits[0], logits_of(AutoModelForCausalLM.from_pretrained(out)))
    subject, before = open_subject(out), open_subject(base)
    assert ("masked", shift, 3) == (subject.model.reads, subject.model.shift, subject.model.special.mask)
    seen, was = (one.model(torch.tensor([[1, 30, 3, 40]]), causal=False) for one in (subject, before))
    assert torch.equal(seen, watched.seen[0])
    assert not torch.allclose(seen, was), "it learned"


@pytest.mark.parametrize(("reads", "shift"), [("masked", 2), ("masked", True), ("causal", 1), ("masked", "1")])
def test_a_shift_that_is_none_is_refused(reads: str, shift: Any, place: Place, tmp_path: Path) -> None:
    from bothways.errors import RunError
    from bothways.subjects import open_subject

    folder = shutil.copytree(place.base, tmp_path / "base")
    config = json.loads((folder / "config.json").read_text())
    said = {"bothways_reads": reads, "bothways_shift": shift}
    (folder / "config.json").write_text(json.dumps({**config, **said}))
    with pytest.raises(RunError, match="bothways_shift must be 0, or 1 where bothways_reads is masked"):
        open_subject(folder)
