"""The desk: from a request as it came in to the reply, without any socket.

The order of checks: path, method, credential, ids, existence, permission, body. An
operation runs whole under one lock, so requests are answered one after another.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, NoReturn
from urllib.parse import unquote_to_bytes

from .ledger_books import (
    Books,
    Closed,
    Flagged,
    Ledger,
    Line,
    Opened,
    Page,
    Placed,
    Ranked,
    Revised,
    mint,
)
from .ledger_gate import Gate, Refusal

READINGS = ("move-unskips", "move-and-skip", "skip-in-place", "refuse")
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """What the wire hands over."""

    method: str
    target: str
    authorization: tuple[str, ...] = ()
    content_type: str | None = None
    content_encoding: str | None = None
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the wire sends back; no payload means no body."""

    status: HTTPStatus
    payload: Json | None = None
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a service stands: the environment's ledger, the stage, its line."""

    ledger: Ledger
    page: Page
    line: Line


@dataclass(frozen=True, slots=True)
class Wish:
    """What the body of an attach request asks for; `bare` when there was no body."""

    skip: bool
    bare: bool


Operation = Callable[[str, tuple[str, ...], Request], Reply]


def problem(refusal: Refusal) -> Reply:
    """Put a refusal into the form of RFC 9457."""
    payload = {
        "type": "about:blank",
        "title": refusal.status.phrase,
        "status": refusal.status.value,
        "detail": refusal.detail,
    }
    return Reply(refusal.status, payload, refusal.headers)


def segments(target: str) -> tuple[str, ...]:
    """Split a request target into its decoded path segments."""
    path = re.split(r"[?#]", target, maxsplit=1)[0]
    absolute = re.match(r"https?://[^/]*", path, re.IGNORECASE)
    if absolute:
        path = path[absolute.end() :]
    decoded = (unquote_to_bytes(part).decode("utf-8", "replace") for part in path.split("/"))
    return tuple(decoded)[1:]


def reject_constant(_name: str) -> NoReturn:
    """Refuse NaN and the infinities, which are no JSON."""
    message = "not a JSON number"
    raise ValueError(message)


