"""The same verdicts over HTTP as in process: every reading conforms, and defects are found at the same requests."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from kit.thinned import thinned
from stagecheck.audit.defect import DEFECTS, alone
from stagecheck.audit.matrix import defect_judged
from stagecheck.audit.target import embedded_run
from stagecheck.contract import CATALOGUE
from stagecheck.mock.app import Mock
from stagecheck.mock.scenario import embedded
from stagecheck.model.state import Reading
from stagecheck.outcome import Grade, Verdict
from stagecheck.suite.plan import ProfileName
from stagecheck.suite.registry import CHECKED

pytestmark = pytest.mark.long


@pytest.mark.parametrize("reading", Reading)
def test_the_server_conforms_with_every_reading(reading: Reading) -> None:
    result = embedded_run(Mock, profile=ProfileName.QUICK, scenario=partial(embedded, reading), over_http=True)
    assert result.verdict is Verdict.CONFORMING
    assert result.reading["SKIP-2"] == reading.value
    assert result.url.startswith("http://127.0.0.1:")
    assert not result.mocked
    assert {entry.id for entry in result.requirements if entry.grade is Grade.NOT_TESTED} <= set(CATALOGUE) - CHECKED


@pytest.mark.parametrize("name", thinned(alone(), every=90))
def test_a_defect_is_found_at_the_same_request(name: str) -> None:
    here, there = (defect_judged(DEFECTS[name], over_http=over_http) for over_http in (False, True))
    assert not there.survived
    assert not there.for_the_wrong_reason
    # What clients that ask at once leave behind is for nobody to say, so neither how many requests that costs.
    assert replace(there, requests=0) == replace(here, requests=0)
