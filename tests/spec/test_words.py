"""What sentences say of skipping: those that keep the contract, and the same ones turned round."""

from __future__ import annotations

import pytest

from stagecheck.spec.lint.words import Condition, segments

T, F, E = Condition.TRUE, Condition.FALSE, Condition.ELSEWHERE
EXPECTED = {T: True, F: False, E: False}

KEPT = [
    ("Set `is_skipped: true` to skip the service where it is.", {T}),
    ("To skip a service without moving it, send is_skipped true.", {T}),
    ("If **true**, the service is skipped (left out of bulk deployments) and stays in its current stage.", {T}),
    ("true: the service is excluded from deployments of the environment", {T}),
    ("If false or omitted, the service is un-skipped.", {F}),
    ("When `false`, it is included in deployments of the environment again.", {F}),
    ("Without the property, an earlier skip is lifted; false un-skips the service.", {F}),
    ("Moving to a different stage unskips the service (resets is_skipped to false).", {E}),
    ("Moving a skipped service to another stage un-skips it.", {E}),
    ("A service that was skipped is no longer skipped once it is in a different stage.", {E}),
    ("A move to a new stage clears the skip flag.", {E}),
    ("`is_skipped` becomes false when the service is put into another stage.", {E}),
    ("True skips the service, false un-skips it.", {T, F}),
    (
        "True marks the service as skipped, while false or no body takes the skip off: it takes part in deployments.",
        {T, F},
    ),
    ("When true the service is skipped, otherwise it is un-skipped.", {T, F}),
    ("With true it’s left out of deployments and not un-skipped by later ones.", {T}),
]
TURNED = [
    ("Set `is_skipped: true` to un-skip the service where it is.", T),
    ("Set `is_skipped: false` to skip the service.", F),
    ("If true, the service takes part in bulk deployments.", T),
    ("If true, the service is not skipped.", T),
    ("If true, the service is no longer excluded from deployments.", T),
    ("If false or omitted, the service is skipped.", F),
    ("If false or omitted, the service stays skipped.", F),
    ("When omitted, the service is left out of deployments.", F),
    ("Moving to a different stage skips the service.", E),
    ("Moving to a different stage automatically skips it (sets `is_skipped: false`).", E),
    ("Moving to a different stage automatically un-skips it (sets `is_skipped: true`).", E),
    ("Moving to a different stage never un-skips the service.", E),
    ("A move to another stage keeps the flag.", E),
    ("A skipped service remains skipped in another stage.", E),
    ("`is_skipped` becomes true when the service is put into another stage.", E),
    ("True un-skips the service, false skips it.", T),
    ("True un-skips the service, false skips it.", F),
    ("When true the service is un-skipped, otherwise it is skipped.", F),
    ("When true or omitted, the service is un-skipped.", T),
    ("True, like an absent property, leaves the service out of deployments.", F),
]
SILENT = [
    "With `is_skipped` true, addressed to a different stage, the service is moved and skipped.",
    "True to another stage moves the service and un-skips it.",
    "Moves the service to the specified deployment stage.",
    "True to a different stage skips the service, or does not: that is open.",
    "Set is_skipped to true or false.",
    "Skips a service, or un-skips it.",
    "",
    "   \n\n * \n",
    "İs true İ",
]


@pytest.mark.parametrize(("text", "conditions"), KEPT)
def test_what_keeps_the_contract_says_so(text: str, conditions: set[Condition]) -> None:
    found = [one for one in segments(text) if one.condition in EXPECTED]
    assert {one.condition for one in found if one.says(skips=EXPECTED[one.condition])} == conditions
    assert not [one.text for one in found if one.against(skips=EXPECTED[one.condition])]


@pytest.mark.parametrize(("text", "condition"), TURNED)
def test_what_is_turned_round_is_seen(text: str, condition: Condition) -> None:
    (found,) = [one for one in segments(text) if one.condition is condition and one.effects]
    wrong = found.against(skips=EXPECTED[condition])
    assert wrong is not None
    assert found.text[wrong.at : wrong.at + 1].isalpha()


@pytest.mark.parametrize("text", SILENT)
def test_what_is_not_understood_says_nothing(text: str) -> None:
    assert not [one.text for one in segments(text) if one.condition in EXPECTED and one.effects]


def test_what_a_skipped_service_is_said_to_do() -> None:
    (found,) = segments("A skipped service takes part in deployments.")
    assert found.condition is Condition.SKIPPED
    assert found.against(skips=True) is not None
    (found,) = segments("Once the skip has ended, the service takes part in deployments.")
    assert found.condition is Condition.OTHER


def test_places_are_those_of_the_text() -> None:
    text = "Nothing here.\n\n* Moving to a different stage `skips` the service; true un-skips it."
    first, second = (one for one in segments(text) if one.effects)
    for one, word in ((first, "skips"), (second, "un-skips")):
        (effect,) = one.effects
        at = one.at + effect.at
        assert text[at:].startswith(word)


def test_a_text_of_megabytes_is_read_in_part() -> None:
    assert sum(1 for _ in segments("True skips. " * 200_000)) < 2_000
    assert list(segments("left " * 10_000))
    assert list(segments("(" * 50_000))
