"""The library's trainer under our objectives: the losses of our own loop, resumed, in parts, and rolled back."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.small_base import write_base

STEPS = 6


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny Llama."""
    from bothways.facts.worlds.relations import Relations

    names = list(Relations(n_entities=12, n_relations=1).make(0).entities)
    return write_base(tmp_path_factory.mktemp("base"), [f"{name}'s mentor is {name}" for name in names])


@pytest.fixture
def begun(base: Path, tmp_path: Path) -> Callable[..., Any]:
    """What begins a run from that model, in a folder of its own."""
    from bothways.arms import parse_arm
    from bothways.batches.batches import BatchConfig
    from bothways.batches.tokenizers import TokenizerConfig
    from bothways.config import RunConfig
    from bothways.facts.exam import ExamConfig, make_exam
    from bothways.facts.worlds.relations import Relations
    from bothways.models.pretrained import Pretrained
    from bothways.pipeline import begin
    from bothways.training.loop import TrainingConfig

    facts = Relations(n_entities=12, n_relations=1).make(0)
    facts = replace(facts, facts=tuple(replace(fact, stated="head_first") for fact in facts.facts))
    exam = make_exam(facts, ExamConfig(max_candidates=4), 0)

    def make(name: str, arm: str = "causal", **training: Any) -> Any:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        config = RunConfig(
            batches=BatchConfig(batch_size=8),
            tokenizer=TokenizerConfig(kind="pretrained", folder=str(base)),
            model=Pretrained.of(base),
            training=TrainingConfig(**{"steps": STEPS, "measurements": 2, "learning_rate": 0.01, **training}),
        )
        return begin(parse_arm(arm).config(config, 0), exam, folder)

    return make


def losses(rows: Any) -> list[float]:
    """Return the losses that were written down."""
    return [row["loss"] for row in rows]


@pytest.mark.parametrize(
    "arm",
    ["causal", "causal:frame=chat", "masked_finetuning", "bidirectional_causal", "masked_diffusion", "reverse_training",
     "semantic_permutation"],
)  # fmt: skip
def test_both_loops_lose_alike(arm: str, begun: Callable[..., Any], tmp_path: Path) -> None:
    """The same rows, the same weights, the same steps: the library's trainer and ours differ by rounding."""
    from bothways.injection.finetune import TrainerOptions, finetune
    from bothways.training.loop import train

    ours = train([begun("ours", arm).member], tmp_path / "ours")[0]
    member = begun("theirs", arm).member
    theirs = finetune(member, member.model.model, TrainerOptions())
    assert losses(theirs.history) == pytest.approx(losses(ours), abs=2e-4)
    assert losses(ours)[1] < losses(ours)[0], "it learns"
    assert [row["dev"] for row in theirs.history] == [row["dev"] for row in ours]


def test_smaller_parts_change_nothing(begun: Callable[..., Any]) -> None:
    """Gradients of parts of a batch add up to the whole's."""
    from bothways.injection.finetune import TrainerOptions, finetune

    found = []
    for per_device in (0, 2):
        member = begun(f"parts{per_device}", "masked_diffusion").member
        found.append(losses(finetune(member, member.model.model, TrainerOptions(per_device=per_device)).history))
    assert found[0] == pytest.approx(found[1], abs=1e-4)


def test_a_batch_that_cannot_be_dealt_out_is_refused(begun: Callable[..., Any]) -> None:
    """The sentence says what would do."""
    from bothways.errors import BothwaysError
    from bothways.injection.finetune import TrainerOptions, finetune

    member = begun("odd").member
    with pytest.raises(BothwaysError, match=r"8 rows a step .* 3 rows each\. Choose a batch size that is a multiple"):
        finetune(member, member.model.model, TrainerOptions(per_device=3))


def test_what_broke_is_undone(begun: Callable[..., Any]) -> None:
    """A breach at the second measurement puts the weights of the first one back."""
    import torch

    from bothways.injection.finetune import TrainerOptions, finetune

    kept: dict[str, Any] = {}
    member = begun("broken").member

    def watch(step: int, found: Any) -> list[str]:
        if step < STEPS:
            kept.update({name: weight.detach().clone() for name, weight in member.model.model.named_parameters()})
            return []
        return ["perplexity rose from 2 to 9, at most 3 was allowed."]

    tuned = finetune(member, member.model.model, TrainerOptions(), watch)
    assert tuned.good == STEPS // 2 and tuned.breaches
    assert all(torch.equal(kept[name], weight) for name, weight in member.model.model.named_parameters())


