"""What a compiled step gives, and a plain one: a program, because the compiler cannot trace shape checks.

`python -m tests.compiling` prints a line of JSON for each size of pack: its losses and gradients, both ways.
"""

import json

import torch
from tests.worlds import random_batch

from bothways.models.transformer import TransformerConfig
from bothways.objectives.causal import Causal
from bothways.training.learner import Learner


def main() -> None:
    """Take the step of a lone model and of a pack of three, plain and compiled."""
    shape = TransformerConfig(d_model=16, n_heads=2, d_mlp=32)
    for n in (1, 3):
        prepared = [Causal().prepare(random_batch(8), torch.Generator())] * n
        given = {}
        for kind in ("", "compiled_"):
            models = [shape.build(20, seed) for seed in range(n)]
            learner = Learner(models, [(1e-3, 0.01)] * n, compiled=bool(kind))
            given[f"{kind}loss_P"] = learner.loss(prepared).mean.tolist()
            given[f"{kind}gradient_PW"] = learner.gradient_PW.tolist()
        print(json.dumps(given))


if __name__ == "__main__":
    main()
