"""Pages as a reader's browser shows them: headless Chromium, driven by its debugging protocol.

A page is opened at a width and in a theme; what it asks for, what it writes to the console and what scripts return is read.
Chromium's own net log has every request of a session.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from urllib.request import Request, urlopen

import pytest
from tornado.websocket import WebSocketClientConnection, websocket_connect

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None and os.environ.get("CI") != "true", reason="needs chromium, which CI has to have: not found on the path"
)
"""Mark of a test that opens pages; where CI is true it fails without Chromium."""

DESKTOP, PHONE = 1366, 390
"""Widths in pixels: of a small laptop, and of a telephone."""

THEMES = ("light", "dark")
TIMEOUT = 60.0  # seconds for one answer of the browser, and for the drawing of a page
BROWSERS_OWN = ("google", "gstatic", "gvt1")
"""Hosts that Chromium asks by itself, whatever the page: for updates and dictionaries."""

FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--remote-debugging-port=0")
DRAWN = "document.readyState === 'complete' && (!window.Bokeh || Bokeh.documents.every(each => each.is_idle))"
"""Script that says whether the page and its figures are drawn."""

POINT = """(() => {
  const plots = Bokeh.documents.flatMap(each => each.roots()), line = one => one.glyph?.type === "Line";
  const plot = plots.find(each => each.renderers.some(line)), {glyph, data_source} = plot.renderers.find(line);
  const view = Bokeh.index.find_one(plot);
  view.el.scrollIntoView({block: "center"});
  const xs = data_source.data[glyph.x.field], ys = data_source.data[glyph.y.field];
  const [x, y] = Array.from(xs, (x, i) => [x, ys[i]]).filter(pair => pair.every(Number.isFinite)).at(-2);
  const frame = view.frame, {left, top} = view.canvas_view.el.getBoundingClientRect();
  return {x: left + frame.x_scale.compute(x), y: top + frame.y_scale.compute(y)};
})()"""
"""Script that scrolls to the first line, and gives the position of one of its points on the screen."""

TOOLTIP = """(() => {
  const texts = [];
  const walk = node => {
    for (const child of [...(node.shadowRoot?.children ?? []), ...node.children]) {
      if (child.classList.contains("bk-tooltip-content")) texts.push(child.innerText);
      walk(child);
    }
  };
  walk(document.body);
  return texts.join(" ");
})()"""
"""Script that gives the text of all tooltips."""

LEGEND = """(() => {
  const plots = Bokeh.documents.flatMap(each => each.roots()), all = plot => [...plot.right, ...plot.below, ...plot.center];
  const legend = plots.flatMap(all).find(each => each.type === "Legend" && each.items.length > 1);
  const view = Bokeh.index.find_one(legend), entry = view.shadow_el.querySelector(".bk-item");
  entry.scrollIntoView({block: "center"});
  const {left, top, width, height} = entry.getBoundingClientRect();
  return {x: left + width / 2, y: top + height / 2, visible: legend.items[0].renderers[0].visible};
})()"""
"""Script that scrolls to the first entry of a legend, and gives its position and whether its marks are visible."""


class Navigated(Exception):
    """The page was left while a script ran in it."""


@dataclass
class Page:
    """An open page: what it asked for, what it wrote to the console, and scripts run in it."""

    browser: Browser
    socket: WebSocketClientConnection
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def console(self) -> list[str]:
        """Errors and warnings."""
        return self.errors + self.warnings

    def evaluate(self, script: str) -> Any:
        """The value of a script, which may be a promise; an error in it is raised."""
        arguments = {"expression": script, "returnByValue": True, "awaitPromise": True}
        answer = self.call("Runtime.evaluate", **arguments)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The answer to a command of the protocol."""
        return self.browser.wait(self._call(method, parameters))

    async def _call(self, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        self.browser.number += 1
        number = self.browser.number
        await self.socket.write_message(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            text = await self.socket.read_message()
            assert text is not None, "the browser closed the page"
            message = json.loads(text)
            if message.get("id") == number:
                error = message.get("error", {}).get("message", "")
                if "navigated" in error:
                    raise Navigated(error)
                assert "error" not in message, message["error"]
                return message["result"]
            self._note(message.get("method"), message.get("params", {}))

    def _note(self, event: str, said: dict[str, Any]) -> None:
        if event == "Network.requestWillBeSent":
            self.requests.append(unquote(said["request"]["url"]))
        elif event == "Runtime.exceptionThrown":
            self.errors.append(said["exceptionDetails"].get("exception", {}).get("description", "exception"))
        elif event == "Runtime.consoleAPICalled" and said["type"] in ("error", "warning", "assert"):
            kind = self.warnings if said["type"] == "warning" else self.errors
            kind.append(" ".join(str(each.get("value", each.get("description"))) for each in said["args"]))
        elif event == "Log.entryAdded" and said["entry"]["level"] in ("error", "warning"):
            kind = self.warnings if said["entry"]["level"] == "warning" else self.errors
            kind.append(said["entry"]["text"])

    def until(self, script: str) -> None:
        """Wait until a script is true."""
        end = time.monotonic() + TIMEOUT
        while True:
            with suppress(Navigated):
                if self.evaluate(f"Boolean({script})"):
                    return
            assert time.monotonic() < end, f"not within {TIMEOUT:g} s: {script}"
            time.sleep(0.05)

    @property
    def width(self) -> int:
        """Width of what the page shows: more than that of the screen where it scrolls sideways."""
        return self.evaluate("document.scrollingElement.scrollWidth")

    def outside(self, folder: Path) -> list[str]:
        """Requests other than for files of a folder."""
        inside = (f"{folder.resolve().as_uri()}/", "data:", "blob:")
        return [url for url in self.requests if not url.startswith(tuple(map(unquote, inside)))]

    def hovered(self) -> str:
        """What the page says of a point of a line under the mouse."""
        place = self.evaluate(POINT)
        for away in (9, 0):
            self.call("Input.dispatchMouseEvent", type="mouseMoved", x=place["x"] - away, y=place["y"])
        self.until(TOOLTIP)
        return self.evaluate(TOOLTIP)

    def hidden(self) -> tuple[bool, bool]:
        """Whether the marks of an entry of a legend are visible, before and after a click on it."""
        before = self.evaluate(LEGEND)
        place = {"x": before["x"], "y": before["y"], "button": "left", "clickCount": 1}
        for event in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=event, **place)
        return before["visible"], self.evaluate(LEGEND)["visible"]

    def screenshot(self, path: Path, height: int = 0) -> Path:
        """Write a picture of the whole page, or of its first ``height`` pixels."""
        self.evaluate("for (const image of document.images) image.loading = 'eager'")
        self.until("[...document.images].every(image => image.complete)")
        whole = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": whole["width"], "height": min(height or whole["height"], 16000), "scale": 1}
        answer = self.call("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(answer["data"]))
        return path


class Browser:
    """A running Chromium."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self.number, self.folder = 0, folder
        self.loop = asyncio.new_event_loop()
        port_file = folder / "profile" / "DevToolsActivePort"
        end = time.monotonic() + TIMEOUT
        while not (port_file.exists() and "\n" in port_file.read_text()):
            assert process.poll() is None, "chromium ended at its start"
            assert time.monotonic() < end, "chromium did not start"
            time.sleep(0.05)
        self.port = int(port_file.read_text().splitlines()[0])

    def wait(self, work: Any) -> Any:
        """The result of asynchronous work."""
        return self.loop.run_until_complete(asyncio.wait_for(work, TIMEOUT))

    def open(self, path: Path, width: int = DESKTOP, theme: str = "light", height: int = 900) -> Page:
        """Open a page and wait until it is drawn."""
        with urlopen(Request(f"http://127.0.0.1:{self.port}/json/new", method="PUT"), timeout=TIMEOUT) as answer:
            target = json.load(answer)["webSocketDebuggerUrl"]
        page = Page(self, self.wait(_connected(target)))
        for domain in ("Page", "Network", "Runtime", "Log"):
            page.call(f"{domain}.enable")
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width <= PHONE}
        page.call("Emulation.setDeviceMetricsOverride", **size)
        page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])
        page.requests.clear()
        page.call("Page.navigate", url=path.resolve().as_uri())
        page.until(DRAWN)
        return page

    def close(self) -> None:
        """Close the browser, which then completes its net log."""
        with urlopen(f"http://127.0.0.1:{self.port}/json/version", timeout=TIMEOUT) as answer:
            target = json.load(answer)["webSocketDebuggerUrl"]
        self.wait(Page(self, self.wait(_connected(target)))._call("Browser.close", {}))

    def logged(self) -> set[str]:
        """Addresses in the net log, which has no files, without those that the browser itself asks; of a closed browser."""
        text = (self.folder / "net.json").read_text(errors="replace")
        asked = {unquote(url) for url in re.findall(r'"url":"((?:https?|wss?)://[^"]*)"', text)}
        return {url for url in asked if "//127.0.0.1" not in url and not any(own in url for own in BROWSERS_OWN)}


async def _connected(target: str) -> WebSocketClientConnection:
    return await websocket_connect(target, max_message_size=2**28)


@contextmanager
def started(folder: Path) -> Iterator[Browser]:
    """A browser whose profile and net log are in ``folder``; it ends with the body."""
    assert CHROMIUM, "chromium is not installed"
    folder.mkdir(parents=True, exist_ok=True)
    flags = [*FLAGS, f"--user-data-dir={folder / 'profile'}", f"--log-net-log={folder / 'net.json'}"]
    process = subprocess.Popen([CHROMIUM, *flags, "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    browser = None
    try:
        browser = Browser(process, folder)
        yield browser
        browser.close()
        process.wait(TIMEOUT)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        if browser is not None:
            browser.loop.close()
