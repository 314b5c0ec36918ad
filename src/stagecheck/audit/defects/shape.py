"""Defects of the answer's form: the schema (SHAPE-1), the content type (SHAPE-2), which stages are listed (SHAPE-3)."""

# ruff: noqa: ARG002  # a hook has one signature, whatever an override makes of it

from __future__ import annotations

import json
from typing import Any

from stagecheck.audit.defect import seeded
from stagecheck.audit.defects.wrong import Misplaces
from stagecheck.mock.app import Answer, Call, Mock
from stagecheck.mock.scenario import Scenario
from stagecheck.model.requests import Attach, Form, ReadList, ReadService, ReadStage, Request
from stagecheck.model.state import World
from stagecheck.model.step import Accepted, Outcome

# ---------------------------------------------------------------------- the published schema, SHAPE-1


@seeded("stage-without-environment", "SHAPE-1", "Stages are rendered without their environment.")
class _StageWithoutEnvironment(Mock):
    def stage(self, stage_id: str) -> dict[str, Any]:
        shown = super().stage(stage_id)
        del shown["environment"]
        return shown


@seeded("environment-as-id", "SHAPE-1", "The environment of a stage is its bare id instead of an object.")
class _EnvironmentAsId(Mock):
    def stage(self, stage_id: str) -> dict[str, Any]:
        shown = super().stage(stage_id)
        return {**shown, "environment": shown["environment"]["id"]}


@seeded("flag-as-text", "SHAPE-1", "is_skipped is rendered as the text true or false.", accepts=("MOVE-4", "SKIP-1"))
class _FlagAsText(Mock):
    def entry(self, service_id: str) -> dict[str, Any]:
        entry = super().entry(service_id)
        return {**entry, "is_skipped": str(entry["is_skipped"]).lower()}


@seeded("flag-null-when-never-set", "SHAPE-1", "is_skipped is null while a service was never skipped.")
class _FlagNullWhenNeverSet(Misplaces):
    def entry(self, service_id: str) -> dict[str, Any]:
        entry = super().entry(service_id)
        known = entry["is_skipped"] or any(p.service == service_id and p.form is Form.TRUE for p in self.past)
        return entry if known else {**entry, "is_skipped": None}


@seeded("order-as-text", "SHAPE-1", "deployment_order is rendered as a text.")
class _OrderAsText(Mock):
    def stage(self, stage_id: str) -> dict[str, Any]:
        shown = super().stage(stage_id)
        return {**shown, "deployment_order": str(shown["deployment_order"])}


@seeded("dates-as-numbers", "SHAPE-1", "The created_at of a new entry is seconds since 1970.")
class _DatesAsNumbers(Misplaces):
    def entry(self, service_id: str) -> dict[str, Any]:
        entry = super().entry(service_id)
        return {**entry, "created_at": 1704067200} if self.addressed(service_id) else entry


@seeded("dates-without-zone", "SHAPE-1", "Dates are rendered without an offset, with a blank between day and time.")
class _DatesWithoutZone(Mock):
    def entry(self, service_id: str) -> dict[str, Any]:
        entry = super().entry(service_id)
        return {**entry, "updated_at": entry["updated_at"].replace("T", " ").rstrip("Z")}


@seeded("entry-ids-are-numbers", "SHAPE-1", "The id of an entry is its row number.")
class _EntryIdsAreNumbers(Mock):
    def entry(self, service_id: str) -> dict[str, Any]:
        return {**super().entry(service_id), "id": 1 + list(self.world.placements).index(service_id)}


@seeded("entry-ids-are-slugs", "SHAPE-1", "The id of an entry that was moved is a text that is no UUID.")
class _EntryIdsAreSlugs(Misplaces):
    def entry(self, service_id: str) -> dict[str, Any]:
        entry = super().entry(service_id)
        return {**entry, "id": f"attachment-{entry['id'][:8]}"} if self.addressed(service_id) else entry


