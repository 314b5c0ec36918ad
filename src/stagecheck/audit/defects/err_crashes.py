"""Defects that end in a crash (ERR-1)."""

# ruff: noqa: ARG002  # a hook has one signature, whatever an override makes of it

from __future__ import annotations

from stagecheck.audit.defect import seeded
from stagecheck.audit.defects.wrong import Denies, decoded, in_place
from stagecheck.mock.app import Answer, Call, Mock
from stagecheck.model.requests import Attach, Request
from stagecheck.model.state import Placement
from stagecheck.model.step import Outcome, Refused

# ---------------------------------------------------------------------- crashes, ERR-1


class _Crashes(Mock):
    """Calls that `crashes` are answered 500 before anything is looked at."""

    def handle(self, call: Call) -> Answer:
        return Answer(500, {"message": "internal server error"}) if self.crashes(call) else super().handle(call)

    def crashes(self, call: Call) -> bool:
        """Whether the call brings the server down."""
        return False


@seeded(
    "nul-crashes-the-database", "ERR-1", "A NUL character in an id reaches the database, which rejects the query: 500."
)
class _NulCrashesTheDatabase(_Crashes):
    def crashes(self, call: Call) -> bool:
        return any("\0" in segment for segment in call.segments)


@seeded("long-id-crashes", "ERR-1", "An id of more than 255 characters is answered 500.")
class _LongIdCrashes(_Crashes):
    def crashes(self, call: Call) -> bool:
        return any(len(segment) > 255 for segment in call.segments)


@seeded("malformed-json-crashes", "ERR-1", "The parser's exception is not caught: malformed JSON is answered 500.")
class _MalformedJsonCrashes(_Crashes):
    def crashes(self, call: Call) -> bool:
        return bool(call.body) and decoded(call.body) is ...


@seeded("array-crashes", "ERR-1", "A list has no attribute get: a JSON array as the body is answered 500.")
class _ArrayCrashes(_Crashes):
    def crashes(self, call: Call) -> bool:
        return isinstance(decoded(call.body), list)


@seeded("null-flag-crashes", "ERR-1", "is_skipped null violates a NOT NULL constraint and is answered 500.")
class _NullFlagCrashes(_Crashes):
    def crashes(self, call: Call) -> bool:
        value = decoded(call.body)
        return isinstance(value, dict) and "is_skipped" in value and value["is_skipped"] is None


@seeded("latin-1-crashes", "ERR-1", "A body that is no UTF-8 is answered 500.")
class _Latin1Crashes(_Crashes):
    def crashes(self, call: Call) -> bool:
        try:
            call.body.decode()
        except UnicodeDecodeError:
            return True
        return False


@seeded("deep-nesting-crashes", "ERR-1", "A deeply nested body exhausts the stack and is answered 500.")
class _DeepNestingCrashes(_Crashes):
    def crashes(self, call: Call) -> bool:
        return call.body.count(b"[") > 500


@seeded(
    "scheme-without-a-secret-crashes",
    "ERR-1",
    "An Authorization header of one word is split into two, and answered 500.",
)
class _SchemeWithoutASecretCrashes(_Crashes):
    def crashes(self, call: Call) -> bool:
        return len(call.headers.get("authorization", "two words").split()) == 1


@seeded(
    "same-stage-crashes",
    "ERR-1",
    "Attaching a service to its own stage violates a unique constraint and is answered 500.",
)
class _SameStageCrashes(Denies):
    def denied(self, request: Attach, was: Placement) -> int | None:
        return 500 if in_place(request, was) and request.form.moves else None


@seeded("unknown-service-crashes", "ERR-1", "A service that is not found is None one line later: 500.")
class _UnknownServiceCrashes(Mock):
    def decide(self, request: Request) -> Outcome:
        right = super().decide(request)
        unknown = isinstance(right.answer, Refused) and right.answer.requirement == "ERR-2"
        if unknown and isinstance(request, Attach) and request.service not in self.world.services:
            return Outcome(self.world, Refused((), None, 500))
        return right


@seeded("crowded-stage-crashes", "ERR-1", "The fifth service of a stage is answered 500: the page size is four.")
class _CrowdedStageCrashes(Denies):
    def denied(self, request: Attach, was: Placement) -> int | None:
        return 500 if not in_place(request, was) and len(self.world.services_in(request.stage)) >= 4 else None
