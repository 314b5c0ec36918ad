"""Two targets side by side: equal ones are the same, and what is wrong in one of them is named."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kit.thinned import thinned
from stagecheck import spec
from stagecheck.audit.defect import DEFECTS, alone
from stagecheck.audit.variants import VARIANTS
from stagecheck.compare.compare import Comparison
from stagecheck.compare.sequence import sequence
from stagecheck.compare.side import Side
from stagecheck.embedded import EMBEDDED_URL, embedded_credentials, embedded_plan, private_client
from stagecheck.mock.app import Mock
from stagecheck.mock.scenario import embedded
from stagecheck.model.state import Reading
from stagecheck.suite.plan import PROFILES, Plan, Profile, ProfileName
from stagecheck.target.client import Client, Limits
from stagecheck.target.credentials import Credentials

pytestmark = pytest.mark.long

NIGHTLY = PROFILES[ProfileName.NIGHTLY]
QUICK = PROFILES[ProfileName.QUICK]


Configured = Callable[[Plan, Credentials], tuple[Plan, Credentials]]


def side(name: str, mock: Mock, configured: Configured) -> Side:
    """One of the two: surveyed, with what the sequence is about still to be bound."""
    plan, credentials = configured(embedded_plan(mock.scenario, NIGHTLY), embedded_credentials())
    client = Client(EMBEDDED_URL, private_client(mock), Limits(requests=20_000, seconds=600))
    made = Side(name, client, spec.load(), credentials, plan)
    made.survey()
    return made


def compared(
    one: Mock,
    other: Mock,
    profile: Profile = QUICK,
    right: frozenset[str] = frozenset(),
    configured: Configured = lambda plan, credentials: (plan, credentials),
) -> Comparison:
    """Both are ready to be asked; `right`: the requirements of which a first difference is enough."""
    first, second = side("A", one, configured), side("B", other, configured)
    asked = sequence(len(first.stages), len(first.services), profile, 0, Reading.MOVE_AND_SKIP)
    first.bind(asked)
    second.bind(asked)
    return Comparison(first, second, asked, enough=lambda told: told.requirement in right)


def test_equal_targets_are_the_same_in_everything_asked() -> None:
    comparison = compared(Mock(embedded()), Mock(embedded()))
    assert comparison.run() == ()
    assert comparison.asked > 100


@pytest.mark.parametrize("name", thinned(VARIANTS, every=30))
def test_a_conforming_variant_does_not_differ_from_itself(name: str) -> None:
    variant = VARIANTS[name]
    one, other = (variant.mock(variant.scenario()) for _ in range(2))
    assert compared(one, other, configured=variant.configured).run() == ()


@pytest.mark.parametrize("name", thinned(alone(), every=60))
def test_a_defect_is_a_difference_and_is_named(name: str) -> None:
    right = frozenset(DEFECTS[name].right_names)
    found = compared(Mock(embedded()), DEFECTS[name].mock(embedded()), NIGHTLY, right).run()
    named = [told for told in found if told.requirement in right]
    assert named, [(told.requirement, dict(told.facts)) for told in found]
    assert all(told.facts for told in named)
