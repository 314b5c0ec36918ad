"""`spec check`: the fragment is clean, and each damage is named, with its rule, its line and its column."""

from __future__ import annotations

from pathlib import Path

import pytest

from spec.damages import DAMAGES, MARK, SILENCES, Damage
from stagecheck.spec import fragment_path
from stagecheck.spec.lint import RULES, check
from stagecheck.spec.positions import Place

FRAGMENT = fragment_path().read_text(encoding="utf-8")


def damaged(damage: Damage, folder: Path) -> tuple[Path, Place | None]:
    """The damaged fragment as a file, and where its mark was."""
    assert FRAGMENT.count(damage.old) == 1, "the edit has to be of one place of the fragment"
    text = FRAGMENT.replace(damage.old, damage.new)
    before, mark, _ = text.partition(MARK)
    place = Place(before.count("\n") + 1, len(before) - before.rfind("\n")) if mark else None
    file = folder / "damaged.yaml"
    file.write_text(text.replace(MARK, ""), encoding="utf-8")
    return file, place


def test_the_fragment_is_clean() -> None:
    checked = check(fragment_path())
    assert checked.findings == ()
    assert (len(checked.operations), checked.others, checked.version) == (9, 0, "3.0.0")


@pytest.mark.parametrize("damage", [*DAMAGES, *SILENCES], ids=lambda damage: damage.name)
def test_a_damage_is_named_at_its_place(damage: Damage, tmp_path: Path) -> None:
    file, place = damaged(damage, tmp_path)
    findings = check(file).findings
    found = [finding for finding in findings if finding.rule.id == damage.rule]
    assert found, [(finding.rule.id, str(finding.place), finding.message) for finding in findings]
    assert {finding.severity.value for finding in found} == {damage.severity}
    if place is not None:
        assert place in [finding.place for finding in found], [str(finding.place) for finding in found]
    others = {finding.rule.id for finding in findings} - {damage.rule, *damage.also}
    assert others == set(), "a damage is named as what it is, and as nothing else"


def test_there_are_enough_damages() -> None:
    assert len(DAMAGES) >= 25
    assert len({damage.name for damage in (*DAMAGES, *SILENCES)}) == len(DAMAGES) + len(SILENCES)
    assert {damage.rule for damage in DAMAGES} <= set(RULES)
