"""The report in a real browser: it draws, asks nothing of the network, and hostile facts stay text.

Chromium is driven over two pipes (`--remote-debugging-pipe`), so that no further package is needed.
"""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures_report import make_comparison, make_hostile

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or ""
PATIENCE = 120.0
"""Seconds to wait for one answer of the browser: far more than it needs."""

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM, reason="needs chromium")]


class Browser:
    """A headless Chromium with one page, spoken to in its DevTools protocol."""

    def __init__(self, profile: Path) -> None:
        reads, child_writes = os.pipe()
        child_reads, writes = os.pipe()
        options = (
            "--headless=new --no-sandbox --disable-gpu --no-first-run --disable-background-networking "
            "--disable-component-update --disable-sync --disable-dev-shm-usage --hide-scrollbars "
            "--remote-debugging-pipe"
        )
        # The browser reads from its descriptor 3 and writes to 4.
        shell = f'exec "$0" {options} "$@" 3<&{child_reads} 4>&{child_writes}'
        self.process = subprocess.Popen(
            ["bash", "-c", shell, CHROMIUM, f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(child_reads, child_writes),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(child_reads)
        os.close(child_writes)
        self.reads, self.writes = reads, writes
        self.unread = b""
        self.last_id = 0
        self.session: str | None = None
        self.events: list[dict[str, Any]] = []
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(target["targetId"] for target in targets if target["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Send one command and return its result; what is reported meanwhile lands in `events`."""
        self.last_id += 1
        message = {"id": self.last_id, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.writes, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.last_id:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]

    def receive(self) -> dict[str, Any]:
        """Return the next message; a dialog is noted and closed, because it would hold up everything."""
        deadline = time.monotonic() + PATIENCE
        while b"\0" not in self.unread:
            if not select.select([self.reads], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise TimeoutError("the browser does not answer")
            chunk = os.read(self.reads, 1 << 16)
            if not chunk:
                raise EOFError("the browser has ended")
            self.unread += chunk
        message, _, self.unread = self.unread.partition(b"\0")
        answer = json.loads(message)
        if "method" in answer:
            self.events.append(answer)
            if answer["method"] == "Page.javascriptDialogOpening":
                self.post("Page.handleJavaScriptDialog", accept=False)
        return answer

    def post(self, method: str, **params: Any) -> None:
        """Send one command without waiting for its answer."""
        self.last_id += 1
        message = {"id": self.last_id, "method": method, "params": params, "sessionId": self.session}
        os.write(self.writes, json.dumps(message).encode() + b"\0")

    def open(
        self, page: Path, width: int = 1280, height: int = 900, scheme: str = "light", scripts: bool = True
    ) -> None:
        """Open a file in a window of this size and wait until it has loaded."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.events.clear()
        self.call("Page.navigate", url=page.as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.receive()
        if scripts:
            self.run("new Promise(done => requestAnimationFrame(() => setTimeout(() => done(0), 50)))")

    def run(self, script: str) -> Any:
        """Return the value of a JavaScript expression in the page."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def screenshot(self, path: Path, full: bool = True) -> None:
        """Save the whole page as a picture."""
        image = self.call("Page.captureScreenshot", captureBeyondViewport=full)
        path.write_bytes(base64.b64decode(image["data"]))

    def happened(self, *methods: str) -> list[dict[str, Any]]:
        """Return what was reported under these names since the page was opened."""
        return [event["params"] for event in self.events if event["method"] in methods]

    def close(self) -> None:
        """End the browser."""
        self.session = None
        self.post_close()
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.reads)
        os.close(self.writes)

    def post_close(self) -> None:
        """Ask the browser to end."""
        os.write(self.writes, json.dumps({"id": self.last_id + 1, "method": "Browser.close"}).encode() + b"\0")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all tests, with a profile of its own."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        opened = Browser(Path(profile))
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An ordinary page and one whose facts try to break it."""
    from bothways.reports.page import write_report

    folder = tmp_path_factory.mktemp("pages")
    return {
        "plain": write_report(make_comparison(folder / "plain")),
        "hostile": write_report(make_hostile(folder / "hostile")),
    }


VISIBLE_PLOTS = "[...document.querySelectorAll('figure svg')].filter(svg => svg.getBoundingClientRect().width > 0)"

WIDTHS = [pytest.param(1280, id="desktop"), pytest.param(768, id="tablet"), pytest.param(360, id="phone")]


@pytest.mark.parametrize("name", ["plain", "hostile"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_page_draws_fits_and_stays_quiet(browser: Browser, pages: dict[str, Path], name: str, scheme: str, width: int):
    """Every figure is drawn, nothing scrolls sideways, nothing is requested, logged or popped up."""
    browser.open(pages[name], width=width, scheme=scheme)
    plots = browser.run(f"{VISIBLE_PLOTS}.map(svg => svg.querySelectorAll('path, use').length)")
    assert len(plots) == 4
    assert min(plots) > 10
    assert browser.run("document.documentElement.scrollWidth") <= width
    assert browser.run("performance.getEntriesByType('resource').length") == 0
    requested = {event["request"]["url"] for event in browser.happened("Network.requestWillBeSent")}
    assert {url for url in requested if not url.startswith("data:")} == {pages[name].as_uri()}
    assert browser.happened("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown") == []
    assert browser.happened("Page.javascriptDialogOpening") == []


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


def luminance(color: str) -> float:
    """Return the relative luminance of a CSS colour."""
    parts = [float(part) / 255 for part in color[color.index("(") + 1 : -1].split(",")[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: float, other: float) -> float:
    """Return the contrast ratio of two luminances."""
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


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
