"""Two documents under comparison: where things stand, how changes are put down, how a schema's differences become some.

Knows who sends and who reads; knows nothing of operations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, Literal

from stagecheck.spec.diff.algebra import Verdict
from stagecheck.spec.diff.changes import KINDS, Change, Changes, Class, Side, Spot, Witness
from stagecheck.spec.diff.nodes import Inner, Sameness, is_closed, words_of
from stagecheck.spec.diff.samples import values
from stagecheck.spec.diff.schemas import Difference, Schemas, Unusable
from stagecheck.spec.diff.wording import listed, short, shown
from stagecheck.spec.lint.view import Part, View
from stagecheck.spec.positions import Steps, pointer

Sender = Literal["clients", "servers"]
CLIENTS: Final = (Side.CLIENTS,)
SERVERS: Final = (Side.SERVERS,)
BOTH: Final = (Side.CLIENTS, Side.SERVERS)
_MOST_SAMPLES: Final = 50


@dataclass(frozen=True, slots=True)
class Site:
    """A place of an operation where a schema stands: what it is called there, who sends it, and what kind changes."""

    operation: str
    name: str
    what: str
    sender: Sender
    kind: str


@dataclass(slots=True)
class Context:
    """The two documents, and what was found so far."""

    old: View
    new: View
    requirements: Callable[[tuple[str, ...]], tuple[str, ...]]
    changes: Changes = field(default_factory=Changes)
    same: Sameness = field(init=False)
    bodies: Schemas = field(init=False)
    answers: Schemas = field(init=False)
    parameters: Schemas = field(init=False)
    headers: Schemas = field(init=False)

    def __post_init__(self) -> None:
        self.same = Sameness(self.old, self.new)
        self.bodies = Schemas(self.old, self.new, self.same, "readOnly")
        self.answers = Schemas(self.old, self.new, self.same, "writeOnly")
        self.parameters = Schemas(self.old, self.new, self.same, "readOnly", textual=True)
        self.headers = Schemas(self.old, self.new, self.same, "writeOnly", textual=True)

    def add(
        self,
        kind: str,
        what: Class,
        at: tuple[str, str],
        message: str,
        parts: tuple[Part | None, Part | None],
        *,
        breaks: tuple[Side, ...] = (),
        witnesses: tuple[Witness, ...] = (),
        **more: Any,
    ) -> None:
        """Put down a change of ``at`` (the operation, and where in it)."""
        old, new = (None if part is None else spot(view, part) for view, part in zip(self._views, parts, strict=True))
        self.changes.add(Change(KINDS[kind], what, *at, message, old, new, breaks, (), witnesses, **more))

    @property
    def _views(self) -> tuple[View, View]:
        return self.old, self.new

    def sample(self, schemas: Schemas, part: Part | None, *, of_new: bool) -> Any:
        """A value that a schema allows; ``…`` where none is found."""
        if part is None:
            return "…"
        try:
            shape = schemas.shape(part.value, of_new=of_new)
        except Unusable:
            return "…"
        found: Iterable[Any] = islice(values(shape.canonical), _MOST_SAMPLES) if shape.canonical is not None else ()
        return next((value for value in found if shape.takes(value) and value not in ("", None)), "…")

    # ------------------------------------------------------------------ schemas

    def schemas(self, schemas: Schemas, site: Site, old: Part | None, new: Part | None) -> None:
        """Compare what is allowed at one place."""
        nothing = Part((), {})
        if old is None and new is None:
            return
        try:
            differences = schemas.compare(old or nothing, new or nothing)
        except Unusable as error:
            message = f"cannot be compared: no usable schema: {error}"
            change = Change(
                KINDS[site.kind],
                Class.UNKNOWN,
                site.operation,
                site.name,
                message,
                None if old is None else spot(self.old, old),
                None if new is None else spot(self.new, new),
                unsure=BOTH,
            )
            self.changes.add(change)
            return
        for difference in differences:
            self._put_down(site, difference)

    def _put_down(self, site: Site, found: Difference) -> None:
        handlers: dict[str, Callable[[Site, Difference], None]] = {
            "added": self._added,
            "removed": self._removed,
            "default": self._default,
            "values": self._values,
        }
        handlers[found.what](site, found)

    def _added(self, site: Site, found: Difference) -> None:
        message = f"{_name(found, site)} is described now: {short(self.new, found.new)}"
        self.add("property-added", Class.ADDITIVE, _at(site, found), message, (found.old, found.new))

    def _removed(self, site: Site, found: Difference) -> None:
        name = str(found.way[-1])
        sent = site.sender == "clients"
        message = f"{name} is not described any more: {'what is sent in it' if sent else 'who reads it'} "
        message += "is ignored or refused" if sent else "finds nothing promised"
        witness = Witness(Side.CLIENTS, site.what, found.forward.value, "old", words_of(found.way), found.way)
        witnesses = (witness,) if found.forward.holds is False else ()
        self.add(
            "property-removed",
            Class.BREAKING,
            _at(site, found),
            message,
            (found.old, found.new),
            breaks=CLIENTS,
            witnesses=witnesses,
        )

    def _default(self, site: Site, found: Difference) -> None:
        view = self.old.keyword(found.old, "default"), self.new.keyword(found.new, "default")
        before, after = ("nothing that is said" if one is None else shown(one.value) for one in view)
        message = f"{_name(found, site)} left out meant {before}, and means {after}"
        parts = view[0] or found.old, view[1] or found.new
        if None in view:
            self.add("default-changed", Class.MEANING, _at(site, found), message, parts)
            return
        witnesses: tuple[Witness, ...] = ()
        if not found.way:
            witnesses = tuple(
                Witness(side, "request", f"{site.operation} without {site.name}", "both") for side in BOTH
            )
        elif found.forward.holds is False:
            witnesses = tuple(Witness(side, site.what, found.forward.value, "both", way=found.way) for side in BOTH)
        self.add(
            "default-changed",
            Class.BREAKING,
            _at(site, found),
            message,
            parts,
            breaks=BOTH,
            witnesses=witnesses,
        )

    def _values(self, site: Site, found: Difference) -> None:
        ways: tuple[tuple[Verdict, Side, str], ...] = (
            (found.forward, Side.CLIENTS if site.sender == "clients" else Side.SERVERS, "old"),
            (found.backward, Side.SERVERS if site.sender == "clients" else Side.CLIENTS, "new"),
        )
        broken = sorted((way for way in ways if way[0].holds is False), key=lambda way: way[1])
        unsure = tuple(sorted(side for verdict, side, _ in ways if verdict.holds is None))
        change = Change(
            KINDS[site.kind],
            Class.BREAKING if broken else Class.UNKNOWN,
            *_at(site, found),
            "; ".join(self._facts(found)),
            spot(self.old, found.old),
            spot(self.new, found.new),
            tuple(side for _, side, _ in broken),
            unsure,
            tuple(Witness(side, site.what, verdict.value, valid, way=found.way) for verdict, side, valid in broken),
        )
        self.changes.add(change)

    def _facts(self, found: Difference) -> Iterator[str]:
        """What a reader sees of the difference."""
        said = False
        for names, words in (
            (found.required[1] - found.required[0], "required now"),
            (found.required[0] - found.required[1], "not required any more"),
        ):
            if names:
                said = True
                yield f"{', '.join(sorted(names))} {'is' if len(names) == 1 else 'are'} {words}"
        closed = is_closed(self.old, found.old), is_closed(self.new, found.new)
        if closed[0] is not closed[1]:
            said = True
            yield f"further properties are {'refused' if closed[1] else 'allowed'} now"
        values = listed((self.old, found.old), (self.new, found.new))
        if values is not None:
            yield values
            return
        before, after = short(self.old, found.old), short(self.new, found.new)
        if before != after:
            yield f"{before} → {after}"
        elif not said:
            yield f"{before}, and other values of it than before"


def spot(view: View, part: Part) -> Spot:
    """Where a part is written; of what was put together, where its beginning is."""
    steps: Steps = part.steps
    for position, step in enumerate(steps):
        if isinstance(step, str) and step.startswith("+"):
            steps = steps[:position]
            break
    return Spot(pointer(steps), view.source.positions.place(steps))


def _name(found: Difference, site: Site) -> str:
    """What the change is told of: the last name on the way, so that it is the same wherever the schema is used."""
    names = [step for step in found.way if not isinstance(step, Inner)]
    inner = "".join(step.value for step in found.way[-1:] if isinstance(step, Inner))
    return f"{names[-1]}{inner}" if names else f"{site.what}{inner}"


def _at(site: Site, found: Difference) -> tuple[str, str]:
    way = words_of(found.way)
    return site.operation, f"{site.name}{', ' if way and not way.startswith('[') else ''}{way}"
