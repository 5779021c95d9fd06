"""A step of TRL's `SFTTrainer` under our collators: its loss is that of our objective."""

from pathlib import Path
from typing import Any

import pytest
from tests.small_base import write_base

TEXTS = [f"Person{n}'s mentor is person{n + 1}." for n in range(8)]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # what TRL and the libraries under it warn of is not ours
@pytest.mark.parametrize("name", ["causal", "causal:frame=chat", "masked_finetuning", "in_place_masking"])
def test_a_step_of_the_sft_trainer_learns_under_our_collator(name: str, tmp_path: Path) -> None:
    import torch
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    from bothways.cross_entropy import weighted_cross_entropy
    from bothways.injection.collators import Collator
    from bothways.models.open import open_model
    from bothways.options import component
    from bothways.tensors import SPECIAL

    folder = write_base(tmp_path / "base", TEXTS)
    tokenizer, objective = AutoTokenizer.from_pretrained(folder), component("objectives", name)
    drawn: list[Any] = []

    class Watched(Collator):
        def _prepare(self, features: Any, seed: int) -> Any:
            drawn.append(super()._prepare(features, seed))
            return drawn[-1]

    trainer = SFTTrainer(
        AutoModelForCausalLM.from_pretrained(folder),
        train_dataset=Dataset.from_dict({"text": TEXTS}),
        data_collator=Watched(tokenizer, objective),
        processing_class=tokenizer,
        args=SFTConfig(
            output_dir=str(tmp_path / "out"), max_steps=1, per_device_train_batch_size=8, logging_steps=1,
            remove_unused_columns=False, dataset_kwargs={"skip_prepare_dataset": True}, report_to="none",
            use_cpu=True, bf16=False, save_strategy="no",
        ),
    )  # fmt: skip
    before = {key: value.clone() for key, value in trainer.model.state_dict().items()}
    trainer.train()
    with torch.no_grad():
        ours = float(weighted_cross_entropy(open_model(folder, SPECIAL), drawn[-1]).mean)
    assert ours == pytest.approx(trainer.state.log_history[0]["loss"], abs=2e-3)
    assert any(not torch.equal(value, before[key]) for key, value in trainer.model.state_dict().items())
