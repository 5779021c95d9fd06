"""The library's trainer under our objectives: resumable, on one device or many, with or without LoRA.

What a step reads is a function of seed and step alone, as in the loop for small models (`training/loop.py`): every
process makes the whole batch of its step and takes its own rows. So a run in two processes, or in smaller parts, has
the losses of one; `tests/test_finetune.py` holds the two loops to each other.
"""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from jaxtyping import Float
from safetensors.torch import load_file
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import Dataset, SequentialSampler
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from bothways.batches.batches import AnyBatches
from bothways.cross_entropy import stack, totals
from bothways.errors import BothwaysError
from bothways.injection.sharded import put_back, whole
from bothways.models.folder import silence
from bothways.models.huggingface import attention_mask
from bothways.tensors import Prepared
from bothways.training.loop import LossError, Member, Metrics, TrainingConfig, prepare

CHECKPOINTS = "checkpoints"
Watch = Callable[[int, Mapping[str, Any]], Sequence[str]]
"""Told the steps taken and what was measured; returns what is wrong, one sentence each, if the run is to end."""


@dataclass(frozen=True, kw_only=True)
class TrainerOptions:
    """What the library's trainer adds to a run's own settings; but for `keep`, none of it changes what is learned."""

    per_device: int = 0
    """Rows a device sees at once, 0 for all that fall to it: their gradients are added up before each step."""
    report_to: str = "none"
    """A tracker that the library knows, such as tensorboard."""
    gradient_checkpointing: bool = False
    """Whether activations are computed twice and not kept."""
    save_steps: int = 0
    """Steps between two checkpoints, 0 for ten in a run."""
    keep: Literal["last", "best"] = "last"
    """Whose weights stay: the last step's, or those of the measurement that answered most development questions, both
    ways alike; the test questions have no part in it. Of equals the later."""
    resume: bool = False
    """Whether to go on from the newest checkpoint."""


@dataclass(frozen=True)
class Tuned:
    """What a fine-tune gave."""

    history: Sequence[Mapping[str, Any]]
    """What was measured on the way, as a run's metrics.jsonl holds it."""
    breaches: Sequence[str]
    """What the guard said; empty if nothing broke."""
    good: int
    """Steps after which the weights were taken that the model has now."""


class Steps(Dataset[tuple[int, int]]):
    """The rows of a run in their order, as (step, place in the step's batch)."""

    def __init__(self, steps: int, rows: int) -> None:
        self.steps, self.rows = steps, rows

    def __len__(self) -> int:
        """All rows of all steps."""
        return self.steps * self.rows

    def __getitem__(self, index: int) -> tuple[int, int]:
        """Return which row it is."""
        return divmod(index, self.rows)


class Rows:
    """Makes the rows of a step: what the objective wants to see, and by how much each token counts in that step."""

    def __init__(self, member: Member) -> None:
        self._member = member
        self._step, self._prepared = -1, None

    def __call__(self, items: Sequence[tuple[int, int]]) -> dict[str, Tensor]:
        """Return rows of one step as tensors; the weights of all rows of a step add up to one."""
        step = items[0][0]
        if step != self._step or self._prepared is None:
            self._step, self._prepared = step, scaled(prepare(self._member, step))
        made = self._prepared
        rows = torch.tensor([place for _, place in items])
        return {
            "input_ids": made.input_BL[rows],
            "targets": made.target_BL[rows],
            "weights": made.weight_BL[rows],
            "causal": torch.full((len(rows),), made.causal),
        }


def scaled(prepared: Prepared) -> Prepared:
    """Return the same without what no counting token sees, its weights divided by what their sum is divided by."""
    input_BL, target_BL, weight_BL = (one_PBL[0] for one_PBL in stack([prepared]))
    weight_BL = weight_BL / totals([prepared], weight_BL.flatten()[None])
    return Prepared(input_BL, target_BL, weight_BL, prepared.causal, 1.0)


