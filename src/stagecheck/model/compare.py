"""Where an answer differs from one outcome, and which promise that breaks.

The rules are ordered by what a developer would have to mend: a service in two places is STATE-1 whatever was sent, a
bystander that moved is STATE-2, and only then is the addressed service held against the promise of its own request.
It never decides which outcome took place; `oracle` does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from stagecheck import witness
from stagecheck.model import words
from stagecheck.model.moments import differ
from stagecheck.model.observation import Observation, SeenEntry, SeenStage
from stagecheck.model.requests import Attach, Form, ReadService, Request
from stagecheck.model.state import Placement, World, is_uuid
from stagecheck.witness import Witness

LOCATION = {Form.FALSE: "MOVE-1", Form.OMITTED: "MOVE-2", Form.ABSENT: "MOVE-3"}
"""S1, S5: which promise says that the service is in the addressed stage afterwards."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One promise that the answer breaks, if this outcome was meant.

    `about` names what kind of thing is wrong: `state` (a placement or a flag), `stages` (the set of stages),
    `attribute`, `type`, `status`, `order`. `subject`: the service (or the stage left out) that it is about
    where that is not the addressed one; `place`: the stage in which a read shows it; `witness`: what a right answer
    shows, to be checked without the model. `must`: how grave it is, where that is not the requirement's own level.
    """

    requirement: str
    cause: str
    message: str
    expected: str
    actual: str
    about: str = "state"
    must: bool | None = None
    subject: str | None = None
    place: str | None = None
    witness: Witness | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One request, the world before it and the world an outcome expects after it."""

    before: World
    after: World
    request: Request
    environment: str
    shown_by_attach: frozenset[str] = frozenset()
    subject: str = field(init=False, default="")

    def doing(self) -> str:
        """The request in words, to begin a sentence with."""
        return words.request_words(self.before, self.request)

    # ------------------------------------------------------------------ all stages of an environment (S6)

    def listing(self, seen: Observation) -> Iterator[Mismatch]:
        """Compare an answer that claims to be every stage of the environment."""
        yield from self._stage_set(seen)
        for stage in seen.stages:
            yield from self.attributes(stage)
        yield from self._services(seen)

    def _stage_set(self, seen: Observation) -> Iterator[Mismatch]:
        expected = {key for key, stage in self.after.stages.items() if stage.environment == self.environment}
        shown = [stage.id for stage in seen.stages]
        attach = isinstance(self.request, Attach)
        for missing in sorted(expected - set(shown)):
            label = words.stage_label(self.after, missing)
            yield Mismatch(
                "SHAPE-3" if attach else "STATE-5",
                "stage-left-out",
                f"the answer to {self.doing()} leaves out {label}",
                f"all {len(expected)} stages of the environment, {label} among them",
                f"{len(set(shown))} stages, without {label}",
                "stages",
                subject=missing,
                witness=witness.stage(missing, 1),
            )
        for extra in sorted(set(shown) - expected):
            yield from self._extra_stage(next(stage for stage in seen.stages if stage.id == extra))
        for twice in sorted({key for key in shown if shown.count(key) > 1}):
            label = words.stage_label(self.after, twice)
            yield Mismatch(
                "STATE-3",
                "stage-twice",
                f"the answer to {self.doing()} lists {label} {shown.count(twice)} times",
                f"{label} once",
                f"{label} {shown.count(twice)} times",
                "stages",
                witness=witness.stage(twice, 1),
            )

    def _extra_stage(self, stage: SeenStage) -> Iterator[Mismatch]:
        elsewhere = stage.environment is not None and stage.environment != self.environment
        if elsewhere or stage.id in self.after.stages:
            yield Mismatch(
                "SHAPE-3",
                "stage-of-another-environment",
                f"the answer to {self.doing()} lists stage {stage.id}, which belongs to another environment",
                "the stages of the addressed environment only",
                f"stage {stage.id} of environment {stage.environment or self.after.environment_of(stage.id)}",
                "stages",
                witness=witness.stage(stage.id, 0),
            )
        elif self.environment in self.after.complete and stage.id not in self.after.gone:
            attach = isinstance(self.request, Attach)
            yield Mismatch(
                "STATE-3" if attach else "STATE-5",
                "stage-appears",
                f"after {self.doing()} a stage {stage.id} appears that was not there before",
                "no stage appears",
                f"stage {stage.id} ({stage.name or 'without a name'}) is listed",
                "stages",
                witness=witness.same_set("stages"),
            )

    # ------------------------------------------------------------------ attributes of one stage

    def attributes(self, stage: SeenStage) -> Iterator[Mismatch]:
        """STATE-3, STATE-9: what was known of a stage stays so."""
        known = self.after.stages.get(stage.id)
        if known is None or known.environment != self.environment:
            return
        pairs = (
            ("environment", known.environment, stage.environment),
            ("name", known.name, stage.name),
            ("description", known.description, stage.description),
            ("deployment_order", known.order, stage.order),
        )
        for attribute, was, now in pairs:
            placeholder = attribute == "environment" and not is_uuid(str(was))
            if was is not None and now is not None and was != now and not placeholder:
                yield self._changed(stage, attribute, str(was), str(now))
        if known.created_at and stage.created_at and differ(known.created_at, stage.created_at):
            for requirement in ("STATE-9", "STATE-3"):
                yield self._changed(stage, "created_at", known.created_at, stage.created_at, requirement)

    def _changed(
        self, stage: SeenStage, attribute: str, was: str, now: str, requirement: str | None = None
    ) -> Mismatch:
        if requirement is None:
            read_alone = not isinstance(self.request, Attach) and attribute in self.shown_by_attach
            requirement = "STATE-5" if read_alone else "STATE-3"
        label = words.stage_label(self.after, stage.id)
        return Mismatch(
            requirement,
            f"stage-{attribute}",
            f"after {self.doing()} the {attribute} of {label} is {now!r}; it was {was!r}",
            f"{attribute} {was!r}",
            f"{attribute} {now!r}",
            "attribute",
            subject=stage.id,
            witness=witness.stage_keeps(stage.id, attribute),
        )

    # ------------------------------------------------------------------ services

    def _services(self, seen: Observation) -> Iterator[Mismatch]:
        places, entries = places_of(Observation(tuple(s for s in seen.stages if self._is_ours(s)), seen.of_list))
        shown = {stage.id for stage in seen.stages}
        expected = {
            key: placement
            for key, placement in self.after.placements.items()
            if self.after.environment_of(key) == self.environment
        }
        strangers = {key for key in places if key not in expected}
        renamed: set[str] = set()
        for service, placement in expected.items():
            where = places.get(service, ())
            if len(where) == 1 and where[0] == placement:
                continue
            if not where:
                if not seen.names_services or placement.stage not in shown:
                    continue
                stranger = self._renamed(placement, strangers - renamed, places)
                if stranger is not None:
                    renamed.add(stranger)
                    yield self._renamed_service(service, stranger)
                    continue
            yield from self._misplaced(service, placement, where)
        yield from self._appeared(strangers - renamed, places)
        for entry in entries:
            yield from self.entry_type(entry)

    def _is_ours(self, stage: SeenStage) -> bool:
        """Whether a shown stage belongs to this environment: one that does not is reported once, with all it holds."""
        known = self.after.stages.get(stage.id)
        return (known.environment if known else stage.environment) in (None, self.environment)

    def _renamed(
        self, expected: Placement, strangers: set[str], places: Mapping[str, tuple[Placement, ...]]
    ) -> str | None:
        """A stranger that stands where a vanished service should be: its service_id did not survive (STATE-7)."""
        if self.environment not in self.after.complete:
            return None
        return next((key for key in sorted(strangers) if places[key][0].stage == expected.stage), None)

    def _renamed_service(self, service: str, stranger: str) -> Mismatch:
        return Mismatch(
            "STATE-7",
            "service-id",
            f"after {self.doing()} the entry of {words.service_label(self.after, service)} has service_id {stranger}",
            f"service_id {service}",
            f"service_id {stranger}",
            witness=witness.same_set("services"),
        )

    def _misplaced(self, service: str, expected: Placement, where: tuple[Placement, ...]) -> Iterator[Mismatch]:
        addressed = isinstance(self.request, Attach) and service == self.request.service
        label = words.service_label(self.after, service)
        want, got = words.placement_words(self.after, expected), words.places_words(self.after, where)
        shows = _shows(service, expected)
        if len(where) > 1 or (not where and addressed):
            kind = "nowhere" if not where else "twice" if len({place.stage for place in where}) == 1 else "two-stages"
            bystander = isinstance(self.request, Attach) and not addressed
            kind = f"{kind}:{'bystander' if bystander else 'addressed'}"
            yield Mismatch("STATE-1", kind, f"after {self.doing()}, {label} is {got}", want, got, witness=shows)
            if addressed and {place.skipped for place in where} == {not expected.skipped}:
                # Wherever it is, its flag is wrong everywhere, and that is another promise.
                yield self._broken_promise(expected, replace(expected, skipped=not expected.skipped))
            return
        if addressed:
            yield self._broken_promise(expected, where[0])
            return
        if not isinstance(self.request, Attach):
            same_stage = len(where) == 1 and where[0].stage == expected.stage
            at = (service, where[0].stage if where else None)
            kind = "flag" if same_stage else "placement"
            yield self._disagrees(kind, f"shows {label} {got}", want, got, at, shows)
            return
        kind = "vanished" if not where else "moved" if where[0].stage != expected.stage else "flag"
        message = f"{self.doing()} changed {label}, which was not addressed"
        yield Mismatch("STATE-2", f"bystander-{kind}", message, want, got, subject=service, witness=shows)

    def _broken_promise(self, expected: Placement, actual: Placement) -> Mismatch:
        """The addressed service is in one stage, but not as its request promises."""
        assert isinstance(self.request, Attach)
        requirement = promise(self.before, self.request, flag=expected.stage == actual.stage)
        want, got = words.placement_words(self.after, expected), words.placement_words(self.after, actual)
        if expected.stage == actual.stage:
            done = f"left is_skipped {'true' if actual.skipped else 'false'}"
            kind = "flag"
        else:
            done = f"left it in {words.stage_label(self.after, actual.stage)}"
            kind = "not-moved" if self._was_in(actual.stage) else "elsewhere"
        cause = f"{kind}:{self.request.form.name.lower()}:{self._from()}"
        shows = _shows(self.request.service, expected)
        return Mismatch(requirement, cause, f"{self.doing()} {done}", want, got, witness=shows)

    def _was_in(self, stage: str) -> bool:
        assert isinstance(self.request, Attach)
        was = self.before.placements.get(self.request.service)
        return was is not None and was.stage == stage

    def _from(self) -> str:
        assert isinstance(self.request, Attach)
        return "current" if self._was_in(self.request.stage) else "other"

    def _appeared(self, strangers: set[str], places: Mapping[str, tuple[Placement, ...]]) -> Iterator[Mismatch]:
        for service in sorted(strangers):
            if self.environment in self.after.complete and service not in self.after.services:
                got = words.places_words(self.after, places[service])
                yield Mismatch(
                    "STATE-2" if isinstance(self.request, Attach) else "STATE-5",
                    "bystander-appears",
                    f"after {self.doing()} a service {service} appears that was not there before",
                    "no service appears",
                    got,
                    witness=witness.same_set("services"),
                )
            elif len(places[service]) > 1:
                got = words.places_words(self.after, places[service])
                label = words.service_label(self.after, service)
                shows = _shows(service, places[service][0])
                want = "in exactly one stage"
                yield Mismatch("STATE-1", "two-stages:bystander", f"{label} is {got}", want, got, witness=shows)
            elif self.after.environment_of(service) not in (None, self.environment):
                got = words.places_words(self.after, places[service])
                yield Mismatch(
                    "STATE-2",
                    "service-of-another-environment",
                    f"after {self.doing()} a service of another environment appears: {service}",
                    "the services of this environment only",
                    got,
                    witness=_shows(service, None),
                )

    def entry_type(self, entry: SeenEntry) -> Iterator[Mismatch]:
        """STATE-7: the type of a service survives."""
        known = self.after.services.get(entry.service) if entry.service else None
        if known is None or known.type is None or entry.type is None or known.type == entry.type:
            return
        label = words.service_label(self.after, known.id)
        yield Mismatch(
            "STATE-7",
            "service-type",
            f"after {self.doing()} the service_type of {label} is {entry.type!r}; it was {known.type!r}",
            f"service_type {known.type!r}",
            f"service_type {entry.type!r}",
            "type",
            witness=witness.entry_keeps(known.id, "service_type"),
        )

    # ------------------------------------------------------------------ one stage (reads)

    def one_stage(self, seen: Observation, stage: str | None) -> Iterator[Mismatch]:
        """STATE-5: a read of one stage shows what the last 200 answer showed of it."""
        if stage is None or not seen.stages:
            return
        shown = seen.stages[0]
        if shown.id != stage:
            label = words.stage_label(self.after, stage)
            other = words.stage_label(self.after, shown.id)
            about = self.request.service if isinstance(self.request, ReadService) else ""
            shows = _shows(about, self.after.placements.get(about)) if about else witness.stage(stage, 1)
            yield self._disagrees("placement", f"answers {other}", label, other, (about, shown.id), shows)
            return
        yield from self.attributes(shown)
        if shown.entries is None:
            return
        yield from self._entries_of(shown)

    def _entries_of(self, shown: SeenStage) -> Iterator[Mismatch]:
        assert shown.entries is not None
        named: dict[str, list[bool]] = defaultdict(list)
        for entry in shown.entries:
            if entry.service is not None:
                named[entry.service].append(entry.skipped)
            yield from self.entry_type(entry)
        anonymous = any(entry.service is None for entry in shown.entries)
        label = words.stage_label(self.after, shown.id)
        for service in self.after.services_in(shown.id):
            flags = named.pop(service, [])
            placement = self.after.placements[service]
            want, shows = words.placement_words(self.after, placement), _shows(service, placement)
            who = words.service_label(self.after, service)
            if not flags and not anonymous:
                done, got = f"does not show {who} in {label}", f"not in {label}"
                yield self._disagrees("placement", done, want, got, ("", None), shows)
            elif len(flags) > 1:
                yield Mismatch(
                    "STATE-1",
                    "twice:addressed",
                    f"{self.doing()} shows {who} twice in {label}",
                    want,
                    f"twice in {label}",
                    witness=shows,
                )
            elif flags and flags[0] != placement.skipped:
                flag = f"is_skipped {'true' if flags[0] else 'false'}"
                yield self._disagrees("flag", f"shows {who} with {flag}", want, flag, (service, shown.id), shows)
        for service in sorted(named):
            known = self.after.placements.get(service)
            stranger = self.environment in self.after.complete and service not in self.after.services
            if known is not None or stranger:
                who = words.service_label(self.after, service)
                want = words.placement_words(self.after, known) if known else "no such service"
                at, shows = (service, shown.id), _shows(service, known)
                yield self._disagrees("placement", f"shows {who} in {label}", want, f"in {label}", at, shows)

    def _disagrees(
        self, kind: str, done: str, want: str, got: str, at: tuple[str, str | None], shows: Witness
    ) -> Mismatch:
        """A read that contradicts the last 200 answer; `at`: the service it is about, and the stage it shows it in."""
        return Mismatch(
            "STATE-5",
            f"{type(self.request).__name__}:{kind}",
            f"{self.doing()} {done}, which the last 200 answer contradicts",
            want,
            got,
            subject=at[0] or None,
            place=at[1],
            witness=shows,
        )