@seeded("skipped-entry-without-dates", "SHAPE-1", "A skipped service is rendered without created_at.")
class _SkippedEntryWithoutDates(Mock):
    def entry(self, service_id: str) -> dict[str, Any]:
        entry = super().entry(service_id)
        if entry["is_skipped"]:
            del entry["created_at"]
        return entry


@seeded("empty-services-null", "SHAPE-1", "A stage without services shows services null instead of an empty array.")
class _EmptyServicesNull(Mock):
    def stage(self, stage_id: str) -> dict[str, Any]:
        shown = super().stage(stage_id)
        return {**shown, "services": shown["services"] or None}


@seeded("services-by-id", "SHAPE-1", "services is an object from id to entry instead of an array.")
class _ServicesById(Mock):
    def stage(self, stage_id: str) -> dict[str, Any]:
        shown = super().stage(stage_id)
        return {**shown, "services": {entry["service_id"]: entry for entry in shown["services"]}}


@seeded("bare-array", "SHAPE-1", "The answer to the PUT is the bare array of stages, without results.")
class _BareArray(Mock):
    def accepted(self, request: Request, answer: Accepted) -> Answer:
        right = super().accepted(request, answer)
        return Answer(200, right.payload["results"]) if isinstance(request, Attach) else right


@seeded(
    "answers-one-stage",
    "SHAPE-1",
    "The answer to the PUT is the addressed stage alone, not the list.",
    accepts=("SHAPE-3",),
)
class _AnswersOneStage(Mock):
    def accepted(self, request: Request, answer: Accepted) -> Answer:
        right = super().accepted(request, answer)
        return Answer(200, self.stage(request.stage)) if isinstance(request, Attach) else right


@seeded("service-read-is-a-list", "SHAPE-1", "The stage of a service is wrapped into results.")
class _ServiceReadIsAList(Mock):
    def accepted(self, request: Request, answer: Accepted) -> Answer:
        right = super().accepted(request, answer)
        return Answer(200, {"results": [right.payload]}) if isinstance(request, ReadService) else right


@seeded(
    "nothing-changed-is-204",
    "SHAPE-1",
    "A request that changes nothing is answered 204 without a body.",
    accepts=("STATE-4",),
)
class _NothingChangedIs204(Mock):
    def answer(self, call: Call, request: Request, outcome: Outcome) -> Answer:
        same = outcome.world == self.world
        right = super().answer(call, request, outcome)
        return Answer(204) if same and isinstance(request, Attach) and right.status == 200 else right


@seeded("skip-answers-201", "SHAPE-1", "A skip is answered 201.")
class _SkipAnswers201(Mock):
    def accepted(self, request: Request, answer: Accepted) -> Answer:
        right = super().accepted(request, answer)
        if isinstance(request, Attach) and request.form is Form.TRUE:
            right.status = 201
        return right


@seeded("answer-cut-short", "SHAPE-1", "The answer is cut after 2048 bytes.")
class _AnswerCutShort(Mock):
    def accepted(self, request: Request, answer: Accepted) -> Answer:
        right = super().accepted(request, answer)
        return Answer(200, raw=json.dumps(right.payload).encode()[:2048]) if isinstance(request, Attach) else right


# ---------------------------------------------------------------------- the content type, SHAPE-2


@seeded("json-as-plain-text", "SHAPE-2", "The answer to the PUT says text/plain.")
class _JsonAsPlainText(Mock):
    def accepted(self, request: Request, answer: Accepted) -> Answer:
        right = super().accepted(request, answer)
        if isinstance(request, Attach):
            right.headers["content-type"] = "text/plain; charset=utf-8"
        return right


@seeded("stage-read-as-html", "SHAPE-2", "Reading one stage is answered as text/html, though it is JSON.")
class _StageReadAsHtml(Mock):
    def accepted(self, request: Request, answer: Accepted) -> Answer:
        right = super().accepted(request, answer)
        if isinstance(request, ReadStage):
            right.headers["content-type"] = "text/html"
        return right


