"""Credentials that end in the middle of a run are fetched anew, and nobody is blamed for it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from kit.patience import Skipping
from stagecheck.embedded import embedded_credentials
from stagecheck.errors import ConfigError
from stagecheck.mock.app import Answer, Call, Mock
from stagecheck.mock.auth import issue_jwt
from stagecheck.mock.scenario import Scenario, embedded
from stagecheck.model.requests import OWN
from stagecheck.outcome import Grade, Verdict
from stagecheck.target.credentials import Credentials
from stagecheck.target.sources import FromCommand, FromFile
from stagecheck.target.wallet import AHEAD_S, Wallet
from suite.rig import by_id, named, rig


class Rotating(Mock):
    """Every so many requests another API token takes the place of the one before."""

    def __init__(self, scenario: Scenario, every: int = 40) -> None:
        super().__init__(scenario)
        self.asked, self.every = 0, every

    @property
    def token(self) -> str:
        return f"rotating-token-number-{self.asked // self.every}"

    def handle(self, call: Call) -> Answer:
        self.asked += 1
        self.scenario = replace(self.scenario, tokens={self.token: OWN, **_others(self.scenario)})
        return super().handle(call)


def _others(scenario: Scenario) -> dict[str, str]:
    return {token: owner for token, owner in scenario.tokens.items() if owner != OWN}


@dataclass
class Told:
    """A source that is told what to give; counts how often it is asked."""

    values: Iterator[str]
    asked: int = 0

    def fetch(self) -> str:
        self.asked += 1
        return next(self.values)


@dataclass
class Clock:
    now: float = field(default_factory=time.time)

    def __call__(self) -> float:
        self.now += 3.0
        return self.now


def test_a_token_that_is_replaced_again_and_again_is_no_violation() -> None:
    mock = Rotating(embedded())
    source = Told(iter(lambda: mock.token, ""))
    made = rig(mock)
    made.wallet = Wallet(replace(embedded_credentials(), token=None), {"token": source}, Clock())
    made.credentials = made.wallet.credentials
    result = made.run()
    assert result.violations == ()
    assert result.verdict is Verdict.CONFORMING
    assert by_id(result)["AUTH-1"].grade is Grade.PASS
    assert made.wallet.renewals["token"] >= 4
    assert made.moved() == {}
    assert any("was fetched anew" in note for note in result.notes)
    assert source.asked < 30, "not for every request that is refused on purpose"


def test_without_a_source_it_ends_the_run_and_still_blames_nobody() -> None:
    mock = Rotating(embedded(), every=90)
    made = rig(mock)
    made.credentials = replace(embedded_credentials(), token=mock.token)
    result = made.run()
    assert (result.verdict, named(result), result.broken_off) == (Verdict.INCONCLUSIVE, set(), True)
    assert any("token_command" in note for note in result.notes)


def test_a_source_that_dries_up_ends_the_run() -> None:
    class Dry:
        left = 1

        def fetch(self) -> str:
            self.left -= 1
            if self.left < 0:
                raise ConfigError("[auth] token_command: vault ended with exit code 2")
            return "rotating-token-number-0"

    made = rig(Rotating(embedded(), every=60))
    made.wallet = Wallet(replace(embedded_credentials(), token=None), {"token": Dry()}, Clock())
    made.credentials = made.wallet.credentials
    result = made.run()
    assert (result.verdict, named(result)) == (Verdict.INCONCLUSIVE, set())
    assert any("cannot be renewed: [auth] token_command: vault ended" in note for note in result.notes)


def test_a_jwt_is_renewed_before_it_ends(patience: Skipping) -> None:
    """No request is ever sent with one that has ended, and the broken ones are made from the one of the day."""
    clock = Clock()

    def jwts() -> Iterator[str]:
        while True:
            yield issue_jwt(OWN, expires_at=int(clock.now + 120))

    seen: set[str] = set()

    class Strict(Mock):
        def handle(self, call: Call) -> Answer:
            seen.add(call.headers.get("authorization", ""))
            return super().handle(call)

    made = rig(Strict(embedded()))
    own = replace(embedded_credentials(), token=None, jwt=None)
    made.wallet = Wallet(own, {"jwt": Told(jwts())}, clock)
    made.credentials = made.wallet.credentials
    result = made.run()
    assert result.violations == ()
    assert by_id(result)["AUTH-2"].grade is Grade.PASS
    assert made.wallet.renewals["jwt"] > 3
    plain = [text for text in seen if text.startswith("Bearer ey") and text.count(".") == 2]
    assert len(plain) > 3


def test_a_jwt_that_never_lives_longer_is_not_fetched_for_every_request() -> None:
    clock = Clock()
    source = Told(iter([issue_jwt(OWN, expires_at=int(clock.now + 5))] * 1000))
    wallet = Wallet(Credentials(), {"jwt": source}, lambda: clock.now)
    for _ in range(100):
        assert wallet.header(wallet.credentials.bearer) == wallet.credentials.bearer.header
    assert source.asked == 1
    assert AHEAD_S > 5


def test_what_is_refused_on_purpose_fetches_nothing() -> None:
    source = Told(iter([f"token-number-{number}" for number in range(9)]))
    wallet = Wallet(Credentials(), {"token": source}, Clock())
    own = wallet.credentials
    assert [wallet.renewed(credential) for credential in own.worthless()] == [False] * len(list(own.worthless()))
    assert source.asked == 1
    assert wallet.renewed(own.own) is True
    assert wallet.header(own.own) == "Token token-number-1"
    assert own.own.header == "Token token-number-0"
    broken = next(one for one in own.worthless() if one.recipe and one.recipe.how == "longer")
    assert wallet.header(broken) == "Token token-number-1x"


def test_one_credential_in_two_roles_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match="foreign_token is the same as"):
        Wallet(Credentials(foreign_token="one-and-the-same"), {"token": Told(iter(["one-and-the-same"]))})


# ---------------------------------------------------------------------- where they come from


def test_a_file_is_read_without_the_white_space_around_it(tmp_path: Path) -> None:
    place = tmp_path / "token"
    place.write_text("\n  the-secret-of-the-file\r\n")
    assert FromFile("[auth] token_file", place).fetch() == "the-secret-of-the-file"


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "is empty"), (b" \n", "is empty"), (b"one two", "white space"), (b"\xff\xfe", "is no credential")],
)
def test_a_file_that_holds_no_credential_is_a_mistake(content: bytes, said: str, tmp_path: Path) -> None:
    place = tmp_path / "token"
    place.write_bytes(content)
    with pytest.raises(ConfigError, match=said) as caught:
        FromFile("[auth] token_file", place).fetch()
    assert "one two" not in str(caught.value)


def test_a_file_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        FromFile("[auth] token_file", tmp_path / "none").fetch()


def _python(script: str, seconds: float = 30.0) -> FromCommand:
    return FromCommand("[auth] token_command", (sys.executable, "-c", script), seconds)


def test_a_command_is_run_without_a_shell() -> None:
    assert _python("print('  $HOME;`x`  ')").fetch() == "$HOME;`x`"
    assert FromCommand("", ("echo", "$HOME")).fetch() == "$HOME"


@pytest.mark.parametrize(
    ("script", "seconds", "said"),
    [
        ("import sys; print('half-a-secret'); sys.exit(3)", 30.0, "ended with exit code 3; run it by hand"),
        ("import os; os.kill(os.getpid(), 9)", 30.0, "ended with signal 9"),
        ("pass", 30.0, "is empty"),
        ("print('half-a-secret and more')", 30.0, "white space"),
        ("print('half-a-secret', flush=True); import time; time.sleep(60)", 0.5, "took more than 0.5 s"),
    ],
)
def test_a_command_that_gives_nothing_is_a_mistake_that_shows_nothing(script: str, seconds: float, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        _python(script, seconds).fetch()
    assert "half-a-secret" not in str(caught.value).replace(script, "")
    assert script not in str(caught.value), "the arguments may hold a secret"


def test_a_command_that_is_not_there_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match="cannot run no-such-program"):
        FromCommand("[auth] token_command", ("no-such-program",)).fetch()
