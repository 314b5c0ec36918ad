"""What can be asked of a target, by meaning: the input alphabet of `step`.

How a request is spelled in HTTP is the business of `wire`; here only what the contract speaks of is left.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

OWN = "own"
"""The organization whose environment is under test."""
FOREIGN = "foreign"
"""Another organization."""
UNPROVEN = "foreign-unproven"
"""Another organization, by a credential that nothing proves to be alive."""
NOBODY = "nobody"
"""No credential, or none that any target should know (AUTH-1)."""
BAD_JWT = "bad-jwt"
"""A JWT that was tampered with, or has expired (AUTH-2)."""


class Form(Enum):
    """What the body of an attach request says of `is_skipped`."""

    ABSENT = "no body"
    OMITTED = "a body without the flag"
    FALSE = "is_skipped false"
    TRUE = "is_skipped true"
    NULL = "is_skipped null"
    TEXT_FALSE = 'is_skipped "false"'
    TEXT_TRUE = 'is_skipped "true"'
    NULL_BODY = "the JSON value null as body"
    WRONG_TYPE = "is_skipped of a wrong type"
    NOT_OBJECT = "a JSON array or scalar as body"
    MALFORMED = "malformed JSON"
    UNJUDGED = "a body that the contract does not judge"

    @property
    def moves(self) -> bool:
        """Whether S5 speaks of it: the flag false or omitted."""
        return self in (Form.ABSENT, Form.OMITTED, Form.FALSE)


OPEN_FORMS = frozenset({Form.NULL, Form.TEXT_FALSE, Form.TEXT_TRUE, Form.NULL_BODY, Form.UNJUDGED})
"""Bodies that a target may read or refuse as it likes (ERR-4, OPEN), and those that nothing is said of."""


@dataclass(frozen=True, slots=True)
class Attach:
    """PUT a service to a stage.

    `caller`: whose credential it is. `other_media`: the body came under a content type that is not JSON (ERR-8).
    `spelling`: the SHOULD that asks a target to understand an unusual spelling: ERR-9 where an id, AUTH-5 where the
    scheme name is in another letter case.
    """

    stage: str
    service: str
    form: Form
    caller: str = OWN
    other_media: bool = False
    spelling: str | None = None


@dataclass(frozen=True, slots=True)
class ReadList:
    """GET the stages of an environment."""

    environment: str
    caller: str = OWN
    spelling: str | None = None


@dataclass(frozen=True, slots=True)
class ReadStage:
    """GET one stage."""

    stage: str
    caller: str = OWN
    spelling: str | None = None


@dataclass(frozen=True, slots=True)
class ReadService:
    """GET the stage a service is in."""

    service: str
    caller: str = OWN
    spelling: str | None = None


@dataclass(frozen=True, slots=True)
class OtherMethod:
    """A method on the attach path that the contract does not know (ERR-7)."""

    method: str
    stage: str
    service: str
    caller: str = OWN
    spelling: str | None = None


@dataclass(frozen=True, slots=True)
class CreateStage:
    """POST a stage to an environment.

    `description`: None where it is left out, empty where it is null. `flaw`: what is wrong with the body, None where
    it has a name. `new`: the id that the target gave it, None until an answer has shown it.
    """

    environment: str
    name: str
    description: str | None = None
    flaw: Form | None = None
    caller: str = OWN
    spelling: str | None = None
    new: str | None = None


@dataclass(frozen=True, slots=True)
class EditStage:
    """PUT a name and a description to a stage; as for `CreateStage`."""

    stage: str
    name: str
    description: str | None = None
    flaw: Form | None = None
    caller: str = OWN
    spelling: str | None = None


@dataclass(frozen=True, slots=True)
class DeleteStage:
    """DELETE a stage."""

    stage: str
    caller: str = OWN
    spelling: str | None = None


@dataclass(frozen=True, slots=True)
class MoveStage:
    """PUT a stage before (or, `after`, behind) another one."""

    stage: str
    anchor: str
    after: bool = False
    caller: str = OWN
    spelling: str | None = None


Read = ReadList | ReadStage | ReadService
Manage = CreateStage | EditStage | DeleteStage | MoveStage
Request = Attach | Read | OtherMethod | Manage


def is_read(request: Request) -> bool:
    """Whether the request promises to change nothing by its method."""
    return isinstance(request, ReadList | ReadStage | ReadService)


def is_management(request: Request) -> bool:
    """Whether it creates, edits, deletes or moves a stage."""
    return isinstance(request, CreateStage | EditStage | DeleteStage | MoveStage)


PROMISES: dict[type, str] = {
    CreateStage: "STAGE-1",
    EditStage: "STAGE-2",
    DeleteStage: "STAGE-3",
    MoveStage: "STAGE-4",
}
"""What the management of stages promises (P)."""