@seeded(
    "content-type-echoed", "SHAPE-2", "The answer has the content type of the request, and octets where that has none."
)
class _ContentTypeEchoed(Mock):
    def answer(self, call: Call, request: Request, outcome: Outcome) -> Answer:
        right = super().answer(call, request, outcome)
        if isinstance(request, Attach) and right.status == 200:
            right.headers["content-type"] = call.headers.get("content-type", "application/octet-stream")
        return right


# ---------------------------------------------------------------------- every stage of the environment, SHAPE-3


class _ListsSome(Misplaces):
    """The answer to the PUT lists the stages that `listed` keeps; the list itself is right."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.before = self.world

    def commit(self, request: Attach, world: World) -> None:
        self.before = self.world
        super().commit(request, world)

    def accepted(self, request: Request, answer: Accepted) -> Answer:
        right = super().accepted(request, answer)
        if not isinstance(request, Attach):
            return right
        return Answer(200, {"results": [stage for stage in right.payload["results"] if self.listed(request, stage)]})

    def listed(self, request: Attach, stage: dict[str, Any]) -> bool:
        """Whether the answer lists the stage."""
        return True


@seeded("third-stage-left-out", "SHAPE-3", "The answer lists the old stage and the new one, and forgets a third.")
class _ThirdStageLeftOut(_ListsSome):
    def listed(self, request: Attach, stage: dict[str, Any]) -> bool:
        return stage["id"] in (request.stage, self.before.placements[request.service].stage)


@seeded("empty-stages-left-out", "SHAPE-3", "The answer leaves out the stages without services.")
class _EmptyStagesLeftOut(_ListsSome):
    def listed(self, request: Attach, stage: dict[str, Any]) -> bool:
        return bool(stage["services"])


@seeded(
    "addressed-stage-left-out-when-skipped",
    "SHAPE-3",
    "A stage all of whose services are skipped is left out of the answer.",
)
class _AddressedStageLeftOutWhenSkipped(_ListsSome):
    def listed(self, request: Attach, stage: dict[str, Any]) -> bool:
        return not stage["services"] or not all(entry["is_skipped"] for entry in stage["services"])


@seeded("answer-is-paged", "SHAPE-3", "The answer ends after a page of three stages.")
class _AnswerIsPaged(_ListsSome):
    def listed(self, request: Attach, stage: dict[str, Any]) -> bool:
        return stage["id"] in self.sisters(stage["id"])[:3]


@seeded(
    "repeat-lists-nothing",
    "SHAPE-3",
    "The answer lists what has changed, so a repeated request is answered with no stage.",
    accepts=("STATE-4",),
)
class _RepeatListsNothing(_ListsSome):
    def listed(self, request: Attach, stage: dict[str, Any]) -> bool:
        return self.before.placements != self.world.placements


@seeded("old-stage-left-out", "SHAPE-3", "After a move without a body the answer leaves out the stage that was left.")
class _OldStageLeftOut(_ListsSome):
    def listed(self, request: Attach, stage: dict[str, Any]) -> bool:
        was = self.before.placements[request.service].stage
        return request.form is not Form.ABSENT or stage["id"] != was or was == request.stage


@seeded(
    "stages-of-all-environments", "SHAPE-3", "The answer lists the stages of every environment of the organization."
)
class _StagesOfAllEnvironments(Mock):
    def accepted(self, request: Request, answer: Accepted) -> Answer:
        right = super().accepted(request, answer)
        if not isinstance(request, Attach):
            return right
        second = self.listing(self.scenario.second_environment or "")["results"]
        return Answer(200, {"results": [*right.payload["results"], *second]})


@seeded(
    "list-read-is-paged",
    "STATE-5",
    "The list ends after a page of three stages, though the answers to the PUT are complete.",
    accepts=("SHAPE-3", "STATE-3"),
)
class _ListReadIsPaged(Mock):
    def accepted(self, request: Request, answer: Accepted) -> Answer:
        right = super().accepted(request, answer)
        return Answer(200, {"results": right.payload["results"][:3]}) if isinstance(request, ReadList) else right