def test_a_stopped_run_goes_on_to_the_same_weights(begun: Callable[..., Any], tmp_path: Path) -> None:
    """Resumed from the newest checkpoint, the rest of the steps read what they would have read."""
    import torch

    from bothways.injection.finetune import CHECKPOINTS, TrainerOptions, finetune

    whole = begun("whole", "masked_diffusion").member
    finetune(whole, whole.model.model, TrainerOptions(save_steps=4))
    shutil.rmtree(tmp_path / "whole" / CHECKPOINTS / f"checkpoint-{STEPS}")
    again = begun("whole", "masked_diffusion").member
    finetune(again, again.model.model, TrainerOptions(save_steps=4, resume=True))
    for (name, one), other in zip(whole.model.model.named_parameters(), again.model.model.parameters(), strict=True):
        assert torch.equal(one, other), name


@pytest.mark.parametrize(("answered", "step"), [((0.2, 0.9, 0.4), 4), ((0.9, 0.2, 0.9), 6), ((0.9, 0.2, 0.4), 2)])
def test_the_best_measurement_is_kept(begun: Callable[..., Any], answered: tuple[float, ...], step: int) -> None:
    """Its weights stay, of equals the later ones, also where the run was stopped after it."""
    import torch

    from bothways.injection.finetune import CHECKPOINTS, TrainerOptions, finetune

    kept: dict[int, dict[str, Any]] = {}

    def prepared() -> Any:
        member = begun("best", measurements=3).member

        def measure(model: Any, objective: Any) -> dict[str, Any]:
            taken = 2 * len(kept) + 2
            kept[taken] = {name: weight.detach().clone() for name, weight in model.model.named_parameters()}
            return {"dev": {"forward": 0.5, "reverse_tested": answered[len(kept) - 1]}}

        return replace(member, measure=measure)

    for resume in (False, True):
        member = prepared()
        tuned = finetune(member, member.model.model, TrainerOptions(keep="best", save_steps=2, resume=resume))
        assert tuned.good == step
        for name, weight in member.model.model.named_parameters():
            assert torch.equal(kept[step][name], weight), (resume, name)
        shutil.rmtree(member.folder / CHECKPOINTS / f"checkpoint-{STEPS}")
        kept = {taken: weights for taken, weights in kept.items() if taken < STEPS}


def test_adapters_learn_alone(begun: Callable[..., Any], base: Path) -> None:
    """With LoRA the base's weights stay, and the model that is asked is the one with the adapters in it."""
    import torch

    from bothways.injection.adapters import Lora, with_lora
    from bothways.injection.finetune import TrainerOptions, finetune

    member = begun("lora", learning_rate=0.05).member
    before = member.model(torch.tensor([[7, 8, 9]]), causal=True)
    frozen = member.model.model.model.layers[0].mlp.up_proj.weight.clone()
    learner = with_lora(member.model.model, Lora(rank=4, alpha=8))
    tuned = finetune(member, learner, TrainerOptions())
    assert losses(tuned.history)[1] < losses(tuned.history)[0]
    assert (member.folder / "good" / "adapter_model.safetensors").exists()
    assert torch.equal(frozen, member.model.model.model.layers[0].mlp.up_proj.base_layer.weight)
    assert not torch.allclose(before, member.model(torch.tensor([[7, 8, 9]]), causal=True))


def test_adapters_that_fit_nowhere_are_refused(begun: Callable[..., Any]) -> None:
    """The sentence names what there is."""
    from bothways.errors import BothwaysError
    from bothways.injection.adapters import Lora, with_lora

    with pytest.raises(BothwaysError, match=r"No module is called c_attn\. Choose all-linear, or some of: down_proj, "):
        with_lora(begun("nowhere").member.model.model, Lora(targets="c_attn"))
