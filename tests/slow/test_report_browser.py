"""The report in a real browser: it draws, asks nothing of the network, and hostile facts stay text."""

import base64
from pathlib import Path

import pytest
from tests.browser import CHROMIUM, VISIBLE_PLOTS, WIDTHS, Browser, check_page, contrast, luminance

from fixtures_report import make_comparison, make_hostile

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="needs chromium")]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An ordinary page and one whose facts try to break it."""
    from bothways.reports.page import write_report

    folder = tmp_path_factory.mktemp("pages")
    return {
        "plain": write_report(make_comparison(folder / "plain")),
        "hostile": write_report(make_hostile(folder / "hostile")),
    }


@pytest.mark.parametrize("name", ["plain", "hostile"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_page_draws_fits_and_stays_quiet(browser: Browser, pages: dict[str, Path], name: str, scheme: str, width: int):
    """Every figure is drawn, nothing scrolls sideways, nothing is requested, logged or popped up."""
    check_page(browser, pages[name], width, scheme, n_figures=4)


def test_marks_lie_within_their_figure(browser: Browser, pages: dict[str, Path]):
    """No mark or label leaves its drawing by more than its own rim."""
    for width in (1280, 360):
        browser.open(pages["hostile"], width=width)
        worst = browser.run(
            f"Math.max(...{VISIBLE_PLOTS}.flatMap(svg => [...svg.querySelectorAll('text, use')].map(part => "
            "part.getBoundingClientRect().right - svg.getBoundingClientRect().right)))"
        )
        assert worst < 8


def test_schemes_differ_and_contrast(browser: Browser, pages: dict[str, Path]):
    """Text and marks stand out from the page in both schemes."""
    for scheme in ("light", "dark"):
        browser.open(pages["plain"], scheme=scheme)
        paper = luminance(browser.run("getComputedStyle(document.body).backgroundColor"))
        assert (paper > 0.9) == (scheme == "light")
        text = browser.run(
            "['body', 'h1', '.small', 'thead th', 'figcaption', '.forward .value', '.reverse_tested .value', "
            "'.verdict.right', '.verdict.wrong', 'a[href]']"
            ".map(part => getComputedStyle(document.querySelector(part)).color)"
        )
        assert min(contrast(luminance(color), paper) for color in text) >= 4.5
        fills = browser.run(
            f"[...new Set({VISIBLE_PLOTS}.flatMap(svg => [...svg.querySelectorAll('use, .mark > path')]"
            ".map(part => getComputedStyle(part).fill)))].filter(fill => fill.startsWith('rgb('))"
        )
        assert min(contrast(luminance(color), paper) for color in fills) >= 2.5


def test_a_mark_tells_what_it_stands_for(browser: Browser, pages: dict[str, Path]):
    """Pointing at a mark shows its numbers beside the pointer."""
    browser.open(pages["plain"])
    x, y = browser.run(
        "(mark => { mark.scrollIntoView({block: 'center'}); const box = mark.getBoundingClientRect(); "
        f"return [box.x + box.width / 2, box.y + box.height / 2]; }})({VISIBLE_PLOTS}[0].querySelector('.mark use'))"
    )
    browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    assert browser.run("document.querySelector('.tip').textContent").startswith("causal, forward: 1.00")


def test_paper_shows_everything_in_light(browser: Browser, pages: dict[str, Path]):
    """On paper every fold is open, the page is light, and no table is cut off at the side."""
    browser.open(pages["plain"], width=690, scheme="dark")
    dark = [{"name": "prefers-color-scheme", "value": "dark"}]
    browser.call("Emulation.setEmulatedMedia", media="print", features=dark)
    browser.run("dispatchEvent(new Event('beforeprint'))")
    assert browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert browser.run("[...document.querySelectorAll('td')].every(cell => cell.getBoundingClientRect().height > 0)")
    assert browser.run("document.documentElement.scrollWidth") <= 690
    assert len(browser.run(f"{VISIBLE_PLOTS}.map(svg => svg.dataset.plot)")) == 4
    pdf = base64.b64decode(browser.call("Page.printToPDF")["data"])
    assert pdf.startswith(b"%PDF") and len(pdf) > 50_000
    browser.call("Emulation.setEmulatedMedia", media="")


def test_page_is_whole_without_script(browser: Browser, pages: dict[str, Path]):
    """Where scripts are forbidden, the figures are there and their titles tell the numbers."""
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(pages["plain"], scripts=False)
        html = browser.call("DOM.getOuterHTML", nodeId=browser.call("DOM.getDocument", depth=-1)["root"]["nodeId"])
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)
    assert "<title>causal, forward: 1.00" in html["outerHTML"]
