"""The handle of a mock, by way of the respx router: names, credentials, what was asked, what is so."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tomllib
from pathlib import Path

import httpx
import pytest
import respx

import stagecheck.mock
from stagecheck import config
from stagecheck.errors import UsageError
from stagecheck.mock.config_file import config_of
from stagecheck.mock.faults import Faults
from stagecheck.mock.handle import MockTarget
from stagecheck.mock.scenario import embedded
from stagecheck.mock.scenario_file import parse_scenario

URL = "http://127.0.0.1:8080"
SMALL = {
    "environments": {"production": {"stages": {"BUILD": {"services": {"api": {"skipped": True}}}, "DEPLOY": None}}}
}
WITHOUT_TOKENS = "organizations: {a: {tokens: [], environments: {x: {stages: {S: }}}}, b: {environments: {y: }}}"


# ---------------------------------------------------------------------- the router


def test_a_sync_client_is_answered_and_seen() -> None:
    with stagecheck.mock.router(SMALL) as router:
        target = router.target
        with httpx.Client(base_url=target.url, headers=target.headers) as client:
            answer = client.put(f"/deploymentStage/{target.stages['DEPLOY']}/service/{target.services['api']}")
        assert answer.status_code == 200
        assert (target.stage_of("api"), target.is_skipped("api")) == ("DEPLOY", False)
        (seen,) = target.requests
        assert (seen.method, seen.status, seen.fault, seen.body, seen.json()) == ("PUT", 200, None, b"", None)
        assert seen.path == f"/deploymentStage/{target.stages['DEPLOY']}/service/{target.services['api']}"
        assert seen.headers["authorization"] == target.headers["Authorization"]
        assert target.token not in repr(seen)
        assert router.calls.call_count == 1
    assert target.url == "https://api.qovery.com"


def test_an_async_client_is_answered_too() -> None:
    async def skip(target: MockTarget) -> int:
        async with httpx.AsyncClient(base_url=target.url, headers=target.headers) as client:
            path = f"/deploymentStage/{target.stages['DEPLOY']}/service/{target.services['api']}"
            return (await client.put(path, json={"is_skipped": True})).status_code

    for reading, expected in (("move-and-skip", (200, "DEPLOY", True)), ("refuse", (409, "BUILD", True))):
        with stagecheck.mock.router(SMALL, reading=reading) as router:
            status = asyncio.run(skip(router.target))
            assert (status, router.target.stage_of("api"), router.target.is_skipped("api")) == expected


def test_other_places_are_not_reached_and_routes_of_ones_own_work() -> None:
    with stagecheck.mock.router(base_url="https://mine.example/api/") as router:
        assert router.target.url == "https://mine.example/api"
        answer = httpx.get("https://mine.example/api/deploymentStage/x", headers=router.target.headers)
        assert answer.status_code == 400
        with pytest.raises(AssertionError, match="not mocked"):
            httpx.get("https://elsewhere.example/")
    with stagecheck.mock.router(), respx.mock(assert_all_called=False) as other:
        other.get("https://elsewhere.example/").respond(418)
        assert httpx.get("https://elsewhere.example/").status_code == 418


def test_faults_come_from_a_router_as_well_but_no_latency() -> None:
    with stagecheck.mock.router(faults=Faults(fail_rate=1)) as router:
        assert httpx.get(router.target.url).headers["stagecheck-fault"] == "fail-rate"
    with pytest.raises(UsageError, match="for latency take"):
        stagecheck.mock.router(faults=Faults(latency_ms=5))


def test_nothing_is_imported_before_it_is_asked_for() -> None:
    script = (
        "import sys, stagecheck.mock; had = {'respx', 'uvicorn', 'httpx', 'yaml'} & set(sys.modules); "
        "stagecheck.mock.router; print(had, 'respx' in sys.modules, 'uvicorn' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["set()", "True", "False"]
    with pytest.raises(AttributeError, match="has no attribute 'rooter'"):
        _ = stagecheck.mock.rooter


# ---------------------------------------------------------------------- names and credentials


def test_names_lead_to_ids_the_environment_under_test_first() -> None:
    target = MockTarget(embedded(), URL)
    assert list(target.environments) == ["main", "second", "foreign"]
    assert list(target.stages) == ["DATABASE DEFAULT", "JOB DEFAULT", "APPLICATION DEFAULT", "LAST"]
    assert target.environments["main"].services == target.services
    assert target.stage_of("second-api") == "SECOND FIRST"
    assert target.stage_of(target.services["migrate"].upper()) == "JOB DEFAULT"
    assert target.is_skipped("migrate")
    with pytest.raises(KeyError, match="no service 'migrat'; did you mean 'migrate'"):
        target.stage_of("migrat")
    with pytest.raises(KeyError, match="no service 'x'; there are "):
        target.is_skipped("x")


def test_an_organization_without_tokens_has_a_jwt() -> None:
    target = MockTarget(parse_scenario(WITHOUT_TOKENS, "s.yaml"), URL)
    assert target.secrets.token is None
    assert target.headers == {"Authorization": f"Bearer {target.secrets.jwt}"}
    assert target.token == target.secrets.jwt


def test_a_reset_begins_anew_with_the_faults_too() -> None:
    target = MockTarget(embedded(), URL, faults=Faults(fail_rate=0.5, seed=1))

    def asked() -> list[str | None]:
        for _ in range(12):
            target.respond(httpx.Request("GET", f"{URL}/deploymentStage/{target.stages['LAST']}"))
        return [seen.fault for seen in target.requests]

    first = asked()
    assert set(first) == {None, "fail-rate"}
    target.reset()
    assert target.requests == []
    assert asked() == first


# ---------------------------------------------------------------------- the config


def test_the_config_is_read_and_names_all_there_is(tmp_path: Path) -> None:
    target = MockTarget(embedded(), URL)
    place = tmp_path / "stagecheck.toml"
    place.write_text(config_of(target))
    found = config.load(place)
    assert found.target.url == URL
    assert found.target.stages == tuple(target.stages.values())
    assert found.target.services == tuple(target.services.values())
    assert (found.auth.token, found.auth.jwt) == (target.secrets.token, target.secrets.jwt)
    assert (found.auth.expired_jwt, found.auth.foreign_token) == (
        target.secrets.expired_jwt,
        target.secrets.foreign_token,
    )
    for table, name in ((found.second, "second"), (found.foreign, "foreign")):
        environment = target.environments[name]
        stage, service = next(iter(environment.stages.values())), next(iter(environment.services.values()))
        assert (table.environment, table.stage, table.service) == (environment.id, stage, service)


NOT_FOR_A_MOCK = {
    "proxy",
    "ca",
    *(f"{role}_{how}" for role in config.AuthTable.RENEWABLE for how in ("file", "command")),
}
"""It is on this machine, and its credentials stand beside them."""


def test_the_config_has_every_table_and_key_that_there_is(tmp_path: Path) -> None:
    """What holds by default stands there as a comment, and is right if the mark is taken off."""
    text = config_of(MockTarget(embedded(), URL))
    for table, keys in config.TABLES.items():
        assert f"[{table}]" in text
        for key in keys.keys() - NOT_FOR_A_MOCK:
            assert f"\n{key} = " in text or f"\n# {key} = " in text, key
    place = tmp_path / "stagecheck.toml"
    place.write_text("".join(line.removeprefix("# ") for line in text.splitlines(keepends=True)))
    assert config.load(place).limits.concurrency == 8


@pytest.mark.parametrize(
    ("scenario", "missing"),
    [
        ("environments: {a: }", {"stages", "services", "second", "foreign", "foreign_token"}),
        (WITHOUT_TOKENS, {"services", "token", "second"}),
    ],
)
def test_what_a_scenario_has_not_is_left_out(scenario: str, missing: set[str], tmp_path: Path) -> None:
    text = config_of(MockTarget(parse_scenario(scenario, "s.yaml"), URL))
    tables = tomllib.loads(text)
    there = {key for table in tables for key in (table, *tables[table])}
    assert not missing & there
    place = tmp_path / "stagecheck.toml"
    place.write_text(text)
    config.load(place)


def test_a_name_that_no_comment_holds_is_left_out(tmp_path: Path) -> None:
    scenario = parse_scenario('environments: {a: {stages: {"B\\nc = 1": }}}', "s.yaml")
    place = tmp_path / "stagecheck.toml"
    place.write_text(config_of(MockTarget(scenario, URL)))
    assert len(config.load(place).target.stages) == 1
