"""A Chromium that opens pages from files, looks as it is told, and says what it asked for and complained of."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from install import BROWSER

AXE = BROWSER.file("axe-core", "axe.min.js")
SHOTS = BROWSER.folder / "shots"
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
_LONGEST_SHOT = 12_000


class Browser:
    """One Chromium, with an empty profile of its own."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def look(self, *, width: int = 1280, dark: bool = False, media: str = "", still: bool = False) -> None:
        """How the next page is shown: pixels, theme, `print` or screen, whether motion is to be reduced."""
        features = {
            "prefers-color-scheme": "dark" if dark else "light",
            "prefers-reduced-motion": "reduce" if still else "no-preference",
        }
        told = [{"name": name, "value": value} for name, value in features.items()]
        self._cdp("Emulation.setEmulatedMedia", media=media, features=told)
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        self._cdp("Emulation.setDeviceMetricsOverride", **size)

    def scripts(self, *, allowed: bool) -> None:
        """Whether pages may run scripts from now on."""
        self._cdp("Emulation.setScriptExecutionDisabled", value=not allowed)

    def open(self, address: Path | str) -> None:
        """Open a page; what earlier ones asked for is forgotten."""
        self.driver.get("about:blank")
        self.complaints()
        self.requests()
        self.driver.get(address if isinstance(address, str) else address.as_uri())

    def all(self, selector: str) -> list[WebElement]:
        """The elements that a CSS selector finds."""
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> WebElement:
        """The only element that it finds."""
        (found,) = self.all(selector)
        return found

    def shown(self, selector: str) -> list[WebElement]:
        """Those of them that can be seen."""
        return [one for one in self.all(selector) if one.is_displayed()]

    def run(self, script: str, *arguments: Any) -> Any:
        """What a script returns."""
        return self.driver.execute_script(script, *arguments)

    def complaints(self) -> list[str]:
        """What stood on the console since it was last asked."""
        return [entry["message"] for entry in self.driver.get_log("browser")]  # type: ignore[no-untyped-call]

    def requests(self) -> list[str]:
        """The addresses that were asked for since this was last asked."""
        entries = self.driver.get_log("performance")  # type: ignore[no-untyped-call]
        told = [json.loads(entry["message"])["message"] for entry in entries]
        return [one["params"]["request"]["url"] for one in told if one["method"] == "Network.requestWillBeSent"]

    def barriers(self) -> list[str]:
        """What axe-core finds serious or critical, one line a finding."""
        self.run(AXE.read_text(encoding="utf-8"))
        found = self.driver.execute_async_script(
            "const done = arguments[0]; axe.run(document, {resultTypes: ['violations']}).then(r => done(r.violations))"
        )
        return [
            f"{one['impact']} {one['id']}: {node['html'][:200]} {node['failureSummary']}"
            for one in found
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"][:3]
        ]

    def shoot(self, name: str) -> Path:
        """A picture of the whole page, as .browser/shots/NAME.png."""
        width, height = self.run("return [innerWidth, document.documentElement.scrollHeight]")
        clip = {"x": 0, "y": 0, "width": width, "height": min(height, _LONGEST_SHOT), "scale": 1}
        taken = self._cdp("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        SHOTS.mkdir(parents=True, exist_ok=True)
        place = SHOTS / f"{name}.png"
        place.write_bytes(base64.b64decode(taken["data"]))
        return place

    def pdf(self) -> bytes:
        """The page as it is printed."""
        return base64.b64decode(self._cdp("Page.printToPDF", printBackground=True)["data"])

    def grant(self, *permissions: str) -> None:
        """Let pages do what they would ask the user for."""
        self._cdp("Browser.grantPermissions", permissions=list(permissions))

    def _cdp(self, command: str, **parameters: Any) -> Any:
        return self.driver.execute_cdp_cmd(command, parameters)


@contextmanager
def chromium(profile: Path) -> Iterator[Browser]:
    """Start Chromium by its driver, both as they are installed: nothing is downloaded. Ends it afterwards."""
    binary, driver_path = shutil.which("chromium"), shutil.which("chromedriver")
    if binary is None or driver_path is None or not AXE.is_file():
        raise FileNotFoundError("Chromium, its driver or axe-core is missing: make browser installs them")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in (*_FLAGS, f"--user-data-dir={profile}", "--window-size=1280,900"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(driver_path))
    try:
        driver.set_script_timeout(60)
        yield Browser(driver)
    finally:
        driver.quit()
