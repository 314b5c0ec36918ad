"""The page as a person meets it: opened from a file, in light and dark, on a phone, on paper, by keyboard alone."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from selenium.webdriver.common.keys import Keys

from page.records import HOSTILE, left_skipped, race, record
from stagecheck.report.history.rows import run_of
from stagecheck.report.history.trend import trend_of
from stagecheck.report.html.page import html_of
from stagecheck.report.html.trend import trend_page
from stagecheck.report.record import read_record

if TYPE_CHECKING:
    from browser.chromium import Browser

SAMPLES = Path(__file__).parents[2] / "reports" / "samples"
KINDS = ("conforming", "non-conforming", "static-mock", "race", "every-grade", "trend")
PHONE = 390


def made_of(kind: str) -> dict[str, Any]:
    if kind == "race":
        return record(violations=[race(), left_skipped()])
    return record() if kind == "every-grade" else read_record(SAMPLES / f"{kind}.json")


def page_of(kind: str) -> str:
    if kind != "trend":
        return html_of(made_of(kind))
    names = ("conforming", "non-conforming", "conforming", "conforming", "non-conforming", "static-mock")
    begin = datetime(2026, 3, 1, tzinfo=UTC)
    runs = [
        run_of(made_of(name) | {"started": None}, begin + timedelta(days=day)) for day, name in enumerate(names * 9)
    ]
    return trend_page(trend_of("http://127.0.0.1:8080", runs, 40))


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    made = {kind: folder / f"{kind}.html" for kind in KINDS}
    for kind, place in made.items():
        place.write_text(page_of(kind), encoding="utf-8")
    return made


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("look", ["light", "dark", "phone", "print"])
def test_it_looks_right_and_says_nothing_to_anybody(
    kind: str, look: str, browser: Browser, pages: dict[str, Path]
) -> None:
    width = PHONE if look == "phone" else 794 if look == "print" else 1280
    browser.look(width=width, dark=look == "dark", media="print" if look == "print" else "")
    browser.open(pages[kind])
    assert browser.requests() == [pages[kind].as_uri()]
    assert browser.run("return document.documentElement.scrollWidth") <= width
    assert browser.shoot(f"{kind}-{look}").stat().st_size > 20_000
    if look != "print":
        assert browser.barriers() == []
    assert browser.complaints() == []


def test_grades_are_filtered_by_keyboard(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["non-conforming"])
    everything = len(browser.shown(".entry"))
    kept = len(browser.shown(".g-pass"))
    box = browser.one("#show-pass")
    box.send_keys(Keys.SPACE)
    assert browser.shown(".g-pass") == []
    assert browser.one("#found").text == f"{everything - kept} of {everything} shown"
    assert [one.text for one in browser.shown(".family h3") if "SHAPE" in one.text] == []
    box.send_keys(Keys.SPACE)
    assert (len(browser.shown(".entry")), browser.one("#found").text) == (everything, "")


def test_one_key_shows_what_is_not_kept_and_one_shows_all(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["every-grade"])
    browser.one("[data-show=broken]").send_keys(Keys.ENTER)
    grades = {(one.get_attribute("class") or "").split("g-")[1] for one in browser.shown(".entry")}
    assert grades == {"fail", "non-strict", "known", "inconclusive"}
    browser.one("[data-show=all]").send_keys(Keys.ENTER)
    assert len(browser.shown(".entry")) == 8
    for box in browser.all(".filter input"):
        box.send_keys(Keys.SPACE)
    assert browser.shown(".family") == []
    assert browser.one("#nothing-found").is_displayed()


def test_requirements_and_violations_are_found_by_words(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["static-mock"])
    browser.one("#find-requirement").send_keys("malformed uuid")
    assert [one.get_attribute("id") for one in browser.shown(".entry")] == ["ERR-3"]
    browser.one("#find-violation").send_keys("remembers nothing")
    assert len(browser.shown(".violation")) == 1
    browser.one("#find-violation").send_keys(Keys.CONTROL, "a", Keys.BACKSPACE)
    assert len(browser.shown(".violation")) == len(browser.all(".violation"))


def test_a_command_is_copied_whole(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["non-conforming"])
    browser.grant("clipboardReadWrite", "clipboardSanitizedWrite")
    expected = read_record(SAMPLES / "non-conforming.json")["violations"][0]["curl"]
    button = browser.shown(".copy")[0]
    button.send_keys(Keys.ENTER)
    copied = browser.driver.execute_async_script(
        "const done = arguments[0]; setTimeout(() => navigator.clipboard.readText().then(done, e => done(`${e}`)), 300)"
    )
    assert copied == expected
    assert (button.text, browser.one("#announce").get_attribute("textContent")) == ("Copied", "Copied")
    assert browser.complaints() == []


def test_everything_can_be_reached_by_keyboard_and_seen_to_be(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["race"])
    active = (
        "const e = document.activeElement; return [e.tagName, e.id || e.className, getComputedStyle(e).outlineStyle]"
    )
    reached: list[list[str]] = []
    expected = browser.run(
        "return [...document.querySelectorAll('a[href], button, input, summary, [tabindex=\"0\"]')]"
        ".filter(e => e.checkVisibility()).length"
    )
    for _ in range(expected):
        browser.driver.switch_to.active_element.send_keys(Keys.TAB)
        reached.append(browser.run(active))
    assert reached[0][:2] == ["A", "skip"]
    assert {"A", "BUTTON", "INPUT", "SUMMARY", "DIV"} <= {tag for tag, _, _ in reached}
    # A chip shows the focus of its box.
    assert [one for one in reached if one[2] == "none" and not one[1].startswith("show-")] == []


def test_the_first_key_skips_to_the_report(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["conforming"])
    browser.driver.switch_to.active_element.send_keys(Keys.TAB)
    assert browser.one(".skip").location["y"] >= 0
    browser.driver.switch_to.active_element.send_keys(Keys.ENTER)
    assert browser.run("return document.activeElement.id") == "main"


def test_violations_are_opened_and_closed_by_keyboard_and_by_links(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["static-mock"])
    browser.one("[data-close]").send_keys(Keys.ENTER)
    assert browser.all(".violation[open]") == []
    browser.one("#violation-2 > summary").send_keys(Keys.ENTER)
    assert [one.get_attribute("id") for one in browser.all(".violation[open]")] == ["violation-2"]
    browser.one("#show-fail").send_keys(Keys.SPACE)
    browser.run("location.hash = '#MOVE-1'")
    browser.run("location.hash = '#violation-5'")
    assert len(browser.all(".violation[open]")) == 2
    assert [one.get_attribute("id") for one in browser.shown(".g-fail")][:1] == ["MOVE-1"]
    browser.one("[data-open]").send_keys(Keys.ENTER)
    assert len(browser.all(".violation[open]")) == len(browser.all(".violation"))


def test_without_scripts_it_can_be_read_and_filtered(browser: Browser, pages: dict[str, Path]) -> None:
    browser.scripts(allowed=False)
    browser.open(pages["every-grade"])
    assert browser.shown("button") == []
    assert browser.shown(".search") == []
    browser.one("#show-fail").send_keys(Keys.SPACE)
    assert (browser.shown(".g-fail"), len(browser.shown(".g-pass"))) == ([], 1)
    browser.one("#violation-1 > summary").send_keys(Keys.ENTER)
    assert browser.one("#violation-1").get_attribute("open") is None


@pytest.mark.parametrize("policy", ["default-src 'none'; sandbox", "default-src 'self'", None])
def test_under_the_strictest_policy_of_a_server_it_can_be_read(
    policy: str | None, browser: Browser, pages: dict[str, Path]
) -> None:
    with served(pages["non-conforming"].read_bytes(), policy) as address:
        browser.open(address)
        asked = [one for one in browser.requests() if not one.endswith("/favicon.ico")]
        assert asked == [address]
        assert browser.one("h1").text == "Non-conforming"
        assert browser.one("#violation-1 .against .actual").is_displayed()
        assert browser.one("#violation-1 svg.sequence").is_displayed()
        browser.shoot(f"policy-{re.sub('[^a-z]+', '-', policy or 'own')}")
        styled = browser.run("return getComputedStyle(document.querySelector('.wrap')).maxWidth !== 'none'")
        assert styled == (policy is None)


@contextmanager
def served(content: bytes, policy: str | None) -> Iterator[str]:
    """The address of a page that a server on this machine answers with that content security policy."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            if policy:
                self.send_header("Content-Security-Policy", policy)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/report.html"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def test_barriers_are_found_where_there_are_any(browser: Browser, tmp_path: Path) -> None:
    """The eyes of the tests above: a page with bad contrast, an unnamed button and an error on the console."""
    place = tmp_path / "bad.html"
    place.write_text(
        "<!DOCTYPE html><html><title>x</title><p style='color:#ccc'>pale</p><button></button><img src='gone.png'>"
        "<script>throw new Error('x')</script>"
    )
    browser.open(place)
    assert {line.split(":")[0].split()[1] for line in browser.barriers()} >= {"color-contrast", "button-name"}
    assert len(browser.requests()) == 2
    assert browser.complaints()


