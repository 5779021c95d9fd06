"""A model that fits together with one gradient can be explained: no probe keeps more than that."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOM = 700 * 2**20
"""Bytes beside weights and gradient: traces, logits of some rows, and what the libraries hold."""
MEASURE = """
import json, resource, sys
from pathlib import Path
import torch
torch.set_num_threads(1)
import bothways.reports.explain_page
from bothways.commands.explain import explain
from bothways.subjects import open_subject
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
before = peak()
done = explain(sys.argv[1], sys.argv[2], out=sys.argv[3], max_facts=12)
weights = sum(p.numel() * p.element_size() for p in open_subject(Path(sys.argv[1])).model.parameters())
print(json.dumps({"before": before, "peak": peak(), "weights": weights, "left_out": dict(done.data["left_out"])}))
"""


def test_explaining_takes_the_weights_and_one_gradient(tmp_path: Path) -> None:
    """Measured on 60 million parameters with a vocabulary of 40,000, of which a map would be 6.4 GB."""
    from tests.explainable import facts_file, library_folder

    size = {"hidden_size": 512, "num_hidden_layers": 8, "num_attention_heads": 8, "intermediate_size": 1365}
    folder = library_folder("llama", tmp_path / "model", **size, num_key_value_heads=8, vocab_size=40_000)
    words = [sys.executable, "-c", MEASURE, str(folder), str(facts_file(tmp_path)), str(tmp_path / "out")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(words, capture_output=True, text=True, env=environment)
    assert 0 == done.returncode, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert {} == found["left_out"]
    assert found["weights"] > 55e6 * 4
    assert found["peak"] - found["before"] < 2 * found["weights"] + ROOM, found
