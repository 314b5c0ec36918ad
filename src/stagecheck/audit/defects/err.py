"""Defects of refusing: unknown and malformed ids (ERR-2, 3, 9), bad bodies (ERR-4, 5, 6), methods (ERR-7)."""

# ruff: noqa: ARG002  # a hook has one signature, whatever an override makes of it

from __future__ import annotations

import json
from dataclasses import replace

from stagecheck.audit.defect import seeded
from stagecheck.audit.defects.wrong import Misplaces, Waves, decoded
from stagecheck.mock.app import Answer, Call, Mock
from stagecheck.model.requests import OWN, Attach, Form, OtherMethod, ReadService, ReadStage, Request
from stagecheck.model.state import is_uuid
from stagecheck.model.step import Outcome, Refused

# ---------------------------------------------------------------------- unknown ids, ERR-2


class _Answers(Mock):
    """Refusals for the requirement `kind` are answered as `instead` says."""

    kind = ""

    def decide(self, request: Request) -> Outcome:
        right = super().decide(request)
        if isinstance(right.answer, Refused) and right.answer.requirement == self.kind:
            status = self.instead(request)
            return right if status is None else Outcome(self.world, Refused((), None, status))
        return right

    def instead(self, request: Request) -> int | None:
        """The status instead of the right one; None to leave it."""
        return None

    def refusal(self, refused: Refused) -> Answer:
        if refused.preferred == 200:
            return Answer(200, self.listing(self.scenario.environment))
        return super().refusal(refused)


@seeded("unknown-stage-is-ignored", "ERR-2", "A stage that does not exist is answered 200 with the stages as they are.")
class _UnknownStageIsIgnored(_Answers):
    kind = "ERR-2"

    def instead(self, request: Request) -> int | None:
        return 200 if isinstance(request, Attach) and request.service in self.world.services else None


@seeded("unknown-service-is-ignored", "ERR-2", "An UPDATE of no row is a success: an unknown service is answered 200.")
class _UnknownServiceIsIgnored(_Answers):
    kind = "ERR-2"

    def instead(self, request: Request) -> int | None:
        return 200 if isinstance(request, Attach) and request.stage in self.world.stages else None


@seeded("unknown-stage-is-a-bad-request", "ERR-2", "A stage that does not exist is answered 400.")
class _UnknownStageIsABadRequest(_Answers):
    kind = "ERR-2"

    def instead(self, request: Request) -> int | None:
        return 400 if isinstance(request, Attach) and request.stage not in self.world.stages else None


@seeded("unknown-stage-read-is-a-bad-request", "ERR-2", "Reading a stage that does not exist is answered 422.")
class _UnknownStageReadIsABadRequest(_Answers):
    kind = "ERR-2"

    def instead(self, request: Request) -> int | None:
        return 422 if isinstance(request, ReadStage) else None


@seeded("unknown-service-read-is-a-conflict", "ERR-2", "The stage of a service that does not exist is answered 409.")
class _UnknownServiceReadIsAConflict(_Answers):
    kind = "ERR-2"

    def instead(self, request: Request) -> int | None:
        return 409 if isinstance(request, ReadService) else None


@seeded(
    "unknown-stage-falls-back",
    "ERR-2",
    "A stage that does not exist falls back to the last stage of the service's environment.",
)
class _UnknownStageFallsBack(Waves):
    def waved(self, request: Request) -> Request:
        if not isinstance(request, Attach) or not is_uuid(request.stage) or request.stage in self.world.stages:
            return request
        here = self.world.placements.get(request.service)
        return request if here is None else replace(request, stage=self.sisters(here.stage)[-1])


# ---------------------------------------------------------------------- malformed ids, ERR-3


@seeded("ids-matched-by-prefix", "ERR-3", "Ids are looked up with LIKE, so an id that is cut short finds its thing.")
class _IdsMatchedByPrefix(Mock):
    def identifier(self, segment: str) -> str:
        right = super().identifier(segment)
        known = (*self.world.stages, *self.world.services)
        return next((key for key in known if len(right) > 17 and key.startswith(right)), right)