def test_nothing_that_a_target_says_is_executed(browser: Browser, tmp_path: Path) -> None:
    place = tmp_path / "hostile.html"
    place.write_text(html_of(record(" ".join(["", *HOSTILE]))), encoding="utf-8")
    browser.open(place)
    assert browser.requests() == [place.as_uri()]
    assert browser.complaints() == []
    assert browser.all("img, iframe, object, embed, link, base, form, svg script") == []
    assert len(browser.all("script")) == 1
    assert "<script>alert(1)</script>" in browser.one("#violation-1 .message").text
    assert browser.barriers() == []


def test_a_big_record_opens_at_once(browser: Browser, tmp_path: Path) -> None:
    many = [left_skipped() for _ in range(500)]
    for number, one in enumerate(many):
        one["message"] = f"message {number}"
        one["steps"][1]["answer"] = json.dumps({**json.loads(one["steps"][1]["answer"]), "more": "x" * 8000})
    place = tmp_path / "big.html"
    place.write_text(html_of(record(violations=many)), encoding="utf-8")
    timing = (
        "const t = performance.getEntriesByType('navigation')[0]; return [t.loadEventEnd, t.domContentLoadedEventEnd]"
    )
    opened = []
    for _ in range(3):
        browser.open(place)
        loaded, ready = browser.run(timing)
        assert 0 < ready <= loaded
        opened.append(loaded)
    assert min(opened) < 2000, "milliseconds, the best of three: others use this machine, too"
    assert len(browser.all(".violation")) == 500
    browser.one("#find-violation").send_keys("message 499")
    assert len(browser.shown(".violation")) == 1


def test_on_paper_every_violation_is_open_and_nothing_is_there_to_click(
    browser: Browser, pages: dict[str, Path]
) -> None:
    browser.open(pages["static-mock"])
    browser.one("[data-close]").click()
    browser.look(width=794, media="print")
    assert browser.shown("button, input, nav") == []
    seen = "return [...document.querySelectorAll('.violation .against')].filter(e => e.checkVisibility()).length"
    assert browser.run(seen) == len(browser.all(".violation"))
    browser.look(width=794)
    assert browser.run(seen) == 0
    assert browser.pdf().startswith(b"%PDF-")


def test_motion_is_reduced_where_that_is_wished_for(browser: Browser, pages: dict[str, Path]) -> None:
    for still, behaviour in ((True, "auto"), (False, "smooth")):
        browser.look(still=still)
        browser.open(pages["conforming"])
        assert browser.run("return getComputedStyle(document.documentElement).scrollBehavior") == behaviour
