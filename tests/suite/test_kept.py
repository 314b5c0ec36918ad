"""Random walks that failed are kept from run to run, and tried first the next time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stagecheck.audit.defects.wrong import Misplaces
from stagecheck.mock.app import Mock
from stagecheck.mock.scenario import Scenario, embedded
from stagecheck.model.requests import Attach
from stagecheck.model.state import Placement
from suite.rig import NIGHTLY, rig

pytestmark = pytest.mark.long


class _Forgets(Misplaces):
    """The second move in a row of a service that the tour does not go over leaves it skipped."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.row: tuple[str, int] = ("", 0)

    def placed(self, request: Attach, was: Placement, right: Placement) -> Placement:
        moved = request.stage != was.stage
        name, count = self.row
        self.row = (request.service, (count if name == request.service else 0) + 1) if moved else ("", 0)
        other = self.scenario.services(self.scenario.environment)[1]
        return replace(right, skipped=True) if self.row == (other, 2) else right


def _run(mock: Mock, kept: Path | None, seed: int = 0) -> list[tuple[str, int]]:
    """What the machine alone finds: requirement and request."""
    walks = replace(NIGHTLY, walks=(), services=1, every=False)
    made = rig(mock, profile=walks, kept=kept, seed=seed)
    return [(violation.breach.requirement, violation.at_request) for violation in made.run().violations]


def test_what_failed_is_tried_first_until_it_is_mended(tmp_path: Path) -> None:
    kept = tmp_path / "examples"
    first = _run(_Forgets(embedded()), kept)
    assert first, "the machine finds it"
    assert any(kept.rglob("*"))
    again = _run(_Forgets(embedded()), kept, seed=1)
    assert min(at for _, at in again) < 150 < min(at for _, at in first)
    assert _run(Mock(embedded()), kept) == [], "mended"
    assert not [path for path in kept.rglob("*") if path.is_file()], "and forgotten"


@pytest.mark.parametrize("kept", [None, Path("nowhere")])
def test_without_a_directory_two_runs_send_the_same(
    kept: Path | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    sent = []
    for _ in range(2):
        made = rig(Mock(embedded()), kept=kept)
        made.run()
        # Which of several requests that go out at once is counted first is for nobody to say.
        sent.append([exchange.request for exchange in made.exchanges if exchange.phase != "races"])
    assert sent[0] == sent[1]
