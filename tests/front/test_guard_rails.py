"""Where a run may go, what it says before it writes, and that nothing is written when the answer is no."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from front.samples import Called
from kit.serving import config_for, serving
from peers.ledger_server import Context
from stagecheck.commands import consent
from stagecheck.config import load
from stagecheck.errors import ConfigError
from stagecheck.mock.app import Answer, Call, Mock
from stagecheck.mock.scenario import embedded
from stagecheck.report.record import read_record
from stagecheck.target.hosts import allowed, production_word

Caller = Callable[..., Called]
Toml = Callable[..., Path]
ID = "3fa85f64-5717-4562-b3fc-2c963f66afa6"


@pytest.mark.parametrize(
    ("url", "entry", "may"),
    [
        ("https://api.example.com", "api.example.com", True),
        ("https://API.Example.com.", "api.example.COM", True),
        ("https://api.example.com", "example.com", False),
        ("https://api.example.com", "*.example.com", True),
        ("https://example.com", "*.example.com", False),
        ("https://badexample.com", "*.example.com", False),
        ("https://api.example.com", "api.example.com:443", True),
        ("http://api.example.com", "api.example.com:443", False),
        ("http://127.0.0.1:8080", "127.0.0.1", True),
        ("http://127.0.0.1:8080", "127.0.0.1:8081", False),
        ("http://[::1]:8080", "[::1]:8080", True),
        ("http://[::1]:8080", "::1", True),
    ],
)
def test_an_entry_names_a_host(url: str, entry: str, *, may: bool) -> None:
    assert allowed(url, [entry]) is may


@pytest.mark.parametrize(
    ("host", "word"),
    [
        ("prod.example.com", "prod"),
        ("api-prod.example.com", "prod"),
        ("eu_production.example.com", "production"),
        ("PROD2.example.com", "prod"),
        ("live.example.com", "live"),
        ("api.qovery.com", "api.qovery.com"),
        ("product.example.com", None),
        ("delivery.example.com", None),
        ("olive.example.com", None),
        ("reproduction.example.com", None),
        ("127.0.0.1", None),
        ("staging.example.com", None),
    ],
)
def test_what_looks_like_production(host: str, word: str | None) -> None:
    assert production_word(f"https://{host}:8443/v1") == word


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ('"api.example.com"', "[target] allow_hosts is a string; give a list of hosts"),
        ("[3]", "[target] allow_hosts[0] is a whole number; give a host"),
        ('["https://api.example.com"]', "[target] allow_hosts[0] is no host: 'https://api.example.com'; give one"),
        ('["a", "*"]', "[target] allow_hosts[1] is no host: '*'"),
        ('[""]', "[target] allow_hosts[0] is no host"),
        ("[]", "[target] allow_hosts is empty, so no host is allowed"),
    ],
)
def test_a_wrong_list_of_hosts_names_the_mend(value: str, message: str) -> None:
    place = Path("stagecheck.toml")
    place.write_text(f'[target]\nurl = "http://h"\nenvironment = "{ID}"\nallow_hosts = {value}\n')
    with pytest.raises(ConfigError) as caught:
        load(place)
    assert message in str(caught.value)


@pytest.mark.parametrize("command", [("verify",), ("compare", "embedded")])
def test_a_host_that_is_not_listed_is_refused(command: tuple[str, ...], call: Caller, config: Toml) -> None:
    place = config(target={"allow_hosts": ["staging.example.com"]})
    called = call(*command, *((place,) if command[0] == "compare" else ("--config", place)))
    assert called.code == 2
    assert "127.0.0.1 is not among [target] allow_hosts (staging.example.com); add it there" in called.err


def test_the_url_of_the_command_line_is_held_against_the_list(call: Caller, config: Toml) -> None:
    place = config(target={"allow_hosts": ["127.0.0.1"]})
    assert call("verify", "--config", place, "--profile", "quick", "-q").code == 0
    called = call("verify", "http://elsewhere.example.com", "--config", place, "--allow-writes")
    assert (called.code, "elsewhere.example.com is not among" in called.err) == (2, True)


@pytest.mark.parametrize("url", ["https://prod.invalid", "https://api.qovery.com"])
def test_production_needs_more_than_the_option_for_writes(url: str, call: Caller, config: Toml) -> None:
    called = call("verify", url, "--config", config(), "--allow-writes")
    assert called.code == 2
    assert "give --production if it really may" in called.err


def test_production_on_purpose_is_gone_to(call: Caller, config: Toml) -> None:
    called = call("verify", "http://prod.invalid", "--config", config(), "--allow-writes", "--production")
    assert called.code == 3, "refused no more, it is looked for"
    assert "cannot connect to http://prod.invalid" in called.err


def test_what_is_touched_is_said_before_the_first_write(call: Caller, config: Toml, ledger: Context) -> None:
    called = call("verify", "--config", config(limits={"requests": 300, "rate": 900.0}), "--profile", "quick", "-v")
    lines = called.out.splitlines()
    began = lines.index(f"About to write to {ledger['url']}:")
    first_put = next(number for number, line in enumerate(lines) if " PUT " in line)
    assert began < first_put
    said = "\n".join(lines[began : began + 5])
    assert f"environment  {ledger['environment']}" in said
    assert "services among" in said
    assert "220 requests at most, 900 a second at most" in said


class Watched(Mock):
    """Notes what it was asked."""

    methods: list[str]

    def handle(self, call: Call) -> Answer:
        self.__dict__.setdefault("methods", []).append(call.method)
        return super().handle(call)


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """A person at a terminal who types that, in front of a target that is not on this machine."""

    @contextmanager
    def typing(text: str) -> Iterator[None]:
        with monkeypatch.context() as here:
            here.setattr("sys.stdin", _Terminal(text))
            here.setattr("sys.stderr", _Terminal())
            here.setattr(consent, "is_loopback", lambda _: False)
            yield

    return typing


@pytest.mark.parametrize(("typed", "options", "code"), [("n\n", (), 2), ("y\n", (), 0), ("", ("--yes",), 0)])
def test_on_a_terminal_it_is_asked(
    typed: str, options: tuple[str, ...], code: int, call: Caller, terminal: Any, tmp_path: Path
) -> None:
    mock = Watched(embedded())
    with serving(mock) as url, terminal(typed):
        called = call("verify", "--config", config_for(mock, url, tmp_path), "--profile", "quick", "-q", *options)
    assert called.code == code
    assert ("PUT" in mock.methods) is (code == 0)
    if code == 2:
        assert set(mock.methods) == {"GET"}, "nothing is put back either"


def test_nobody_is_asked_without_a_terminal(call: Caller, monkeypatch: pytest.MonkeyPatch, config: Toml) -> None:
    monkeypatch.setattr(consent, "is_loopback", lambda _: False)
    assert call("verify", "--config", config(), "--profile", "quick", "-q").code == 0
    assert read_record(Path("reports/report.json"))["verdict"] == "conforming"
