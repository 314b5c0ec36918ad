"""A server of another make over real HTTP: conforming, clean; with one bug of its own, found."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from kit.thinned import thinned
from peers.ledger_server import BUGS, READINGS, Context, start
from stagecheck.outcome import RunResult, Verdict
from stagecheck.suite.plan import Plan, Profile, Things
from stagecheck.suite.runner import Runner
from stagecheck.target.client import Client, Limits
from stagecheck.target.credentials import Credentials
from stagecheck.target.reach import live
from suite.rig import DOCUMENT, NIGHTLY, QUICK, named

pytestmark = pytest.mark.long


def verify(context: Context, profile: Profile) -> RunResult:
    """A whole run against the server."""
    plan = Plan(
        environment=context["environment"],
        stages=tuple(context["stages"]),
        services=tuple(context["services"]),
        second=Things(**context["second"]),
        foreign=Things(**context["foreign"]),
        profile=profile,
    )
    credentials = Credentials(context["token"], context["jwt"], context["expired_jwt"], context["foreign_token"])
    with live(context["url"], 10.0) as http:
        client = Client(context["url"], http, Limits(requests=profile.requests))
        return Runner(client, DOCUMENT, credentials, plan).run()


def state(context: Context) -> dict[str, Any]:
    """What the server lists, but for ids and times of entries, which may be new after a move."""
    answer = httpx.get(
        f"{context['url']}/environment/{context['environment']}/deploymentStage",
        headers={"Authorization": f"Token {context['token']}"},
    )
    listed = json.loads(answer.content)["results"]
    return {
        stage["id"]: sorted((e["service_id"], e["service_type"], e.get("is_skipped", False)) for e in stage["services"])
        for stage in listed
    }


@pytest.mark.parametrize("reading", thinned(READINGS, every=2))
def test_a_conforming_server_of_another_make_is_clean(reading: str) -> None:
    with start(reading=reading) as context:
        before = state(context)
        result = verify(context, NIGHTLY)
        after = state(context)
    assert result.violations == ()
    assert result.verdict is Verdict.CONFORMING
    assert result.reading["SKIP-2"] == reading
    assert before == after
    assert result.notes == ()


@pytest.mark.parametrize("bug", sorted(BUGS))
def test_each_bug_is_found_under_a_right_name(bug: str) -> None:
    """In a quick run, so in a nightly one, which begins with the same requests."""
    with start(bug=bug) as context:
        result = verify(context, QUICK)
    assert result.verdict in (Verdict.NON_CONFORMING, Verdict.NON_STRICT)
    assert named(result) & set(BUGS[bug].requirements), named(result)
