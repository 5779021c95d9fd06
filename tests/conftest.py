"""Settings of every test: one thread, no wall-clock limits, the same examples each time.

The package is imported inside fixtures and tests only: the shape checks must be installed first.
"""

import os
import shutil
from pathlib import Path
from typing import Any

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


@pytest.fixture(scope="session")
def shared_papers() -> Path:
    """The pages that collect each paper's claims, and stand beside some checkouts."""
    folder = ROOT.parent / "shared" / "papers"
    if not folder.is_dir():
        pytest.skip("needs the pages of claims ../shared/papers beside the checkout")
    return folder


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """The folder of a tiny finished comparison, and how the command ended that made it. Copy it to change it."""
    from tests.command_line import WORLD, compare

    folder = tmp_path_factory.mktemp("finished") / "run"
    return folder, compare(WORLD, folder, "--seeds", 2, "--arms", "causal,both_directions", "--json")


@pytest.fixture(scope="session")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two tiny stand-ins, `causal` and `masked_diffusion`. Copy one to change it."""
    from tests.small_bases import make_bases

    return make_bases(tmp_path_factory.mktemp("bases"))


@pytest.fixture
def comparison(finished: tuple[Path, Any], tmp_path: Path) -> Path:
    """A tiny finished comparison of one's own."""
    return Path(shutil.copytree(finished[0], tmp_path / "run"))


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `compare` leave out its page, which takes longer to draw than tiny runs to train."""
    from bothways.commands import compare

    monkeypatch.setattr(compare, "write_report", lambda folder: folder / "report.html")