def promise(before: World, request: Attach, *, flag: bool) -> str:
    """The requirement that an attach request stands under: its flag's when `flag`, else its place's (S1…S5)."""
    current = before.placements.get(request.service)
    in_place = current is not None and current.stage == request.stage
    if request.form is Form.TRUE:
        return "SKIP-1" if in_place or current is None else "SKIP-2"
    if flag:
        return "MOVE-5" if in_place else "MOVE-4"
    if in_place and current is not None and current.skipped:
        return "MOVE-5"
    return LOCATION.get(request.form, "MOVE-1")


def _shows(service: str, placement: Placement | None) -> Witness:
    """A right answer shows the service there and nowhere else; None: nowhere."""
    return witness.places(service, [(placement.stage, placement.skipped)] if placement else [])


def places_of(seen: Observation) -> tuple[dict[str, tuple[Placement, ...]], list[SeenEntry]]:
    """Where an answer shows each service that it names (one place each, if all is well), and all its entries."""
    places: dict[str, tuple[Placement, ...]] = {}
    entries: list[SeenEntry] = []
    for stage in seen.stages:
        for entry in stage.entries or ():
            entries.append(entry)
            if entry.service is not None:
                place = Placement(stage.id, entry.skipped)
                places[entry.service] = (*places.get(entry.service, ()), place)
    return places, entries
