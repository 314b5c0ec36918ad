"""What several tests of the front ends are made from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from peers.ledger_server import Context
from stagecheck.exchange import Credential, Exchange, HttpRequest
from stagecheck.outcome import (
    AnswerSeen,
    Breach,
    Coverage,
    Grade,
    Level,
    Observed,
    PropertySeen,
    RequirementResult,
    RunResult,
    Verdict,
    Violation,
    WalkCoverage,
)


@dataclass(frozen=True, slots=True)
class Called:
    """What a call of the command line left behind."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line on stderr."""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("stagecheck: error: ")
        return lines[0].removeprefix("stagecheck: error: ")


def toml_of(tables: Mapping[str, Mapping[str, Any]]) -> str:
    """Tables as TOML; JSON spells strings, numbers and lists of strings as TOML does."""
    lines: list[str] = []
    for name, values in tables.items():
        lines.append(f"[{name}]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    return "\n".join(lines) + "\n"


def tables_of(context: Context) -> dict[str, dict[str, Any]]:
    """The whole config for a server."""
    auth = ("token", "jwt", "expired_jwt", "foreign_token")
    return {
        "target": {key: context[key] for key in ("url", "environment", "stages", "services")},
        "auth": {key: context[key] for key in auth},  # type: ignore[literal-required]
        "foreign": dict(context["foreign"]),
        "second": dict(context["second"]),
    }


SECRET = "sekret-0123456789"
"""Stands everywhere in `result_with`, where a target might have put it."""


def exchange_with(text: str = "", *, number: int = 1) -> Exchange:
    credential = Credential("the API token", f"Token {SECRET}", "Token $STAGECHECK_TOKEN")
    body = text.encode("utf-8", "surrogatepass")
    request = HttpRequest("PUT", f"/deploymentStage/{text}", (("Accept", "application/json"),), body, credential)
    return Exchange(number, "tour", request, 200, {"content-type": "application/json"}, body, 0.5, 0.25)


def seen_with(text: str) -> AnswerSeen:
    """Answers whose names hold `text`."""
    properties = (PropertySeen(f"results[].{text}", 1, 2, {"string": 1}, {"other": 1}),)
    return AnswerSeen(2, {f"application/{text}": 2}, {"object": 2}, properties)


def result_with(
    text: str = "", *, grades: Mapping[str, Grade] | None = None, verdict: Verdict = Verdict.NON_CONFORMING
) -> RunResult:
    """A result whose every free text holds `text`; one requirement of each given grade."""
    chosen = grades if grades is not None else {"MOVE-4": Grade.FAIL, "MOVE-1": Grade.PASS}
    broken = {key for key, grade in chosen.items() if grade in (Grade.FAIL, Grade.NON_STRICT)}
    judged = broken | {key for key, grade in chosen.items() if grade is Grade.PASS}
    requirements = tuple(
        RequirementResult(key, Level.MUST, grade, 3, int(key in broken), None if key in judged else f"why {text}")
        for key, grade in chosen.items()
    )
    violations = tuple(
        Violation(
            Breach(key, "cause", f"message {text}", f"wanted {text}", f"came {text}", Level.MUST),
            7,
            (exchange_with(text), exchange_with(text, number=2)),
        )
        for key in sorted(broken)
    )
    return RunResult(
        url="http://127.0.0.1:1",
        mocked=False,
        offers=("attach", "list"),
        verdict=verdict,
        reading={"SKIP-2": "move-and-skip", f"choice {text}": f"made {text}"},
        requirements=requirements,
        violations=violations,
        requests=12,
        duration_s=1.23456,
        seed=5,
        profile="quick",
        phases={"tour": 12},
        notes=(f"note {text}",),
        observed={"attach": Observed({"200": 2}, {"200": seen_with(text)})},
        coverage=Coverage(
            (f"form {text}",),
            (
                WalkCoverage(1, 3, 1, 72, 72, 35),
                WalkCoverage(2, 3, 1, 310, 864, 400, f"why {text}"),
                WalkCoverage(1, 3, 2, 12, 864, 0, f"why {text}"),
            ),
        ),
    )
