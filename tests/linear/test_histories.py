"""The truth from outside: what is known of public histories of etcd, the checker says as well."""

from __future__ import annotations

import csv

import pytest

from linear.register import HISTORIES, Register, read_history
from stagecheck.linear import Outcome, check

with (HISTORIES / "verdicts.csv").open(encoding="utf-8", newline="") as _lines:
    KNOWN = {row["history"]: row["linearizable"] == "true" for row in csv.DictReader(_lines)}


def test_every_history_has_a_known_verdict() -> None:
    assert sorted(KNOWN) == sorted(path.name for path in HISTORIES.glob("*.log"))
    assert {True, False} == set(KNOWN.values())


@pytest.mark.parametrize("name", KNOWN)
def test_the_verdict_is_the_known_one(name: str) -> None:
    verdict = check(read_history(HISTORIES / name), Register())
    assert verdict.outcome is (Outcome.YES if KNOWN[name] else Outcome.NO)
