"""Twenty steps of every objective, to six digits: a change that moves them is meant or a mistake.

Write the files anew after a meant change: python -m tests.test_golden
"""

import json
from pathlib import Path

import pytest

from bothways.registry import names

FOLDER = Path(__file__).parent / "golden"


def losses(objective: str) -> list[float]:
    """Train twenty steps on a small world in fp32 and return each step's loss."""
    import torch
    from tests.worlds import small_config

    from bothways.cross_entropy import weighted_cross_entropy
    from bothways.facts.exam import ExamConfig, make_exam
    from bothways.pipeline import prepare_run
    from bothways.registry import lookup

    torch.set_num_threads(1)
    exam = make_exam(lookup("facts", "bijection")(n=40).make(0), ExamConfig(), 0)
    config = small_config()
    ready = prepare_run(config, exam)
    optimizer = torch.optim.AdamW(ready.model.parameters(), lr=1e-3)
    made, generator, found = lookup("objectives", objective)(), torch.Generator(), []
    for step in range(20):
        generator.manual_seed(step)
        loss = weighted_cross_entropy(ready.model, made.prepare(ready.batches.at(step), generator))
        loss.mean.backward()
        optimizer.step()
        optimizer.zero_grad()
        found.append(float(f"{loss.mean.item():.6g}"))
    return found


@pytest.mark.parametrize("name", names("objectives"))
def test_losses_are_the_golden_ones(name):
    """The first twenty losses are the ones on file."""
    golden = json.loads((FOLDER / f"{name}.json").read_text())
    assert losses(name) == pytest.approx(golden["losses"], rel=2e-5)


if __name__ == "__main__":
    for name in names("objectives"):
        (FOLDER / f"{name}.json").write_text(json.dumps({"losses": losses(name)}) + "\n")
