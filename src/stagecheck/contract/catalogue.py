"""Every requirement of the contract: id, level, text, source. Ids are permanent and never derived from a position.

Sources: S1…S8 are statements of the document the project was created from; P is the vendor's published OpenAPI
document; "clients" is how the web console, the CLI and the Terraform provider call the API; RFC numbers as cited.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from stagecheck.errors import SelectionError
from stagecheck.outcome import Level

MUST, SHOULD, OPEN = Level.MUST, Level.SHOULD, Level.OPEN


@dataclass(frozen=True, slots=True)
class Requirement:
    """One promise of the contract. `source` cites where it is promised."""

    id: str
    level: Level
    text: str
    source: str

    @property
    def family(self) -> str:
        """MOVE, SKIP, STATE, SHAPE, ERR, AUTH, RACE or STAGE."""
        return self.id.split("-")[0]


_TABLE = (
    Requirement("MOVE-1", MUST, "After a PUT with is_skipped false, the service is in the addressed stage.", "S1 S5"),
    Requirement("MOVE-2", MUST, "After a PUT with an empty object, the service is in the addressed stage.", "S5"),
    Requirement(
        "MOVE-3",
        MUST,
        "After a PUT without any body, with and without a JSON content type, the service is in the addressed stage.",
        "S5, P, clients",
    ),
    Requirement("MOVE-4", MUST, "A move to a different stage with the flag false or omitted un-skips.", "S3 S5"),
    Requirement("MOVE-5", MUST, "The flag false or omitted, addressed to the current stage, un-skips in place.", "S5"),
    Requirement("SKIP-1", MUST, "The flag true, addressed to the current stage, skips and does not move.", "S2 S4"),
    Requirement(
        "SKIP-2",
        OPEN,
        "The flag true, addressed to a different stage, follows one of four readings (move-and-skip, move-unskips, "
        "skip-in-place, refuse), and always the same one.",
        "S2 S3 S4",
    ),
    Requirement("STATE-1", MUST, "A service is in exactly one stage: never none, two, or twice in one.", "S1"),
    Requirement("STATE-2", MUST, "No other service moves, changes its flag, appears or vanishes.", "S1"),
    Requirement(
        "STATE-3",
        MUST,
        "No stage appears, vanishes, or changes its id, name, description, order, environment or created_at.",
        "S1",
    ),
    Requirement(
        "STATE-4", MUST, "Repeating a request leaves the same state and gets an equal answer.", "RFC 9110 9.2.2"
    ),
    Requirement("STATE-5", MUST, "Every read that is offered agrees with the last 200 answer.", "S6"),
    Requirement("STATE-6", MUST, "A request answered 4xx changes nothing.", "RFC 9110 15.5"),
    Requirement("STATE-7", MUST, "service_id and service_type survive moves.", "S8"),
    Requirement("STATE-8", SHOULD, "deployment_order is unique within the environment.", "P"),
    Requirement(
        "STATE-9", MUST, "updated_at is never before created_at, and a stage's created_at never changes.", "S8"
    ),
    Requirement("SHAPE-1", MUST, "Every 200 answer matches the published schema.", "S8 P"),
    Requirement("SHAPE-2", MUST, "A 200 answer has an application/json content type.", "S8"),
    Requirement(
        "SHAPE-3", MUST, "The 200 answer lists every stage of the environment, the addressed one among them.", "S6"
    ),
    Requirement("ERR-1", MUST, "No 5xx, whatever the input.", "RFC 9110 15.6"),
    Requirement("ERR-2", MUST, "An unknown stage or service (a well-formed id) gets 404; 403 is tolerated.", "P"),
    Requirement("ERR-3", SHOULD, "A malformed UUID gets some 4xx; a 2xx is a failure even when not strict.", "P"),
    Requirement("ERR-4", SHOULD, "A flag of a wrong type gets some 4xx.", "P"),
    Requirement("ERR-5", MUST, "Malformed JSON under a JSON content type gets some 4xx.", "RFC 8259, RFC 9110"),
    Requirement("ERR-6", SHOULD, "A JSON array or scalar as the body gets some 4xx.", "P"),
    Requirement("ERR-7", SHOULD, "Other methods on the path get 405 or 404 (or 401 first).", "RFC 9110 15.5.6"),
    Requirement(
        "ERR-8",
        OPEN,
        "A body under another content type is refused (415), or read as JSON all the same.",
        "RFC 9110 15.5.16",
    ),
    Requirement("ERR-9", SHOULD, "Ids in the path are matched without regard to case.", "RFC 9562 4"),
    Requirement("AUTH-1", MUST, "No credential, an unknown scheme or garbage gets 401; 403 is tolerated.", "P S7"),
    Requirement(
        "AUTH-2",
        MUST,
        "A JWT with a tampered payload or signature, with alg none, or expired gets 401; 403 is tolerated.",
        "S7, RFC 7519, RFC 8725",
    ),
    Requirement(
        "AUTH-3", MUST, "Another organization's credential gets 403 or 404, and is shown nothing of this one.", "P"
    ),
    Requirement(
        "AUTH-4", MUST, "A service of one environment sent to a stage of another gets 4xx; neither changes.", "S6"
    ),
    Requirement("AUTH-5", SHOULD, "Scheme names are matched without regard to case.", "RFC 9110 11.1"),
    Requirement(
        "RACE-1",
        SHOULD,
        "Concurrent requests are answered as if one after another, in an order that respects real time.",
        "S1",
    ),
    Requirement(
        "RACE-2",
        MUST,
        "Once concurrent requests have ended, STATE-1 to 3 hold, reads agree, and no acknowledged request is lost.",
        "S1",
    ),
    Requirement("RACE-3", SHOULD, "Every list answered under concurrency is one consistent snapshot.", "S6"),
    Requirement("STAGE-1", MUST, "Create adds one empty stage, and nothing else.", "P"),
    Requirement("STAGE-2", MUST, "Edit changes name and description alone.", "P"),
    Requirement("STAGE-3", MUST, "Delete removes the stage; its services are never lost.", "P"),
    Requirement("STAGE-4", MUST, "moveBefore and moveAfter give the named order and touch no service.", "P"),
)


def _indexed(table: Iterable[Requirement]) -> dict[str, Requirement]:
    catalogue: dict[str, Requirement] = {}
    for entry in table:
        if entry.id in catalogue:
            raise ValueError(f"requirement {entry.id} stands twice in the catalogue")
        catalogue[entry.id] = entry
    return catalogue


CATALOGUE = _indexed(_TABLE)
"""All requirements by id, in the order of CONTRACT.md."""


def requirement(requirement_id: str) -> Requirement:
    """The requirement of that exact id; KeyError if there is none."""
    return CATALOGUE[requirement_id]


def select(prefixes: Iterable[str]) -> tuple[Requirement, ...]:
    """The requirements whose id begins with any of the prefixes (letter case does not matter); no prefix: all.

    A prefix that ends in a digit names that one id: `MOVE-1` does not select a later `MOVE-10`.
    Raises SelectionError naming the prefix that selects nothing.
    """
    wanted = [prefix.strip().upper() for prefix in prefixes]
    if not wanted:
        return tuple(CATALOGUE.values())
    chosen: set[str] = set()
    for prefix in wanted:
        matching = {key for key in CATALOGUE if _selects(prefix, key)}
        if not matching:
            families = ", ".join(dict.fromkeys(entry.family for entry in CATALOGUE.values()))
            raise SelectionError(
                f"no requirement begins with {prefix!r}; families are {families} (see: stagecheck requirements)"
            )
        chosen |= matching
    return tuple(entry for key, entry in CATALOGUE.items() if key in chosen)


def _selects(prefix: str, requirement_id: str) -> bool:
    if not prefix:
        return False
    return requirement_id == prefix if prefix[-1].isdigit() else requirement_id.startswith(prefix)
