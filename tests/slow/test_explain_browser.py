"""The page of an explained model in a real browser: it draws, fits, and asks nothing of the network."""

from pathlib import Path

import pytest
from tests.browser import CHROMIUM, WIDTHS, Browser, check_page
from tests.command_line import bothways
from tests.explainable import diffusion_folder, facts_file, library_folder

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="needs chromium")]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A model before and after, which shows all, and one that leaves three probes out."""
    base = tmp_path_factory.mktemp("explained")
    facts = facts_file(base)
    after, before = (diffusion_folder("llada", base / name, seed=n) for n, name in enumerate(("after", "before")))
    assert 0 == bothways("explain", after, facts, "--before", before, "-o", base / "both").status
    assert 0 == bothways("explain", library_folder("qwen3", base / "model"), facts, "-o", base / "less").status
    return {name: base / name / "report.html" for name in ("both", "less")}


@pytest.mark.parametrize(("name", "n_figures"), [("both", 9), ("less", 6)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_page_draws_fits_and_stays_quiet(
    browser: Browser, pages: dict[str, Path], name: str, n_figures: int, scheme: str, width: int
) -> None:
    """Every figure is drawn, nothing scrolls sideways, nothing is requested, logged or popped up."""
    check_page(browser, pages[name], width, scheme, n_figures)
