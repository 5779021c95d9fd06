"""A sweep's report in a real browser: it draws, fits, asks nothing of the network, and names stay text."""

from pathlib import Path

import pytest
from tests.browser import CHROMIUM, VISIBLE_PLOTS, WIDTHS, Browser, check_drawings, check_page

from fixtures_sweep import make_hostile, make_sweep

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="needs chromium")]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An ordinary page, one whose names try to break it, and one with forty levels."""
    from bothways.reports.sweep_page import write_sweep_report

    folder = tmp_path_factory.mktemp("pages")
    many = {"training.steps": list(range(100, 4100, 100)), "training.learning_rate": [0.001, 0.002, 0.004]}
    folders = {
        "plain": make_sweep(folder / "plain", failed=lambda arm, *_: arm == "causal"),
        "hostile": make_hostile(folder / "hostile"),
        "many": make_sweep(folder / "many", arms=["masked_diffusion"], axes=many, seeds=2),
    }
    return {name: write_sweep_report(path) for name, path in folders.items()}


@pytest.mark.parametrize("name", ["plain", "hostile", "many"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_page_draws_fits_and_stays_quiet(browser: Browser, pages: dict[str, Path], name: str, scheme: str, width: int):
    """Every figure is drawn, nothing scrolls sideways, nothing is requested, logged or popped up."""
    check_page(browser, pages[name], width, scheme, n_figures=4)


@pytest.mark.parametrize("name", ["plain", "hostile", "many"])
@pytest.mark.parametrize("width", [1280, 390])
def test_marks_and_labels_lie_within_their_figure_and_apart(
    browser: Browser, pages: dict[str, Path], name: str, width: int
):
    """Numbers stay inside their cells, labels beside each other."""
    browser.open(pages[name], width=width)
    check_drawings(browser)


def test_a_hatched_cell_is_painted_with_a_pattern(browser: Browser, pages: dict[str, Path]):
    """The pattern that a cell without a result names exists in the same page, in both layouts."""
    for width in (1280, 390):
        browser.open(pages["plain"], width=width)
        fills = browser.run(
            f"{VISIBLE_PLOTS}.flatMap(svg => [...svg.querySelectorAll('[fill^=url]')].map(part => "
            "document.getElementById(part.getAttribute('fill').slice(5, -1))?.tagName))"
        )
        assert len(fills) >= 20 and set(fills) == {"pattern"}


def test_a_cell_tells_what_it_stands_for(browser: Browser, pages: dict[str, Path]):
    """Pointing at a cell shows its numbers beside the pointer."""
    browser.open(pages["plain"])
    x, y = browser.run(
        "(mark => { mark.scrollIntoView({block: 'center'}); const box = mark.getBoundingClientRect(); "
        f"return [box.x + 6, box.y + 6]; }})([...{VISIBLE_PLOTS}[0].querySelectorAll('.mark path')][25])"
    )
    browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    assert "learning_rate" in browser.run("document.querySelector('.tip').textContent")
