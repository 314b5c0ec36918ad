"""`stagecheck compare`, the real command line against mocks on a socket: what is compared, said, and left behind."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from front.samples import Called
from kit.serving import config_for, serving
from kit.thinned import thinned
from stagecheck.audit.conforming_stages import Lacks
from stagecheck.audit.defect import DEFECTS
from stagecheck.embedded import embedded_credentials
from stagecheck.mock.app import Answer, Call, Mock
from stagecheck.mock.scenario import Scenario, embedded, scenario
from stagecheck.model.requests import DeleteStage, EditStage, MoveStage
from stagecheck.model.state import Reading

pytestmark = pytest.mark.long

CallLine = Callable[..., Called]
OWN = embedded_credentials()
_LAYOUT: dict[str, dict[str, tuple[tuple[str, str, bool], ...]]] = {
    "main": {
        "X": (("x1", "APPLICATION", True), ("x2", "JOB", False)),
        "Y": (("y1", "DATABASE", False),),
        "Z": (("z1", "JOB", True), ("z2", "JOB", False)),
        "W": (),
    },
    "second": {"X2": (("x3", "JOB", False),)},
    "foreign": {"X4": (("x5", "JOB", False),)},
}
_QUICK = ("--profile", "quick")


def elsewhere_in(reading: Reading = Reading.MOVE_AND_SKIP) -> Scenario:
    """Another environment, with other names, placements and ids, of the same size."""
    return scenario(_LAYOUT, reading)


def untouched(mock: Mock) -> bool:
    """Whether all stages and services are as they were at first."""
    world, first = mock.world, mock.scenario.world
    there = {key: (stage.name, stage.description, stage.environment) for key, stage in world.stages.items()}
    was = {key: (stage.name, stage.description, stage.environment) for key, stage in first.stages.items()}
    return there == was and dict(world.placements) == dict(first.placements)


@contextmanager
def configs(*mocks: Mock) -> Iterator[list[Path]]:
    """A stagecheck.toml for each of the mocks, which are served."""
    with ExitStack() as stack:
        places = []
        for number, mock in enumerate(mocks):
            directory = Path.cwd() / f"target-{number}"
            directory.mkdir(exist_ok=True)
            places.append(config_for(mock, stack.enter_context(serving(mock)), directory))
        yield places


def without(place: Path, *tables: str, **changed: str) -> Path:
    """The config without some tables, and with lines added to others."""
    text = place.read_text()
    kept = [table for table in re.split(r"\n(?=\[)", text) if not table.startswith(tuple(f"[{t}]" for t in tables))]
    more = ["".join(f"\n{changed[key]}\n" for key in changed if table.startswith(f"[{key}]")) for table in kept]
    place.write_text("\n".join(table + added for table, added in zip(kept, more, strict=True)))
    return place


def told(called: Called) -> dict[str, Any]:
    """What --json prints."""
    shown: dict[str, Any] = json.loads(called.out)
    return shown


# ---------------------------------------------------------------------- two targets


def test_two_configs_of_equal_targets_are_the_same_and_both_are_put_back(call: CallLine) -> None:
    one, other = Mock(embedded()), Mock(elsewhere_in())
    with configs(one, other) as places:
        called = call("compare", *places, *_QUICK)
    assert (called.code, called.err) == (0, "")
    assert re.match(r"the same: \d{3} requests, no difference\n  A: http://127\.0\.0\.1:\d+\n  B: ", called.out)
    assert untouched(one)
    assert untouched(other)
    assert one.tick > 50, "nothing was moved: so nothing could have been left moved"
    assert other.tick > 50


def test_a_defect_is_told_with_what_each_shows_and_both_are_put_back(call: CallLine) -> None:
    one, other = Mock(embedded()), DEFECTS["move-keeps-the-row"].mock(embedded())
    with configs(one, other) as places:
        called = call("compare", *places, *_QUICK, "--json")
        plain = call("compare", *places, *_QUICK)
    shown = told(called)
    assert (called.code, plain.code, shown["same"], shown["broken_off"]) == (1, 1, False, None)
    found = next(d for d in shown["differences"] if d["requirement"] == "MOVE-4")
    assert found["breaks"] == ["B"]
    flags = [values for fact, values in found["facts"].items() if "is_skipped" in fact]
    assert {"A": "false", "B": "true"} in flags
    assert set(found["curl"]) == {"A", "B"}
    assert all(line.startswith("curl -sS") for lines in found["curl"].values() for line in lines)
    assert shown["targets"]["A"] in found["curl"]["A"][-1]
    assert shown["targets"]["B"] in found["curl"]["B"][-1]
    assert plain.out.startswith("different: ")
    assert "MOVE-4 (broken by B): " in plain.out
    assert untouched(one)
    assert untouched(other)


def test_urls_take_the_rest_of_their_config_from_the_option(call: CallLine) -> None:
    one, other = Mock(embedded()), DEFECTS["move-keeps-the-row"].mock(embedded())
    with configs(one, other) as places:
        urls = [re.search(r'url = "(.*)"', place.read_text()) for place in places]
        first, second = (str(url.group(1)) for url in urls if url)
        differ = call("compare", first, second, "--config", places[0], *_QUICK, "--json")
        mixed = call("compare", places[0], second, "--config", places[0], *_QUICK, "--json")
        one_and_the_same = call("compare", places[0], first, "--config", places[1], *_QUICK)
    assert (differ.code, told(differ)["targets"]) == (1, {"A": first, "B": second})
    # What the first left behind, an order of entries say, may cost the second a request more or less.
    assert (mixed.code, {**told(mixed), "asked": 0}) == (1, {**told(differ), "asked": 0})
    assert one_and_the_same.code == 2
    assert one_and_the_same.error.startswith(f"A and B are both {first}, with the same stages: give two targets")
    assert untouched(one)
    assert untouched(other)


def test_the_embedded_target_may_be_either_of_them(call: CallLine) -> None:
    assert call("compare", "embedded", "embedded", *_QUICK).code == 0
    mock = DEFECTS["move-keeps-the-row"].mock(embedded())
    with configs(mock) as places:
        for targets in (("embedded", places[0]), (places[0], "embedded")):
            called = call("compare", *targets, *_QUICK, "--json")
            assert called.code == 1
            broken = {tuple(d["breaks"]) for d in told(called)["differences"] if d["requirement"] == "MOVE-4"}
            assert broken == {("B" if targets[0] == "embedded" else "A",)}
    assert untouched(mock)


@pytest.mark.parametrize("reading", thinned([Reading.SKIP_IN_PLACE, Reading.REFUSE, Reading.MOVE_UNSKIPS], every=3))
def test_what_the_contract_leaves_open_is_a_difference_that_nobody_breaks(reading: str, call: CallLine) -> None:
    one, other = Mock(elsewhere_in()), Mock(elsewhere_in(Reading(reading)))
    with configs(one, other) as places:
        called = call("compare", *places, *_QUICK, "--json")
        broken_only = call("compare", *places, *_QUICK, "--broken-only", "--json")
        plain = call("compare", *places, *_QUICK)
    shown = told(called)
    assert called.code == 1
    assert {difference["requirement"] for difference in shown["differences"]} >= {"SKIP-2"}
    assert {tuple(difference["breaks"]) for difference in shown["differences"]} == {()}
    assert (broken_only.code, told(broken_only)["differences"]) == (0, [])
    assert "(left open by the contract)" in plain.out
    assert untouched(other)


# ---------------------------------------------------------------------- what one of them lacks


def test_credentials_and_things_that_one_config_lacks_are_named_and_are_no_difference(call: CallLine) -> None:
    one, other = Mock(embedded()), Mock(embedded())
    with configs(one, other) as places:
        without(places[1], "second", "foreign", "auth", target=f'\n[auth]\ntoken = "{OWN.token}"')
        called = call("compare", *places, *_QUICK, "--json")
    shown = told(called)
    assert (called.code, shown["differences"]) == (0, [])
    lacking = {note for note in shown["notes"] if note.startswith("B has no ")}
    assert any("[auth] jwt" in note for note in lacking)
    assert any("[auth] foreign_token" in note for note in lacking)
    assert any("[second]" in note for note in lacking)
    assert all(note.endswith("what needs it was not compared") for note in lacking)
    assert len(lacking) == len(shown["notes"]), shown["notes"]


@pytest.mark.parametrize("name", ["A", "B"])
def test_an_operation_that_one_does_not_offer_is_named_once(name: str, call: CallLine) -> None:
    less = Lacks(embedded(), (EditStage, MoveStage), 404)
    both = (less, Mock(embedded())) if name == "A" else (Mock(embedded()), less)
    with configs(*both) as places:
        called = call("compare", *places, *_QUICK, "--json")
    shown = told(called)
    assert (called.code, shown["differences"]) == (0, [])
    assert [note for note in shown["notes"] if "edit" in note] == [f"{name} does not offer edit"]
    assert f"{name} does not offer move-before" in shown["notes"]
    assert all(map(untouched, both))


def test_where_nothing_is_deleted_nothing_is_made(call: CallLine) -> None:
    """More than a few stages that stay would be too many, whichever of the two keeps them."""
    one, other = Mock(embedded()), Lacks(embedded(), (DeleteStage,), 405)
    with configs(one, other) as places:
        called = call("compare", *places, *_QUICK, "--json")
    notes = told(called)["notes"]
    assert "B does not offer delete" in notes
    left = set(other.world.stages) - set(other.scenario.world.stages)
    assert 0 < len(left) < 4
    assert sum("could not be deleted; to do it: curl" in note for note in notes) == len(left)
    assert untouched(one)


def test_stages_are_managed_only_where_both_configs_allow_it(call: CallLine) -> None:
    class Told(Mock):
        """Takes note of what would manage a stage."""

        asked: list[object]

        def understand_management(self, call: Call, segments: list[str], who: str) -> Any:
            """Noted."""
            found = super().understand_management(call, segments, who)
            self.asked = [*getattr(self, "asked", []), found] if found is not None else getattr(self, "asked", [])
            return found

    one, other = Told(embedded()), Told(embedded())
    with configs(one, other) as places:
        places[1].write_text(places[1].read_text().replace("# manage_stages = true", "manage_stages = false #"))
        called = call("compare", *places, *_QUICK, "--json")
    shown = told(called)
    assert called.code == 0
    assert [note for note in shown["notes"] if "manage_stages" in note] == [
        "B has no leave to manage stages ([target] manage_stages is false): what needs it was not compared"
    ]
    assert (getattr(one, "asked", []), getattr(other, "asked", [])) == ([], [])


def test_targets_of_another_size_are_compared_in_what_both_have(call: CallLine) -> None:
    small: dict[str, dict[str, tuple[tuple[str, str, bool], ...]]] = {
        **_LAYOUT,
        "main": {"X": (("x1", "APPLICATION", False),), "Y": (("y1", "JOB", False),)},
    }
    one, other = Mock(scenario(small, Reading.MOVE_AND_SKIP)), Mock(embedded())
    with configs(one, other) as places:
        called = call("compare", *places, *_QUICK, "--json")
    assert (called.code, told(called)["differences"]) == (0, [])
    assert told(called)["asked"] > 50
    assert untouched(one)
    assert untouched(other)


# ---------------------------------------------------------------------- what ends it early


class Interrupts(Mock):
    """Somebody presses Ctrl-C after so many requests."""

    after = 60

    def handle(self, call: Call) -> Answer:
        """Answer, then send the signal."""
        answer = super().handle(call)
        self.after -= 1
        if self.after == 0:
            os.kill(os.getpid(), signal.SIGINT)
        return answer


@pytest.mark.parametrize("name", ["A", "B"])
def test_ctrl_c_puts_both_back_and_says_how_far_it_came(name: str, call: CallLine) -> None:
    both = (Interrupts(embedded()), Mock(embedded())) if name == "A" else (Mock(embedded()), Interrupts(embedded()))
    with configs(*both) as places:
        called = call("compare", *places, *_QUICK)
    assert called.code == 3
    assert called.out.startswith("not compared to the end: no difference in ")
    assert "note: interrupted: what came after request " in called.out
    assert all(map(untouched, both))


def test_a_budget_that_is_spent_is_said(call: CallLine) -> None:
    one, other = Mock(embedded()), Mock(embedded())
    with configs(one, other) as places:
        without(places[1], auth="\n[limits]\nrequests = 60")
        called = call("compare", *places, *_QUICK, "--json")
    assert called.code == 0
    said = r"the budget of 60 requests is spent: \d+ requests were not compared"
    assert any(re.match(said, note) for note in told(called)["notes"])
    assert untouched(one)
    assert untouched(other)


def test_a_target_that_is_not_there_is_3_and_the_other_is_not_moved(call: CallLine) -> None:
    one, gone = Mock(embedded()), Mock(embedded())
    with configs(one, gone) as places:
        places[1].write_text(re.sub(r'url = ".*"', 'url = "http://127.0.0.1:9"', places[1].read_text()))
        called = call("compare", *places, *_QUICK)
    assert called.code == 3
    assert "cannot connect to http://127.0.0.1:9" in called.error
    assert one.tick == 0


# ---------------------------------------------------------------------- what cannot be asked for

_WRONG: Mapping[str, tuple[tuple[str, ...], str]] = {
    "one target": (("embedded",), "Missing argument 'B'"),
    "a URL alone": (
        ("http://127.0.0.1:1", "embedded"),
        "http://127.0.0.1:1 alone is not enough: give its ids and credentials with --config FILE",
    ),
    "no such file": (("embedded", "nowhere.toml"), "nowhere.toml"),
    "no TOML": (("broken.toml", "embedded"), "broken.toml"),
    "an unknown key": (("unknown.toml", "embedded"), "colour"),
    "a URL that is none": (("ftp://127.0.0.1", "embedded", "--config", "good.toml"), "ftp://127.0.0.1"),
    "an unknown profile": (("embedded", "embedded", "--profile", "slow"), "'slow' is not one of"),
    "a seed of words": (("embedded", "embedded", "--seed", "many"), "'many' is not a valid integer"),
    "elsewhere without leave": (("far.toml", "embedded"), "give --allow-writes if it may"),
}


@pytest.mark.parametrize("wrong", _WRONG)
def test_bad_input_is_one_line_and_2(wrong: str, call: CallLine) -> None:
    with configs(Mock(embedded())) as places:
        text = places[0].read_text()
    for name, content in {
        "good.toml": text,
        "broken.toml": "[target\n",
        "unknown.toml": text.replace("[target]", '[target]\ncolour = "red"'),
        "far.toml": re.sub(r'url = ".*"', 'url = "http://198.51.100.7"', text),
    }.items():
        Path(name).write_text(content)
    arguments, said = _WRONG[wrong]
    called = call("compare", *arguments)
    assert (called.code, called.out) == (2, "")
    assert said in called.error


class Echoes(Mock):
    """Says back the credential that it was given."""

    def handle(self, call: Call) -> Answer:
        """The name of each stage is the credential."""
        answer = super().handle(call)
        if isinstance(answer.payload, dict) and "results" in answer.payload:
            for stage in answer.payload["results"]:
                stage["name"] = call.headers.get("authorization", "none")
        return answer


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_no_secret_is_printed(options: tuple[str, ...], call: CallLine) -> None:
    with configs(Mock(embedded()), Echoes(embedded())) as places:
        called = call("compare", *places, *_QUICK, *options)
    assert called.code == 1
    assert "$STAGECHECK_TOKEN" in called.out
    for secret in (OWN.token, OWN.jwt, OWN.foreign_token):
        assert str(secret) not in called.out + called.err