class ObjectiveTrainer(Trainer):
    """The library's trainer, whose loss is the weighted cross-entropy of `Prepared` rows.

    Args:
        shift: how many places before a token the model predicts it where all tokens are seen.
        member: the run: its batches, objective and seed.
        arguments: all else that the library's trainer takes.
    """

    def __init__(self, *, member: Member, shift: int, **arguments: Any) -> None:
        data = Steps(member.config.steps, rows_of(member.batches))
        super().__init__(train_dataset=data, data_collator=Rows(member), **arguments)
        self.model_accepts_loss_kwargs = False
        self._shift = shift

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        """Rows come in the order of their steps."""
        rows: Any = train_dataset if train_dataset is not None else self.train_dataset
        return SequentialSampler(rows)

    def compute_loss(
        self, model: Any, inputs: Mapping[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Return this process's part of the step's loss, times what the library will divide it by."""
        causal, ids_BL = bool(inputs["causal"][0]), inputs["input_ids"]
        more: dict[str, Any] = {}
        if not causal:
            sees_BLL = torch.ones(len(ids_BL), ids_BL.shape[1], ids_BL.shape[1], dtype=torch.bool, device=ids_BL.device)
            whole = self.accelerator.unwrap_model(model)
            more["attention_mask"] = attention_mask(sees_BLL, str(whole.config._attn_implementation), whole.dtype)
        logits_BLV = model(input_ids=ids_BL, use_cache=False, **more).logits
        if self._shift and not causal:
            logits_BLV = torch.cat([logits_BLV[:, : self._shift], logits_BLV[:, : -self._shift]], 1)
        loss = weighted_loss(logits_BLV, inputs["targets"], inputs["weights"])
        return loss * self.accelerator.num_processes * self.current_gradient_accumulation_steps


def weighted_loss(
    logits_BLV: Float[Tensor, "B L V"], target_BL: Tensor, weight_BL: Float[Tensor, "B L"]
) -> Float[Tensor, ""]:
    """Return the weighted sum of nats; logits become fp32 where they count, and nowhere else."""
    counts_BL = weight_BL != 0
    nats_N = torch.nn.functional.cross_entropy(logits_BLV[counts_BL].float(), target_BL[counts_BL], reduction="none")
    return (nats_N * weight_BL[counts_BL]).sum()


def rows_of(batches: AnyBatches) -> int:
    """Return how many rows a step reads."""
    return len(batches.at(0).tokens_BL)


class Measuring(TrainerCallback):
    """Measures both directions on the way, writes them down, and ends a run that broke something.

    The weights of the last measurement at which nothing was wrong are kept in `good`, or those of the best one.
    """

    trainer: ObjectiveTrainer

    def __init__(self, member: Member, metrics: Metrics, good: Path, watch: Watch, *, best: bool) -> None:
        self._member, self._metrics, self._good, self._watch, self._best = member, metrics, good, watch, best
        self._due = member.config.due
        self.breaches: Sequence[str] = ()
        self.taken, self._score = 0, -math.inf

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Keep the weights as they are: the first measurement may find something broken."""
        before = [(score(row), row["step"]) for row in self._metrics.rows]
        if self._best and before:
            self._score, self.taken = max(before)
        else:
            self._keep(state.global_step)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Ask for the losses up to where a measurement is due."""
        control.should_log |= state.global_step in self._due

    def on_log(
        self, args: Any, state: Any, control: Any, model: Any = None, logs: dict[str, float] | None = None, **_: Any
    ) -> None:
        """Remember the loss, in nats per counted token, then measure where that is due; the first process writes."""
        if not logs or "loss" not in logs:
            return
        self._metrics.count(float(logs["loss"]), float(logs["loss"]))
        if state.global_step not in self._due:
            return
        with whole(self._member.model):
            found = self._member.measure(self._member.model, self._member.objective)
        model.train()
        if state.is_world_process_zero:
            self._metrics.write(state.global_step, found, {})
        self.breaches = self._watch(state.global_step, found)
        if self.breaches:
            control.should_training_stop = True
        elif not self._best or score(found) >= self._score:
            self._score = score(found)
            self._keep(state.global_step)

    def _keep(self, step: int) -> None:
        self.taken = step
        self.trainer.save_model(str(self._good))
        if self.trainer.is_world_process_zero() and not any(self._good.glob("*.safetensors")):
            raise BothwaysError(
                "No whole weights can be kept where each process saves its own share of them. "
                "Start accelerate with --fsdp_state_dict_type FULL_STATE_DICT."
            )


def score(found: Mapping[str, Any]) -> float:
    """Return the share of development questions that were answered, the mean of all kinds.

    >>> score({"dev": {"forward": 1.0, "reverse_tested": 0.5}})
    0.75
    """
    return sum(found["dev"].values()) / max(1, len(found["dev"]))


def finetune(member: Member, learner: Any, options: TrainerOptions, watch: Watch = lambda step, found: ()) -> Tuned:
    """Fine-tune a model of the library by its own trainer.

    Args:
        member: the run; `member.model` asks the same weights that `learner` learns.
        learner: the model of the library, or the same with adapters (PEFT) in it.
        options: how the library's trainer goes about it.
        watch: told every measurement; what it says ends the run, whose weights then go back to the last good ones.

    Raises:
        BothwaysError: rows cannot be dealt out evenly to devices.
        GuardError: the loss is not a number.
    """
    folder, config = member.folder, member.config
    good = folder / "good"
    arguments = arguments_of(member, options)
    metrics = Metrics(folder / "metrics.jsonl", newest_step(folder) if options.resume else 0, {}, [])
    measuring = Measuring(member, metrics, good, watch, best=options.keep == "best")
    shift = member.model.shift
    if options.gradient_checkpointing:
        learner.gradient_checkpointing_enable()
    with silence():
        trainer = ObjectiveTrainer(
            member=member, shift=shift, model=learner, args=arguments,
            callbacks=[measuring, NoNumber()], optimizers=optimizers_of(config, learner),
        )  # fmt: skip
        trainer.remove_callback(PrinterCallback)
        measuring.trainer = trainer
        if trainer.is_world_process_zero():
            metrics.begin()
        trainer.train(resume_from_checkpoint=bool(options.resume and newest_step(folder)))
    if measuring.breaches or options.keep == "best":
        restore(learner, good)
    return Tuned(metrics.rows, measuring.breaches, measuring.taken)


def optimizers_of(config: TrainingConfig, learner: Any) -> tuple[torch.optim.Optimizer, LambdaLR]:
    """Return what takes the steps, and how its rate rises and falls: a run's own settings, not the library's."""
    optimizer = torch.optim.AdamW(
        [weight for weight in learner.parameters() if weight.requires_grad],
        lr=config.learning_rate, betas=(0.9, config.beta2), weight_decay=config.weight_decay, fused=True,
    )  # fmt: skip
    return optimizer, LambdaLR(optimizer, lambda step: config.share(min(step, config.steps - 1)))  # methods are pickled


def dealt_out(rows: int, options: TrainerOptions) -> tuple[int, int]:
    """Return how many rows of a step a device sees at once, and how often until the step is taken.

    Raises:
        BothwaysError: rows cannot be dealt out evenly.
    """
    processes = max(1, int(os.environ.get("WORLD_SIZE", "1")))
    per_device = options.per_device or rows // processes
    if per_device < 1 or rows % (per_device * processes):
        raise BothwaysError(
            f"{rows} rows a step cannot be dealt out evenly to {processes} processes of {per_device} rows each. "
            f"Choose a batch size that is a multiple of {max(1, per_device) * processes}."
        )
    return per_device, rows // (per_device * processes)


def arguments_of(member: Member, options: TrainerOptions) -> TrainingArguments:
    """Return the library's settings for a run.

    Raises:
        BothwaysError: rows cannot be dealt out evenly.
    """
    config = member.config
    per_device, times = dealt_out(rows_of(member.batches), options)
    on_cpu = config.device == "cpu"
    return TrainingArguments(
        output_dir=str(member.folder / CHECKPOINTS),
        max_steps=config.steps,
        per_device_train_batch_size=per_device,
        gradient_accumulation_steps=times,
        max_grad_norm=config.clip,
        bf16=config.precision == "bf16",
        use_cpu=on_cpu,
        ddp_backend="gloo" if on_cpu and "WORLD_SIZE" in os.environ else None,
        logging_steps=1 if on_cpu else 10,
        save_steps=options.save_steps or max(1, config.steps // 10),
        save_total_limit=2,
        report_to=options.report_to,
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=not on_cpu,
        seed=member.seed,
    )


class NoNumber(TrainerCallback):
    """Ends a run whose loss is no number."""

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **_: Any) -> None:
        """Look at each loss."""
        if logs and not math.isfinite(logs.get("loss", 0.0)):
            raise LossError(logs["loss"], state.global_step)


def newest_step(folder: Path) -> int:
    """Return the step of the newest checkpoint, 0 if there is none."""
    steps = [path.name.removeprefix("checkpoint-") for path in (folder / CHECKPOINTS).glob("checkpoint-*")]
    return max((int(step) for step in steps if step.isdigit()), default=0)


def restore(learner: Any, good: Path) -> None:
    """Put the weights back that were kept."""
    if (good / "adapter_model.safetensors").exists():
        from peft import set_peft_model_state_dict

        set_peft_model_state_dict(learner, load_file(good / "adapter_model.safetensors"))
        return
    weights = {name: tensor for path in sorted(good.glob("*.safetensors")) for name, tensor in load_file(path).items()}
    put_back(learner, weights)
