"""The page of a fine-tune in a real browser: it draws, fits, and asks nothing of the network."""

from pathlib import Path

import pytest
from tests.browser import CHROMIUM, WIDTHS, Browser, check_drawings, check_page
from tests.test_inject import Place

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="needs chromium")]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A fine-tune that kept within its limits, and one that did not."""
    place = Place(tmp_path_factory.mktemp("injected"))
    assert 0 == place.inject(place.folder / "kept").status
    assert 3 == place.inject(place.folder / "broken", guard="perplexity=inf:kl=0:repetition=inf").status
    return {name: place.folder / name / "report.html" for name in ("kept", "broken")}


@pytest.mark.parametrize("name", ["kept", "broken"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_page_draws_fits_and_stays_quiet(
    browser: Browser, pages: dict[str, Path], name: str, scheme: str, width: int
) -> None:
    """The curves are drawn, nothing scrolls sideways, nothing is requested, logged or popped up."""
    check_page(browser, pages[name], width, scheme, n_figures=1)
    check_drawings(browser)
