"""Settings of every test: one thread, no wall-clock limits, the same examples each time.

The package is imported inside fixtures and tests only: the shape checks must be installed first.
"""

import os
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # read by torch when it is first imported, and by every child process

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]

settings.register_profile(
    "bothways",
    deadline=None,
    derandomize=True,
    max_examples=50,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("bothways")


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    """Let torch use one thread: on a busy machine more threads are slower, and sums then differ."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real facts that stands beside some checkouts."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs the folder of real facts ../shared/data beside the checkout")
    return folder
