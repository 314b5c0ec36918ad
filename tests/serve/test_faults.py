from __future__ import annotations

import pytest

from stagecheck.errors import UsageError
from stagecheck.mock.faults import HEADER, Disturbance, Faults


def statuses(disturbance: Disturbance, count: int) -> list[int]:
    answers = [disturbance.instead() for _ in range(count)]
    return [answer.status if answer else 200 for answer in answers]


def test_without_faults_nothing_happens() -> None:
    disturbance = Disturbance(Faults())
    assert (disturbance.delay_s(), disturbance.instead()) == (0.0, None)


def test_latency_lies_between_its_ends_and_repeats_with_the_seed() -> None:
    delays = [[Disturbance(Faults((20, 60), seed=seed)).delay_s() for _ in range(1)] for seed in (1, 1, 2)]
    assert delays[0] == delays[1] != delays[2]
    disturbance = Disturbance(Faults((20, 60)))
    assert all(0.02 <= disturbance.delay_s() <= 0.06 for _ in range(50))
    assert Disturbance(Faults(30)).delay_s() == 0.03


def test_that_share_of_requests_fails_and_the_same_ones_with_the_same_seed() -> None:
    shares = [statuses(Disturbance(Faults(fail_rate=0.25, seed=seed)), 1000) for seed in (7, 7, 8)]
    assert shares[0] == shares[1] != shares[2]
    assert 200 < shares[0].count(503) < 300
    assert set(statuses(Disturbance(Faults(fail_rate=1)), 20)) == {503}


def test_beyond_the_rate_patience_is_asked_for_until_there_is_room() -> None:
    now = 100.0
    disturbance = Disturbance(Faults(rate_limit=2), clock=lambda: now)
    assert statuses(disturbance, 4) == [200, 200, 429, 429]
    answer = disturbance.instead()
    assert answer is not None
    assert (answer.headers["retry-after"], answer.headers[HEADER]) == ("1", "rate-limit")
    now += 0.5
    assert statuses(disturbance, 2) == [200, 429]
    now += 3600
    assert statuses(disturbance, 3) == [200, 200, 429]


def test_retry_after_is_as_long_as_it_takes() -> None:
    now = 0.0
    disturbance = Disturbance(Faults(rate_limit=0.1), clock=lambda: now)
    assert statuses(disturbance, 1) == [200]
    answer = disturbance.instead()
    assert answer is not None
    assert answer.headers["retry-after"] == "10"
    now += 10
    assert statuses(disturbance, 2) == [200, 429]


def test_a_request_that_is_refused_for_the_rate_uses_up_no_chance() -> None:
    now = 0.0
    disturbance = Disturbance(Faults(fail_rate=0.5, rate_limit=1, seed=3), clock=lambda: now)
    alone = statuses(Disturbance(Faults(fail_rate=0.5, seed=3)), 20)
    seen = []
    for _ in range(20):
        seen += statuses(disturbance, 2)
        now += 1
    assert seen[1::2] == [429] * 20
    assert seen[::2] == alone


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        ({"latency_ms": -1}, "a latency of -1 to -1 ms"),
        ({"latency_ms": (60, 20)}, "a latency of 60 to 20 ms"),
        ({"latency_ms": float("nan")}, "a latency of nan"),
        ({"fail_rate": 1.5}, "a fail rate of 1.5; give a share from 0 to 1"),
        ({"rate_limit": 0}, "a rate limit of 0; give requests per second"),
        ({"rate_limit": float("inf")}, "a rate limit of inf"),
    ],
)
def test_what_cannot_be_is_refused(faults: dict[str, float], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Faults(**faults)  # type: ignore[arg-type]