@seeded(
    "ids-cut-at-36", "ERR-3", "Ids are cut to 36 characters before they are looked up, so a longer one finds its thing."
)
class _IdsCutAt36(Mock):
    def identifier(self, segment: str) -> str:
        return super().identifier(segment)[:36]


@seeded(
    "malformed-stage-means-the-current-one",
    "ERR-3",
    "A stage id that is no UUID is read as none given: the service stays, 200.",
)
class _MalformedStageMeansTheCurrentOne(Waves):
    def waved(self, request: Request) -> Request:
        if not isinstance(request, Attach) or is_uuid(request.stage):
            return request
        here = self.world.placements.get(request.service)
        return request if here is None else replace(request, stage=here.stage)


@seeded("malformed-id-redirects", "ERR-3", "A service id that is no UUID is redirected to the documentation with 302.")
class _MalformedIdRedirects(_Answers):
    kind = "ERR-3"

    def instead(self, request: Request) -> int | None:
        return 302 if isinstance(request, Attach) and not is_uuid(request.service) else None


# ---------------------------------------------------------------------- bad bodies, ERR-4, ERR-5, ERR-6


class _Reads(Waves):
    """A body of the form `form` is taken for one of the form `taken_for`."""

    form = Form.MALFORMED
    taken_for = Form.ABSENT

    def waved(self, request: Request) -> Request:
        if isinstance(request, Attach) and request.form is self.form and not request.other_media:
            return replace(request, form=self.taken_for)
        return request


@seeded("flag-by-truth-value", "ERR-4", "Whatever is_skipped holds is taken by its truth value, as in if flag.")
class _FlagByTruthValue(Misplaces):
    def read_body(self, call: Call) -> tuple[Form, bool]:
        form, other_media = super().read_body(call)
        if form is not Form.WRONG_TYPE:
            return form, other_media
        return (Form.TRUE if decoded(call.body)["is_skipped"] else Form.FALSE), other_media


@seeded("numbers-are-flags", "ERR-4", "is_skipped 1 and 0 are taken for true and false.")
class _NumbersAreFlags(Misplaces):
    def read_body(self, call: Call) -> tuple[Form, bool]:
        form, other_media = super().read_body(call)
        if form is Form.WRONG_TYPE and decoded(call.body)["is_skipped"] in (0, 1):
            return (Form.TRUE if decoded(call.body)["is_skipped"] else Form.FALSE), other_media
        return form, other_media


@seeded("wrong-types-are-false", "ERR-4", "A flag of a wrong type is read as false.")
class _WrongTypesAreFalse(_Reads):
    form = Form.WRONG_TYPE
    taken_for = Form.FALSE


@seeded("arrays-are-true", "ERR-4", "A flag that is an array is read as true; other wrong types are refused.")
class _ArraysAreTrue(Misplaces):
    def read_body(self, call: Call) -> tuple[Form, bool]:
        form, other_media = super().read_body(call)
        wrong = form is Form.WRONG_TYPE and isinstance(decoded(call.body)["is_skipped"], list)
        return (Form.TRUE if wrong else form), other_media


@seeded(
    "malformed-json-is-no-body", "ERR-5", "A body that cannot be parsed is taken for none, and the service is moved."
)
class _MalformedJsonIsNoBody(_Reads):
    form = Form.MALFORMED
    taken_for = Form.ABSENT


@seeded(
    "flag-found-by-search",
    "ERR-5",
    "The flag is searched for in the text of the body, so broken JSON that names it is carried out.",
)
class _FlagFoundBySearch(Misplaces):
    def read_body(self, call: Call) -> tuple[Form, bool]:
        form, other_media = super().read_body(call)
        if form is Form.MALFORMED and b"is_skipped" in call.body:
            return (Form.TRUE if b"true" in call.body else Form.FALSE), other_media
        return form, other_media


