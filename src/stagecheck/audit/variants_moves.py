"""Targets that keep the contract in their own way: the suite must say nothing against any of them.

Each is a freedom that CONTRACT.md leaves, or that HTTP and JSON leave. They are the counterpart of the defects: a
suite that finds everything by calling everything wrong is of no use.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from stagecheck.audit import conforming as own_way
from stagecheck.audit.variant import vary
from stagecheck.mock.scenario import Scenario, embedded, scenario, stable_id
from stagecheck.model.state import Reading
from stagecheck.operations import OperationKey
from stagecheck.suite.plan import Plan, Things
from stagecheck.target.credentials import Credentials

# ---------------------------------------------------------------------- scenarios and configs

Layout = dict[str, tuple[tuple[str, str, bool], ...]]
_BESIDE: Layout = {"SECOND FIRST": (("second-api", "APPLICATION", False),), "SECOND LAST": ()}
_ALONE: Layout = {"SECOND ONLY": (("second-api", "APPLICATION", True),)}
_FOREIGN: Layout = {"FOREIGN FIRST": (("foreign-api", "APPLICATION", False),), "FOREIGN LAST": ()}
_TYPES = ("APPLICATION", "CONTAINER", "DATABASE", "JOB", "HELM", "TERRAFORM")


def _world(main: Layout, second: Layout | None = None, reading: Reading = Reading.MOVE_AND_SKIP) -> Scenario:
    return scenario({"main": main, "second": second or _BESIDE, "foreign": _FOREIGN}, reading)


def _many() -> Scenario:
    """30 stages and 200 services, every seventh skipped."""
    stages: Layout = {
        f"STAGE {at:02d}": tuple(
            (f"service {number}", _TYPES[number % 6], number % 7 == 0) for number in range(at, 200, 30)
        )
        for at in range(30)
    }
    return _world(stages)


def _empty_stages() -> Scenario:
    return _world({"A": (), "B": (("one", "JOB", False), ("two", "HELM", False)), "C": (), "D": (), "E": ()})


def _smallest() -> Scenario:
    return _world({"A": (("one", "APPLICATION", False),), "B": ()})


def _crowd() -> Scenario:
    members = tuple((f"service {number}", _TYPES[number % 6], number % 2 == 0) for number in range(9))
    return _world({"CROWD": members, "EMPTY": (), "ALSO EMPTY": ()})


def _flags_beforehand() -> Scenario:
    """Skipped services in every stage, and in those that no run addresses."""
    return _world(
        {
            "A": (("mine", "APPLICATION", True), ("theirs", "JOB", True)),
            "B": (("b", "JOB", True), ("b2", "HELM", False)),
            "C": (("c", "DATABASE", True),),
            "D": (("d", "DATABASE", True), ("d2", "CONTAINER", False)),
        }
    )


def _strange_names() -> Scenario:
    """Names that are equal, empty or of any script; orders with gaps, from below zero; types nobody published."""
    made = _world({"Émile ☃": (("x", "terraform/v2", False),), "b": (("y", "", True),), "c": (("z", "JOB", False),)})
    names = {"Émile ☃": (-3, "Émile ☃", ""), "b": (0, "same", "same"), "c": (40, "same", "same")}
    stages = dict(made.world.stages)
    for key, (order, name, description) in names.items():
        stages[stable_id(key)] = replace(stages[stable_id(key)], order=order, name=name, description=description)
    return replace(made, world=replace(made.world, stages=stages))


def _two_stages_one_service(plan: Plan, credentials: Credentials) -> tuple[Plan, Credentials]:
    return replace(plan, stages=plan.stages[:2], services=plan.services[:1]), credentials


def _last_two_stages(plan: Plan, credentials: Credentials) -> tuple[Plan, Credentials]:
    return replace(plan, stages=plan.stages[-2:], services=plan.services[-2:]), credentials


def _environment_alone(plan: Plan, credentials: Credentials) -> tuple[Plan, Credentials]:
    bare = replace(plan, stages=(), services=(), second=Things(), foreign=Things())
    return bare, Credentials(token=credentials.token)


def _stages_and_services_alone(plan: Plan, credentials: Credentials) -> tuple[Plan, Credentials]:
    bare = replace(plan, environment=None, second=Things(), foreign=Things())
    return bare, Credentials(token=credentials.token)


def _jwt_alone(plan: Plan, credentials: Credentials) -> tuple[Plan, Credentials]:
    return plan, replace(credentials, token=None)


# ---------------------------------------------------------------------- the variants

vary("plain", "The embedded target as it is.")
for _reading in Reading:
    vary(
        f"reading-{_reading.value}",
        f"True to another stage follows the reading {_reading.value}.",
        scenario=partial(embedded, _reading),
    )
    vary(
        f"put-only-{_reading.value}",
        f"Only the PUT is offered, and it follows the reading {_reading.value}.",
        own_way.Offers,
        partial(embedded, _reading),
    )
vary(
    "move-unskips-repeats-kept",
    "Under move-unskips, a repeated true is a repeat and not a skip in place.",
    own_way.KeepsOnRepeat,
    partial(embedded, Reading.MOVE_UNSKIPS),
)
for _read in (OperationKey.LIST, OperationKey.GET_STAGE, OperationKey.GET_SERVICE_STAGE):
    vary(f"{_read.value}-only", f"The PUT and {_read.value} are offered.", partial(own_way.Offers, reads=(_read,)))

vary(
    "minimal-answers",
    "Answers hold the required properties, services and service_id; a false flag is left out.",
    partial(
        own_way.Dressed,
        stage=own_way.only("id", "created_at", "environment", "services"),
        entry=own_way.only("id", "created_at", "service_id", "is_skipped"),
    ),
)
vary(
    "required-properties-alone",
    "Answers hold the required properties and services: nothing says whose entry it is.",
    partial(
        own_way.Dressed,
        stage=own_way.only("id", "created_at", "environment", "services"),
        entry=own_way.only("id", "created_at", "is_skipped"),
    ),
)
vary(
    "extra-properties",
    "Stages and entries carry properties that are not published.",
    partial(own_way.Dressed, stage=own_way.with_extras, entry=own_way.with_extras),
)
vary(
    "empty-services-left-out",
    "A stage without services has no property services.",
    partial(own_way.Dressed, stage=own_way.without_empty_services),
)
vary(
    "no-dates-of-update",
    "Nothing shows updated_at, a description or a service_type.",
    partial(
        own_way.Dressed,
        stage=own_way.without("updated_at", "description"),
        entry=own_way.without("updated_at", "service_type"),
    ),
)
vary(
    "ids-in-capitals",
    "UUIDs are written in capitals.",
    partial(own_way.Dressed, stage=own_way.in_capitals, entry=own_way.in_capitals),
)
vary(
    "dates-with-offsets",
    "Dates carry microseconds and an offset.",
    partial(own_way.Dressed, stage=own_way.with_offsets, entry=own_way.with_offsets),
)
vary("another-order", "Stages and services stand backwards.", own_way.Backwards)
vary("any-order", "Stages and services stand in another order in every answer.", own_way.Shuffles)
vary("new-entries", "Every PUT makes a new entry, with another id and new dates.", own_way.NewEntries)
vary("kept-entries", "An entry keeps its id and created_at in every move.", own_way.KeptEntries)
vary("stages-updated", "Every write updates every stage.", own_way.UpdatesStages)
vary("charset", "The content type of answers carries a charset and is spelled in capitals.", own_way.SaysCharset)
vary("slow", "Every answer takes a few milliseconds.", own_way.Slow)

vary(
    "forbidden-throughout",
    "403 stands in place of 401 and 404.",
    partial(own_way.Refuses, refusal=own_way.as_forbidden),
)
vary("problem-json", "Refusals are problem+json.", partial(own_way.Refuses, refusal=own_way.as_problem))
vary("html-refusals", "Refusals are pages for people.", partial(own_way.Refuses, refusal=own_way.as_html))
vary("no-refusal-bodies", "Refusals have no body.", partial(own_way.Refuses, refusal=own_way.without_body))
vary("credentials-last", "The body, the ids and the method are checked before the credential.", own_way.ChecksBackwards)
vary("methods-not-found", "Other methods are answered 404.", own_way.NoSuchMethod)

vary(
    "lenient-flags",
    'The flag "true" is read as true, null as absent.',
    partial(own_way.Chooses, preferred="read as true"),
)
vary("strict-flags", 'The flags "true", "false" and null are refused.', partial(own_way.Chooses, preferred="refused"))
vary(
    "null-leaves-the-flag",
    "The flag null leaves the flag as it was.",
    partial(own_way.Chooses, preferred="leaves the flag as it was"),
)
vary("content-type-ignored", "A body is read as JSON under any content type.", own_way.ReadsAnyMedia)
vary(
    "other-bodies-passed-over",
    "A body under another content type is taken for none.",
    partial(own_way.Chooses, preferred="passed over"),
)

vary(
    "one-stage-beside",
    "The other environment has a single stage.",
    scenario=lambda: _world(
        {"A": (("one", "JOB", False), ("two", "HELM", True)), "B": (), "C": (("three", "JOB", False),)}, _ALONE
    ),
)
vary("empty-stages", "Most stages are empty.", scenario=_empty_stages)
vary("smallest", "Two stages and one service.", scenario=_smallest)
vary("smallest-put-only", "Two stages, one service, and only the PUT.", own_way.Offers, _smallest)
vary("crowd", "All services stand in one stage.", scenario=_crowd)
vary("many", "30 stages and 200 services.", scenario=_many)
vary("strange-names", "Names are equal or of any script, orders have gaps, types are made up.", scenario=_strange_names)
vary(
    "flags-beforehand",
    "Services of stages that nobody addresses are skipped beforehand.",
    scenario=_flags_beforehand,
    configured=_two_stages_one_service,
)
vary(
    "flags-beforehand-put-only",
    "Services of stages that nobody addresses are skipped beforehand, and only the PUT is offered.",
    own_way.Offers,
    _flags_beforehand,
    _last_two_stages,
)
vary("environment-alone", "The config gives an environment and a token.", configured=_environment_alone)
vary("stages-alone", "The config gives stages, services and a token.", configured=_stages_and_services_alone)
vary(
    "stages-alone-put-only",
    "The config gives stages, services and a token, and only the PUT is offered.",
    own_way.Offers,
    configured=_stages_and_services_alone,
)
vary("jwt-alone", "The config gives a JWT and no token.", configured=_jwt_alone)