class Desk:
    """All nine operations over the ledgers of all environments."""

    def __init__(self, gate: Gate, ledgers: list[Ledger], reading: str) -> None:
        """Take the parts; `reading` says what a skip sent to another stage means."""
        self.gate = gate
        self.ledgers = ledgers
        self.reading = reading
        self.lock = threading.RLock()
        self.routes: dict[tuple[str, ...], dict[str, Operation]] = {
            ("environment", "*", "deploymentStage"): {"GET": self.list, "POST": self.create},
            ("deploymentStage", "*"): {"GET": self.get, "PUT": self.edit, "DELETE": self.delete},
            ("deploymentStage", "*", "service", "*"): {"PUT": self.attach},
            ("deploymentStage", "*", "moveBefore", "*"): {"PUT": self.move_before},
            ("deploymentStage", "*", "moveAfter", "*"): {"PUT": self.move_after},
            ("service", "*", "deploymentStage"): {"GET": self.whereabouts},
        }

    def answer(self, request: Request) -> Reply:
        """Answer one request; every refusal becomes a problem document."""
        try:
            operation, raw = self.route(request)
            organization = self.gate.admit(request.authorization)
            ids = tuple(self.read_id(part) for part in raw)
            with self.lock:
                return operation(organization, ids, request)
        except Refusal as refusal:
            return problem(refusal)

    def route(self, request: Request) -> tuple[Operation, tuple[str, ...]]:
        """Find the operation by path, then by method."""
        path = segments(request.target)
        for pattern, operations in self.routes.items():
            if len(pattern) != len(path):
                continue
            pairs = tuple(zip(pattern, path, strict=True))
            if any(want not in ("*", got) for want, got in pairs):
                continue
            if request.method not in operations:
                allow = (("Allow", ", ".join(operations)),)
                raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "not a method of this path", allow)
            raw = tuple(got for want, got in pairs if want == "*")
            return operations[request.method], raw
        raise Refusal(HTTPStatus.NOT_FOUND, "no such path")

    def read_id(self, text: str) -> str:
        """Check that a segment is a UUID, and give its one spelling used inside."""
        if not UUID.fullmatch(text):
            raise Refusal(HTTPStatus.BAD_REQUEST, "an id in the path is not a UUID")
        return text.lower()

    # Finding things

    def find_environment(self, organization: str, environment: str) -> Ledger:
        """Find an environment the caller may see."""
        for ledger in self.ledgers:
            if ledger.environment == environment:
                self.permit(organization, ledger)
                return ledger
        raise Refusal(HTTPStatus.NOT_FOUND, "no such environment")

    def find_stage(self, stage: str) -> tuple[Ledger, Page]:
        """Find a stage in whatever environment."""
        for ledger in self.ledgers:
            page = ledger.books().page(stage)
            if page:
                return ledger, page
        raise Refusal(HTTPStatus.NOT_FOUND, "no such deployment stage")

    def find_service(self, service: str) -> Standing:
        """Find a service in whatever environment."""
        for ledger in self.ledgers:
            found = ledger.books().standing(service)
            if found:
                return Standing(ledger, *found)
        raise Refusal(HTTPStatus.NOT_FOUND, "no such service")

    def permit(self, organization: str, *ledgers: Ledger) -> None:
        """Refuse what belongs to another organization."""
        if any(ledger.organization != organization for ledger in ledgers):
            raise Refusal(HTTPStatus.FORBIDDEN, "not yours")

    def require_together(self, ledger: Ledger, other: Ledger) -> None:
        """Refuse what would reach from one environment into another."""
        if ledger.environment != other.environment:
            raise Refusal(HTTPStatus.CONFLICT, "these belong to different environments")

    # Reading bodies

    def read_json(self, request: Request) -> Json:
        """Read a body as a JSON object, or refuse it."""
        media = (request.content_type or "application/json").partition(";")[0].strip().lower()
        coding = (request.content_encoding or "identity").strip().lower()
        if media != "application/json" or coding != "identity":
            raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "only plain application/json is read")
        try:
            value = json.loads(request.body.decode("utf-8"), parse_constant=reject_constant)
        except (ValueError, RecursionError):
            raise Refusal(HTTPStatus.BAD_REQUEST, "the body is not JSON") from None
        return self.require_object(value)

    def require_object(self, value: object) -> Json:
        """Refuse arrays and scalars."""
        if not isinstance(value, dict):
            raise Refusal(HTTPStatus.BAD_REQUEST, "the body is not a JSON object")
        return value

    def read_wish(self, request: Request) -> Wish:
        """Read the optional body of an attach request."""
        if not request.body:
            return Wish(skip=False, bare=True)
        flag = self.read_json(request).get("is_skipped", False)
        if not isinstance(flag, bool):
            raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "is_skipped is not a boolean")
        return Wish(skip=flag, bare=False)

    def read_title(self, request: Request) -> tuple[str, str | None]:
        """Read the body of create and edit: a name and perhaps a description."""
        body = self.read_json(request)
        name, description = body.get("name"), body.get("description")
        if not isinstance(name, str) or not name.strip():
            raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "name is needed, a string with text")
        if description is not None and not isinstance(description, str):
            raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "description is not a string")
        return name, description

    # Writing answers

    def show_line(self, line: Line) -> Json:
        """Write a service entry; a flag that is false goes without saying."""
        shown: Json = {
            "id": line.entry.upper(),
            "created_at": line.placed_at.isoformat(timespec="microseconds"),
            "updated_at": line.noted_at.isoformat(timespec="microseconds"),
            "service_id": line.service.upper(),
            "service_type": line.kind,
            "_links": {"stage": f"/service/{line.service}/deploymentStage"},
        }
        if line.skipped:
            shown["is_skipped"] = True
        return shown

    def show_page(self, ledger: Ledger, page: Page) -> Json:
        """Write a stage; a description that was never given is left out."""
        shown: Json = {
            "id": page.stage.upper(),
            "created_at": page.opened_at.isoformat(timespec="microseconds"),
            "updated_at": page.revised_at.isoformat(timespec="microseconds"),
            "environment": {"id": ledger.environment.upper()},
            "name": page.name,
            "deployment_order": page.rank,
            "services": [self.show_line(line) for line in page.lines],
            "service_count": len(page.lines),
        }
        if page.description is not None:
            shown["description"] = page.description
        return shown

    def show_list(self, ledger: Ledger, books: Books) -> Json:
        """Write all stages of an environment, by name."""
        pages = sorted(books.pages, key=lambda page: (page.name, page.stage))
        return {"results": [self.show_page(ledger, page) for page in pages]}

    # The operations

    def attach(self, organization: str, ids: tuple[str, ...], request: Request) -> Reply:
        """Bring a service to a stage, skip it, or un-skip it."""
        ledger, page = self.find_stage(ids[0])
        standing = self.find_service(ids[1])
        self.permit(organization, ledger, standing.ledger)
        self.require_together(ledger, standing.ledger)
        self.book(standing, page, self.read_wish(request))
        return Reply(HTTPStatus.OK, self.show_list(ledger, ledger.books()))

    def book(self, standing: Standing, page: Page, wish: Wish) -> None:
        """Write the event a wish comes to; none when everything is so already."""
        if page.stage == standing.page.stage:
            self.flag(standing, skipped=wish.skip)
        elif wish.skip and self.reading == "refuse":
            raise Refusal(HTTPStatus.CONFLICT, "a service is skipped in its current stage only")
        elif wish.skip and self.reading == "skip-in-place":
            self.flag(standing, skipped=True)
        else:
            skipped = wish.skip and self.reading == "move-and-skip"
            self.place(standing, page, skipped=skipped)

    def flag(self, standing: Standing, *, skipped: bool) -> None:
        """Write a flag event, unless the flag is so already."""
        ledger, line = standing.ledger, standing.line
        if line.skipped != skipped:
            ledger.append(Flagged(ledger.now(), line.service, skipped))

    def place(self, standing: Standing, page: Page, *, skipped: bool) -> None:
        """Write a placement event, under a new entry id."""
        ledger, line = standing.ledger, standing.line
        event = Placed(ledger.now(), line.service, line.kind, page.stage, mint(), skipped)
        ledger.append(event)

    def list(self, organization: str, ids: tuple[str, ...], _request: Request) -> Reply:
        """List the stages of an environment."""
        ledger = self.find_environment(organization, ids[0])
        return Reply(HTTPStatus.OK, self.show_list(ledger, ledger.view()))

    def create(self, organization: str, ids: tuple[str, ...], request: Request) -> Reply:
        """Open an empty stage behind all others."""
        ledger = self.find_environment(organization, ids[0])
        name, description = self.read_title(request)
        stage = mint()
        ledger.append(Opened(ledger.now(), stage, name, description))
        return self.one(stage)

    def one(self, stage: str) -> Reply:
        """Answer with one stage as it is now."""
        return Reply(HTTPStatus.OK, self.show_page(*self.find_stage(stage)))

    def get(self, organization: str, ids: tuple[str, ...], _request: Request) -> Reply:
        """Show one stage."""
        ledger, page = self.find_stage(ids[0])
        self.permit(organization, ledger)
        return Reply(HTTPStatus.OK, self.show_page(ledger, ledger.view().page(ids[0]) or page))

    def edit(self, organization: str, ids: tuple[str, ...], request: Request) -> Reply:
        """Give a stage another name and description; saying the same again is no event."""
        ledger, page = self.find_stage(ids[0])
        self.permit(organization, ledger)
        title = self.read_title(request)
        if title != (page.name, page.description):
            ledger.append(Revised(ledger.now(), ids[0], *title))
        return self.one(ids[0])

    def delete(self, organization: str, ids: tuple[str, ...], _request: Request) -> Reply:
        """Close a stage, provided that nothing stands in it."""
        ledger, page = self.find_stage(ids[0])
        self.permit(organization, ledger)
        if self.occupied(page):
            raise Refusal(HTTPStatus.CONFLICT, "the stage still holds services")
        ledger.append(Closed(ledger.now(), ids[0]))
        return Reply(HTTPStatus.NO_CONTENT)

    def occupied(self, page: Page) -> bool:
        """Tell whether a stage holds services."""
        return bool(page.lines)

    def move_before(self, organization: str, ids: tuple[str, ...], _request: Request) -> Reply:
        """Put a stage directly before another one."""
        return self.rank(organization, ids, behind=0)

    def move_after(self, organization: str, ids: tuple[str, ...], _request: Request) -> Reply:
        """Put a stage directly after another one."""
        return self.rank(organization, ids, behind=1)

    def rank(self, organization: str, ids: tuple[str, ...], behind: int) -> Reply:
        """Lift a stage out of the order and put it back beside its anchor."""
        (ledger, _), (other, _) = self.find_stage(ids[0]), self.find_stage(ids[1])
        self.permit(organization, ledger, other)
        self.require_together(ledger, other)
        if ids[0] == ids[1]:
            raise Refusal(HTTPStatus.CONFLICT, "a stage has no place beside itself")
        before = [page.stage for page in ledger.books().ranked()]
        order = [stage for stage in before if stage != ids[0]]
        order.insert(order.index(ids[1]) + behind, ids[0])
        if order != before:
            ledger.append(Ranked(ledger.now(), tuple(order)))
        return Reply(HTTPStatus.OK, self.show_list(ledger, ledger.books()))

    def whereabouts(self, organization: str, ids: tuple[str, ...], _request: Request) -> Reply:
        """Show the stage a service is in."""
        standing = self.find_service(ids[0])
        self.permit(organization, standing.ledger)
        found = standing.ledger.view().standing(ids[0])
        page = found[0] if found else standing.page
        return Reply(HTTPStatus.OK, self.show_page(standing.ledger, page))
