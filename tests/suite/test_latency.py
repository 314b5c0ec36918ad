from __future__ import annotations

from dataclasses import replace

import pytest

from front.samples import exchange_with
from stagecheck.exchange import Exchange
from stagecheck.operations import OPERATIONS, OperationKey, operation_of
from stagecheck.outcome import Latency
from stagecheck.suite.latency import Latencies, latency_of


def asked(method: str, path: str, seconds: float, *, status: int | None = 200) -> Exchange:
    made = exchange_with()
    return replace(made, request=replace(made.request, method=method, path=path), status=status, elapsed_s=seconds)


@pytest.mark.parametrize("key", OperationKey)
def test_every_operation_is_known_by_its_path(key: OperationKey) -> None:
    fact = OPERATIONS[key]
    path = "/".join("some-id" if one.startswith("{") else one for one in fact.template.split("/"))
    assert operation_of(fact.method, path) is key
    assert operation_of(fact.method, f"{path}?x=1") is key
    assert operation_of("PATCH", path) is None
    assert operation_of(fact.method, f"{path}/more") is None


def test_percentiles_are_those_of_the_nearest_rank() -> None:
    assert latency_of([number / 1000 for number in range(100, 0, -1)]) == Latency(100, 50, 90, 99, 100)
    assert latency_of([0.002]) == Latency(1, 2, 2, 2, 2)
    assert latency_of([0.001, 0.003]) == Latency(2, 1, 3, 3, 3)


def test_answers_are_counted_by_operation_and_what_was_not_answered_is_not() -> None:
    latencies = Latencies()
    latencies(asked("GET", "/deploymentStage/x", 0.002))
    latencies(asked("PUT", "/deploymentStage/x/service/y", 0.004))
    latencies(asked("PUT", "/deploymentStage/x/service/y", 9, status=None))
    latencies(asked("BREW", "/pot", 0.001, status=405))
    assert dict(latencies.summary()) == {
        "all": Latency(3, 2, 4, 4, 4),
        "attach": Latency(1, 4, 4, 4, 4),
        "get-stage": Latency(1, 2, 2, 2, 2),
        "other": Latency(1, 1, 1, 1, 1),
    }
    assert next(iter(latencies.summary())) == "all"
    assert dict(Latencies().summary()) == {}


def test_what_was_never_answered_is_told_by_its_first_request() -> None:
    latencies = Latencies()
    latencies(asked("GET", "/deploymentStage/x", 0.002))
    assert latencies.notes() == []
    lost = replace(
        asked("PUT", "/deploymentStage/x/service/y", 2, status=None), number=7, failure="no answer within 2 s"
    )
    latencies(lost)
    (alone,) = latencies.notes()
    assert alone.startswith("request 7, PUT /deploymentStage/x/service/y")
    assert "(no answer within 2 s):" in alone
    latencies(lost)
    assert "nor were 1 more" in latencies.notes()[0]
