"""A headless Chromium that opens pages, and what is asked of every page of ours.

It is driven over two pipes (`--remote-debugging-pipe`), so that no further package is needed.
"""

import base64
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or ""
PATIENCE = 120.0
"""Seconds to wait for one answer of the browser: far more than it needs."""
VISIBLE_PLOTS = "[...document.querySelectorAll('figure svg')].filter(svg => svg.getBoundingClientRect().width > 0)"

WIDTHS = [pytest.param(1280, id="desktop"), pytest.param(768, id="tablet"), pytest.param(360, id="phone")]


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


def check_page(browser: Browser, page: Path, width: int, scheme: str, n_figures: int) -> None:
    """Open a page: all figures are drawn, nothing scrolls sideways, nothing is requested, logged or popped up."""
    browser.open(page, width=width, scheme=scheme)
    plots = browser.run(f"{VISIBLE_PLOTS}.map(svg => svg.querySelectorAll('path, use').length)")
    assert len(plots) == n_figures
    assert min(plots, default=11) > 10
    assert browser.run("document.documentElement.scrollWidth") <= width
    assert browser.run("performance.getEntriesByType('resource').length") == 0
    requested = {event["request"]["url"] for event in browser.happened("Network.requestWillBeSent")}
    assert {url for url in requested if not url.startswith("data:")} == {page.as_uri()}
    assert browser.happened("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown") == []
    assert browser.happened("Page.javascriptDialogOpening") == []


def check_drawings(browser: Browser) -> None:
    """In the page that is open, no mark leaves its drawing by more than its rim, and no two straight texts overlap."""
    box = "part.getBoundingClientRect()"
    worst = browser.run(
        f"Math.max(...{VISIBLE_PLOTS}.flatMap(svg => [...svg.querySelectorAll('text, use')].flatMap(part => "
        f"[{box}.right - svg.getBoundingClientRect().right, svg.getBoundingClientRect().left - {box}.left])))"
    )
    assert worst < 8
    overlaps = browser.run(
        f"""{VISIBLE_PLOTS}.flatMap(svg => {{
          const texts = [...svg.querySelectorAll('text')].filter(part => part.textContent.trim());
          const straight = texts.filter(part => !/rotate\\(-?[1-9]/.test(part.getAttribute('transform') || ''));
          const boxes = straight.map(part => [part.textContent, part.getBoundingClientRect()]);
          return boxes.flatMap(([one, a], i) => boxes.slice(i + 1).filter(([_, b]) =>
            Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1.5 &&
            Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 4).map(([other]) => one + ' | ' + other));
        }})"""
    )
    assert overlaps == []


def luminance(color: str) -> float:
    """Return the relative luminance of a CSS colour."""
    parts = [float(part) / 255 for part in color[color.index("(") + 1 : -1].split(",")[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: float, other: float) -> float:
    """Return the contrast ratio of two luminances."""
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)
