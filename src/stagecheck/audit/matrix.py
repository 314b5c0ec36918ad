"""The audit: every defect and every conforming variant against the suite, and what that says of the suite.

The runs are independent, so they are spread over processes; what they find out is put together in the order of the
registers, and does not depend on how many processes there were. A worker is given a name and looks it up itself, so
nothing but names and results crosses between processes.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from statistics import median, quantiles
from typing import Any, TypeVar

from stagecheck.audit.defect import DEFECTS, Defect
from stagecheck.audit.target import embedded_run
from stagecheck.audit.variants import VARIANTS, Variant
from stagecheck.contract import CATALOGUE
from stagecheck.outcome import Grade, RunResult, Verdict
from stagecheck.suite.plan import ProfileName
from stagecheck.suite.registry import CHECKED, RACES

SCHEMA = 1
_CLEAN = (Verdict.CONFORMING.value, Verdict.INCONCLUSIVE.value)
R = TypeVar("R")
W = TypeVar("W")


@dataclass(frozen=True, slots=True)
class Kill:
    """What the suite says of one defect.

    `violated`: requirement → how many requests had been sent when it was first seen broken. `messages`: the first
    sentence of each. `error`: why there was no result, None if there was one.
    """

    name: str
    requirement: str
    accepts: tuple[str, ...]
    violated: Mapping[str, int]
    messages: Mapping[str, str]
    requests: int
    error: str | None = None

    @property
    def first(self) -> int | None:
        """Requests sent when anything was seen broken; None for a survivor."""
        return min(self.violated.values(), default=None)

    @property
    def aimed(self) -> int | None:
        """Requests sent when the aimed requirement, or one as right, was seen broken; None if none was."""
        names = (self.requirement, *self.accepts)
        return min((at for name, at in self.violated.items() if name in names), default=None)

    @property
    def survived(self) -> bool:
        """Whether nothing was seen broken."""
        return not self.violated

    @property
    def for_the_wrong_reason(self) -> bool:
        """Whether something was seen broken, and not what the defect breaks."""
        return not self.survived and self.aimed is None


@dataclass(frozen=True, slots=True)
class Clearance:
    """What the suite says of one conforming variant. `violations`: pairs of requirement and sentence."""

    name: str
    verdict: str
    reasons: tuple[str, ...]
    violations: tuple[tuple[str, str], ...]
    requests: int
    error: str | None = None

    @property
    def clean(self) -> bool:
        """No violation, and conforming, or inconclusive with every reason stated."""
        if self.error or self.violations or self.verdict not in _CLEAN:
            return False
        return self.verdict == Verdict.CONFORMING.value or (bool(self.reasons) and all(self.reasons))


@dataclass(frozen=True, slots=True)
class AuditResult:
    """The kill matrix and what follows from it. `tested`: the requirements that the suite has a check for."""

    profile: str
    kills: tuple[Kill, ...]
    clearances: tuple[Clearance, ...]
    tested: tuple[str, ...]
    duration_s: float

    @property
    def matrix(self) -> dict[str, dict[str, int]]:
        """Requirement → defect → requests sent when that one was first seen broken."""
        found: dict[str, dict[str, int]] = {key: {} for key in self.tested}
        for kill in self.kills:
            for requirement, at in kill.violated.items():
                found.setdefault(requirement, {})[kill.name] = at
        return found

    @property
    def survivors(self) -> tuple[str, ...]:
        """Defects that nothing was said of."""
        return tuple(kill.name for kill in self.kills if kill.survived)

    @property
    def wrong_reasons(self) -> tuple[str, ...]:
        """Defects that were found, but not for what they are."""
        return tuple(kill.name for kill in self.kills if kill.for_the_wrong_reason)

    @property
    def idle(self) -> tuple[str, ...]:
        """Requirements that are tested and kill no defect; OPEN ones that only report are none of these."""
        return tuple(key for key, found in self.matrix.items() if not found)

    @property
    def unclean(self) -> tuple[str, ...]:
        """Conforming variants of which something was said."""
        return tuple(clearance.name for clearance in self.clearances if not clearance.clean)

    @property
    def passed(self) -> bool:
        """Whether the suite finds what it must and leaves alone what it must."""
        return not (self.survivors or self.wrong_reasons or self.idle or self.unclean)

    def detection(self) -> dict[str, float]:
        """Requests to detection over all killed defects: median and 90th percentile, of any and of the aimed one."""
        figures: dict[str, float] = {}
        for what, values in (
            ("first", [kill.first for kill in self.kills if kill.first is not None]),
            ("aimed", [kill.aimed for kill in self.kills if kill.aimed is not None]),
        ):
            if values:
                figures[f"{what}_median"] = median(values)
                figures[f"{what}_p90"] = quantiles(values, n=10)[8] if len(values) > 1 else values[0]
        return figures

    def to_json(self) -> dict[str, Any]:
        """The result as plain values for JSON."""
        return {
            "schema": SCHEMA,
            "profile": self.profile,
            "passed": self.passed,
            "duration_s": self.duration_s,
            "defects": [
                {**asdict(kill), "first_at": kill.first, "aimed_at": kill.aimed, "killed": not kill.survived}
                for kill in self.kills
            ],
            "variants": [{**asdict(clearance), "clean": clearance.clean} for clearance in self.clearances],
            "matrix": self.matrix,
            "survivors": list(self.survivors),
            "wrong_reasons": list(self.wrong_reasons),
            "idle_requirements": list(self.idle),
            "unclean_variants": list(self.unclean),
            "detection": self.detection(),
        }


def audit(
    defects: Iterable[Defect] | None = None,
    variants: Iterable[Variant] | None = None,
    jobs: int = 1,
    profile: str = ProfileName.NIGHTLY,
    *,
    only: Sequence[str] = (),
    over_http: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> AuditResult:
    """Run the suite against every defect and every variant (None: all that are registered), in `jobs` processes.

    `only`: requirements by the beginning of their ids; then the defects aimed at those, and no variants. `over_http`:
    each target is a server of its own, on this machine. `progress` is told each name when its result is there, in the
    order of the registers.
    """
    if only:
        defects = [one for one in (DEFECTS.values() if defects is None else defects) if _is_of(one.requirement, only)]
        variants = ()
    started = time.monotonic()
    kinds = [("defect", one.name) for one in (DEFECTS.values() if defects is None else defects)]
    kinds += [("variant", one.name) for one in (VARIANTS.values() if variants is None else variants)]
    work = [(kind, name, ProfileName(profile).value, over_http) for kind, name in kinds]
    results = list(spread(judged, work, jobs, lambda item: progress(item[1])))
    kills = tuple(result for result in results if isinstance(result, Kill))
    clearances = tuple(result for result in results if isinstance(result, Clearance))
    tested = tuple(
        key for key in CATALOGUE if key in CHECKED and key not in _REPORTED_ONLY and (not only or _is_of(key, only))
    )
    return AuditResult(ProfileName(profile).value, kills, clearances, tested, time.monotonic() - started)


def _is_of(requirement: str, only: Sequence[str]) -> bool:
    return requirement.startswith(tuple(only))


_REPORTED_ONLY = frozenset({"ERR-8"})
"""OPEN whatever the target does: it can break nothing, so it can kill nothing."""


def spread(judge: Callable[[W], R], work: Sequence[W], jobs: int, progress: Callable[[W], None]) -> Iterator[R]:
    """What `judge` says of each piece of work, in its order, in `jobs` processes."""
    if jobs <= 1 or len(work) < 2:
        for item in work:
            result = judge(item)
            progress(item)
            yield result
        return
    # spawn: a forked child would inherit whatever threads and respx routers the parent happens to have.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=min(jobs, len(work)), mp_context=context) as pool:
        for item, result in zip(work, pool.map(judge, work), strict=True):
            progress(item)
            yield result


def judged(work: tuple[str, str, str, bool]) -> Kill | Clearance:
    """Judge one defect or variant: (kind, name, profile, over HTTP). The function that worker processes run."""
    kind, name, profile, over_http = work
    if kind == "defect":
        return defect_judged(DEFECTS[name], profile, over_http=over_http)
    return variant_judged(VARIANTS[name], profile, over_http=over_http)


def defect_judged(defect: Defect, profile: str = ProfileName.NIGHTLY, *, over_http: bool = False) -> Kill:
    """Run the suite against one defect."""
    violated: dict[str, int] = {}
    messages: dict[str, str] = {}
    try:
        result = embedded_run(
            defect.mock,
            profile=ProfileName(profile),
            only=RACES if defect.races else (),
            enough=defect.names,
            over_http=over_http or defect.races,
        )
    except Exception as error:  # noqa: BLE001  # one broken mock must not hide what is said of all the others
        return Kill(defect.name, defect.requirement, defect.accepts, {}, {}, 0, f"{type(error).__name__}: {error}")
    for violation in sorted(result.violations, key=lambda found: found.at_request):
        violated.setdefault(violation.breach.requirement, violation.at_request)
        messages.setdefault(violation.breach.requirement, violation.breach.message)
    return Kill(defect.name, defect.requirement, defect.accepts, violated, messages, result.requests)


def variant_judged(variant: Variant, profile: str = ProfileName.NIGHTLY, *, over_http: bool = False) -> Clearance:
    """Run the suite against one conforming variant."""
    try:
        result = embedded_run(
            variant.mock,
            profile=ProfileName(profile),
            scenario=variant.scenario,
            configured=variant.configured,
            over_http=over_http,
        )
    except Exception as error:  # noqa: BLE001  # one broken mock must not hide what is said of all the others
        return Clearance(variant.name, "error", (), (), 0, f"{type(error).__name__}: {error}")
    violations = tuple((found.breach.requirement, found.breach.message) for found in result.violations)
    return Clearance(variant.name, result.verdict.value, _reasons(result), violations, result.requests)


def _reasons(result: RunResult) -> tuple[str, ...]:
    """Why requirements are inconclusive; an empty text where nothing says why."""
    inconclusive = [entry for entry in result.requirements if entry.grade is Grade.INCONCLUSIVE]
    return tuple(f"{entry.id}: {entry.reason}" if entry.reason else "" for entry in inconclusive)
