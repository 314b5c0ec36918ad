"""What the config got wrong is told from what the target gets wrong, in one line that names the mend."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
import pytest

from stagecheck.errors import ConfigError, CredentialRefused, StagecheckError, TargetError, Unreachable
from stagecheck.exchange import Redactor
from stagecheck.mock.app import Mock, as_httpx
from stagecheck.mock.scenario import FOREIGN_TOKEN, embedded, stable_id
from stagecheck.operations import OperationKey
from stagecheck.outcome import Verdict
from stagecheck.target.credentials import Credentials
from suite.rig import Offering, Rig, named, rig

SCENARIO = embedded()
STAGES = tuple(SCENARIO.stages(SCENARIO.environment))
SERVICES = tuple(SCENARIO.services(SCENARIO.environment))
SECOND_STAGE = SCENARIO.stages(SCENARIO.second_environment)[0]
SECOND_SERVICE = SCENARIO.services(SCENARIO.second_environment)[0]
UNKNOWN = stable_id("nobody made this")
READS = (OperationKey.LIST, OperationKey.GET_STAGE, OperationKey.GET_SERVICE_STAGE)
GARBAGE = Credentials(token="wrong-token")


@dataclass(frozen=True)
class Mistake:
    """One mistake: what of the plan it changes, the error, and what its message names."""

    error: type[StagecheckError]
    names: tuple[str, ...]
    changes: dict[str, object] = field(default_factory=dict)
    credentials: Credentials | None = None
    offers: tuple[OperationKey, ...] = READS


_MISTAKES = {
    "a stage of another environment": Mistake(
        ConfigError, (SECOND_STAGE, "[target] stages"), {"stages": (*STAGES[:2], SECOND_STAGE)}
    ),
    "an unknown stage": Mistake(ConfigError, (UNKNOWN, "[target] stages"), {"stages": (*STAGES, UNKNOWN)}),
    "an unknown stage first": Mistake(ConfigError, (UNKNOWN, "stages"), {"stages": (UNKNOWN, *STAGES)}),
    "an unknown service": Mistake(ConfigError, (UNKNOWN, "[target] services"), {"services": (*SERVICES, UNKNOWN)}),
    "an unknown service first": Mistake(ConfigError, (UNKNOWN, "services"), {"services": (UNKNOWN, *SERVICES)}),
    "a service of another environment": Mistake(
        ConfigError, (SECOND_SERVICE, "[target] services"), {"services": (SERVICES[0], SECOND_SERVICE)}
    ),
    "an unknown environment and nothing else": Mistake(
        ConfigError, (UNKNOWN, "environment"), {"environment": UNKNOWN, "stages": (), "services": ()}
    ),
    "a stage of another environment, put alone": Mistake(
        ConfigError, (SECOND_STAGE,), {"stages": (*STAGES[:2], SECOND_STAGE)}, offers=()
    ),
    "an unknown service, put alone": Mistake(ConfigError, (UNKNOWN,), {"services": (*SERVICES, UNKNOWN)}, offers=()),
    "no list and no ids": Mistake(
        ConfigError, ("[target] stages and services",), {"stages": (), "services": ()}, offers=()
    ),
    "a wrong token": Mistake(CredentialRefused, ("refused the credential", "401", "[auth]"), credentials=GARBAGE),
    "a wrong token, put alone": Mistake(
        CredentialRefused, ("refused the credential", "401"), credentials=GARBAGE, offers=()
    ),
    "a wrong token and no ids": Mistake(
        CredentialRefused, ("refused the credential",), {"stages": (), "services": ()}, credentials=GARBAGE
    ),
    "no credential": Mistake(CredentialRefused, ("refused the credential", "[auth]"), credentials=Credentials()),
}


def _failure(made: Rig) -> StagecheckError:
    with pytest.raises(StagecheckError) as caught:
        made.run()
    return caught.value


@pytest.mark.parametrize("mistake", _MISTAKES.values(), ids=_MISTAKES)
def test_a_mistake_is_one_line_that_names_the_mend(mistake: Mistake) -> None:
    made = rig(Offering(embedded(), mistake.offers), **mistake.changes)  # type: ignore[arg-type]  # the plan's fields
    if mistake.credentials is not None:
        made.credentials = mistake.credentials
    error = _failure(made)
    assert type(error) is mistake.error
    message = str(error)
    assert "\n" not in message
    assert [name for name in mistake.names if name not in message] == []
    assert Redactor(made.credentials.secrets()).text(message) == message, "no secret in it"
    assert set(made.moved()) <= ({made.plan.services[0]} if not mistake.offers and made.plan.services else set())


def test_the_credential_of_another_organization_is_refused() -> None:
    made = rig()
    made.credentials = Credentials(token=FOREIGN_TOKEN)
    assert isinstance(_failure(made), (CredentialRefused, ConfigError))


# ---------------------------------------------------------------------- targets

Answering = Callable[[Rig, httpx.Request], httpx.Response | None]


def _with(made: Rig, answering: Answering) -> Rig:
    """The target answers as said, and as it is where nothing is said."""
    made.answering = lambda request: answering(made, request) or as_httpx(made.mock, request)
    return made


def _every_put(status: int) -> Answering:
    return lambda _, request: httpx.Response(status) if request.method == "PUT" else None


@pytest.mark.parametrize(
    ("status", "error", "names"),
    [
        (403, CredentialRefused, "403"),
        (401, CredentialRefused, "401"),
        (404, ConfigError, "check that both are in"),
        (405, ConfigError, "right prefix"),
        (503, TargetError, "503"),
        (504, TargetError, "nothing can be said"),
    ],
)
def test_a_put_that_says_nothing_of_the_target(status: int, error: type[StagecheckError], names: str) -> None:
    made = _with(rig(), _every_put(status))
    failure = _failure(made)
    assert isinstance(failure, error)
    assert names in str(failure)
    assert made.moved() == {}


def test_a_put_alone_that_always_refuses_may_have_been_given_ids_that_do_not_belong_together() -> None:
    failure = _failure(_with(rig(Offering(embedded(), ())), _every_put(409)))
    assert isinstance(failure, ConfigError)
    assert "are in one environment" in str(failure)


@pytest.mark.parametrize(
    ("status", "offers"),
    [(500, READS), (500, ()), (409, READS), (302, READS), (302, ())],
)
def test_a_put_that_is_always_refused_is_judged_for_it(status: int, offers: tuple[OperationKey, ...]) -> None:
    made = _with(rig(Offering(embedded(), offers)), _every_put(status))
    result = made.run()
    assert result.verdict is Verdict.NON_CONFORMING
    assert {"MOVE-1", "MOVE-2", "MOVE-3"} <= named(result)
    assert made.moved() == {}
    if status == 409:
        assert not [note for note in result.notes if "was moved" in note], "a refusal has moved nothing"


def test_a_credential_that_may_read_but_not_write_is_told_so() -> None:
    failure = _failure(_with(rig(), _every_put(403)))
    assert "read" in str(failure)
    assert "move" in str(failure)


@pytest.mark.parametrize("carried_out", [True, False])
def test_a_first_put_answered_500_does_not_end_the_run(*, carried_out: bool) -> None:
    made = rig()
    puts = 0

    def answering(of: Rig, request: httpx.Request) -> httpx.Response | None:
        nonlocal puts
        puts += request.method == "PUT"
        if request.method != "PUT" or puts > 1:
            return None
        if carried_out:
            as_httpx(of.mock, request)
        return httpx.Response(500)

    result = _with(made, answering).run()
    assert named(result) == {"ERR-1", "MOVE-3"}
    assert result.verdict is Verdict.NON_CONFORMING
    assert made.moved() == {}


def test_no_connection_at_all() -> None:
    def refuse(_: Rig, request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    made = rig()
    failure = _failure(_with(made, refuse))
    assert isinstance(failure, Unreachable)
    assert failure.exit_code == 3
    assert made.moved() == {}


def test_a_list_that_leaves_out_a_stage_is_the_targets_fault_and_not_the_configs() -> None:
    class Partial(Mock):
        """The list forgets the last stage."""

        def listing(self, environment: str) -> dict[str, list[dict[str, object]]]:
            return {"results": super().listing(environment)["results"][:-1]}

    result = rig(Partial(embedded())).run()
    assert named(result) & {"SHAPE-3", "STATE-3", "STATE-5"}


def test_a_target_that_answers_a_page_to_everything_is_told_by_its_shape() -> None:
    made = rig()
    made.answering = lambda _: httpx.Response(200, text="<html>hello</html>", headers={"content-type": "text/html"})
    result = made.run()
    assert result.verdict is Verdict.NON_CONFORMING
    assert {"SHAPE-1", "SHAPE-2"} <= named(result)
    assert not {"MOVE-1", "MOVE-3", "STATE-1"} & named(result), "nothing is known of where services are"
