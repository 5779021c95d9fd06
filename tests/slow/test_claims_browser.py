"""The page of a study and the ledger in a real browser: they draw, fit, ask nothing of the network, and stay text."""

import base64
from pathlib import Path

import pytest
from tests.browser import CHROMIUM, WIDTHS, Browser, check_drawings, check_page, contrast, luminance

from fixtures_study import make_ledger, make_page

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="needs chromium")]

FIGURES = {"study": 6, "ledger": 0}
NARROW = [*WIDTHS, pytest.param(390, id="wider phone")]
OPENED = "document.querySelectorAll('details').forEach(part => { part.open = true; })"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The page of a study with large pictures, and a ledger."""
    folder = tmp_path_factory.mktemp("pages")
    return {"study": make_page(folder / "study", panels=12, side=150), "ledger": make_ledger(folder / "ledger")[1]}


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", NARROW)
def test_page_draws_fits_and_stays_quiet(browser: Browser, pages: dict[str, Path], name: str, scheme: str, width: int):
    """Every figure is drawn, nothing scrolls sideways though all folds are open, nothing is requested or logged."""
    check_page(browser, pages[name], width, scheme, n_figures=FIGURES[name])
    browser.run(OPENED)
    assert browser.run("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [1280, 390])
def test_tables_need_no_scrolling(browser: Browser, pages: dict[str, Path], width: int):
    """A claim's row fits the page: in columns where there is room, as a card on a phone."""
    browser.open(pages["study"], width=width)
    browser.run(OPENED)
    over = browser.run("Math.max(...[...document.querySelectorAll('.scroll')].map(s => s.scrollWidth - s.clientWidth))")
    assert over <= 1


@pytest.mark.parametrize("width", [1280, 390])
def test_marks_and_labels_lie_within_their_figure_and_apart(browser: Browser, pages: dict[str, Path], width: int):
    """No mark or label leaves its drawing by more than its own rim, and no two straight texts overlap."""
    browser.open(pages["study"], width=width)
    check_drawings(browser)


def test_a_large_map_is_painted(browser: Browser, pages: dict[str, Path]):
    """The policy lets the image in the drawing through: it has a size, and it is where the cells belong."""
    for width in (1280, 390):
        browser.open(pages["study"], width=width)
        painted = browser.run(
            "Promise.all([...document.querySelectorAll('image')].filter(one => one.getBoundingClientRect().width)"
            ".map(one => { const image = new Image(); image.src = one.href.baseVal; "
            "return image.decode().then(() => [image.naturalWidth, one.getBoundingClientRect().width > 150]); }))"
        )
        assert painted == [[150, True], [150, True]]


def test_verdicts_and_strips_stand_out_in_both_schemes(browser: Browser, pages: dict[str, Path]):
    """Words and dots have contrast, and a link to a claim opens its fold."""
    for scheme in ("light", "dark"):
        browser.open(pages["study"], scheme=scheme)
        paper = luminance(browser.run("getComputedStyle(document.body).backgroundColor"))
        colors = browser.run(
            "[...document.querySelectorAll('.verdict')].map(one => getComputedStyle(one).color)"
            ".concat([...document.querySelectorAll('.against circle')].map(one => getComputedStyle(one).fill))"
        )
        assert min(contrast(luminance(color), paper) for color in colors) >= 4.5
    browser.run("document.querySelector('.claims th a').click()")
    assert browser.run("document.querySelector('details').open")


def test_paper_shows_every_claim(browser: Browser, pages: dict[str, Path]):
    """On paper every fold is open and no table is cut off at the side."""
    for page in pages.values():
        browser.open(page, width=690)
        browser.call("Emulation.setEmulatedMedia", media="print")
        browser.run("dispatchEvent(new Event('beforeprint'))")
        assert browser.run(
            "[...document.querySelectorAll('td')].every(cell => cell.getBoundingClientRect().height > 0)"
        )
        assert browser.run("document.documentElement.scrollWidth") <= 690
        assert base64.b64decode(browser.call("Page.printToPDF")["data"]).startswith(b"%PDF")
        browser.call("Emulation.setEmulatedMedia", media="")