@seeded(
    "truncated-json-is-mended", "ERR-5", "A lenient parser closes what is left open, so truncated JSON is carried out."
)
class _TruncatedJsonIsMended(Misplaces):
    def read_body(self, call: Call) -> tuple[Form, bool]:
        form, other_media = super().read_body(call)
        text = call.body.rstrip()
        truncated = form is Form.MALFORMED and text.startswith(b"{") and not text.endswith(b"}")
        return (Form.OMITTED if truncated else form), other_media


@seeded(
    "arrays-and-scalars-ignored", "ERR-6", "A body that is no object holds no flag, so it is taken for an empty one."
)
class _ArraysAndScalarsIgnored(_Reads):
    form = Form.NOT_OBJECT
    taken_for = Form.OMITTED


@seeded("first-of-the-array", "ERR-6", "Of an array the first element is taken.")
class _FirstOfTheArray(Misplaces):
    def read_body(self, call: Call) -> tuple[Form, bool]:
        value = decoded(call.body)
        if isinstance(value, list) and value:
            return super().read_body(replace(call, body=json.dumps(value[0]).encode()))
        return super().read_body(call)


@seeded("scalar-is-the-flag", "ERR-6", "The bare JSON values true and false are taken for the flag.")
class _ScalarIsTheFlag(Misplaces):
    def read_body(self, call: Call) -> tuple[Form, bool]:
        value = decoded(call.body)
        if isinstance(value, bool):
            return (Form.TRUE if value else Form.FALSE), False
        return super().read_body(call)


# ---------------------------------------------------------------------- methods and letter case, ERR-7, ERR-9


class _Serves(Waves):
    """Another method of `methods` is served as a PUT."""

    methods: tuple[str, ...] = ()

    def waved(self, request: Request) -> Request:
        if isinstance(request, OtherMethod) and request.method in self.methods and request.caller == OWN:
            return Attach(request.stage, request.service, Form.ABSENT)
        return request


@seeded("post-is-put", "ERR-7", "The route takes POST as well as PUT.")
class _PostIsPut(_Serves):
    methods = ("POST",)


@seeded("patch-is-put", "ERR-7", "The route takes PATCH as well as PUT.")
class _PatchIsPut(_Serves):
    methods = ("PATCH",)


@seeded("delete-is-answered-204", "ERR-7", "DELETE on the path is answered 204 and does nothing.")
class _DeleteIsAnswered204(Mock):
    def handle(self, call: Call) -> Answer:
        right = super().handle(call)
        return Answer(204) if call.method == "DELETE" and right.status == 405 else right


@seeded("get-answers-400", "ERR-7", "GET on the path falls into the handler, which misses its body: 400.")
class _GetAnswers400(Mock):
    def handle(self, call: Call) -> Answer:
        right = super().handle(call)
        return self.refusal(Refused((), None, 400)) if call.method == "GET" and right.status == 405 else right


@seeded("ids-compared-by-case", "ERR-9", "Ids are compared as texts, so capitals find nothing.")
class _IdsComparedByCase(Mock):
    def identifier(self, segment: str) -> str:
        return segment


@seeded(
    "service-ids-compared-by-case",
    "ERR-9",
    "A service id in capitals is answered 400, a stage id in capitals is understood.",
)
class _ServiceIdsComparedByCase(Mock):
    def handle(self, call: Call) -> Answer:
        if call.method == "PUT" and call.segments[-1] != call.segments[-1].lower() and is_uuid(call.segments[-1]):
            return self.refusal(Refused((), None, 400))
        return super().handle(call)


@seeded("stage-read-compared-by-case", "ERR-9", "Reading a stage by its id in capitals is answered 404.")
class _StageReadComparedByCase(Mock):
    def handle(self, call: Call) -> Answer:
        if call.method == "GET" and len(call.segments) == 2 and call.segments[1] != call.segments[1].lower():
            return self.refusal(Refused((), None, 404))
        return super().handle(call)
