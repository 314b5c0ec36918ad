"""What came before an answer, as far as it may be to blame for it: what was refused, and how stages were managed.

A read shows what it shows because of something; which promise broke depends on what. A request that was refused and
changed something all the same is STATE-6, one that managed a stage and changed more than that is STAGE-1 to STAGE-4.
Either is blamed only if the same view was right just before it: a read that always lies is STATE-5.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace

from stagecheck import witness
from stagecheck.model import words
from stagecheck.model.compare import Mismatch
from stagecheck.model.requests import (
    PROMISES,
    Attach,
    CreateStage,
    DeleteStage,
    ReadList,
    ReadStage,
    Request,
    is_management,
    is_read,
)
from stagecheck.model.state import World
from stagecheck.model.statuses import kind_of

_SEEN_IN_READS = ("STATE-5", "STATE-1", "STATE-3", "STAGE-3")
_MISSING = (*(f"{verb}:stage-left-out" for verb in ("create", "edit", "move")), "at-once:stage-environment")
_STAGES_OWN = ("stages", "attribute", "ranking")


@dataclass(slots=True)
class Past:
    """What is remembered of the requests before. `looking`: see `Oracle.looking`."""

    refused: tuple[Request, int] | None = None
    clean_reads: set[Request] = field(default_factory=set)
    clean_write: bool = True
    lying_refusals: set[str] = field(default_factory=set)
    managed: Request | None = None
    managed_from: World | None = None
    agreed_on: set[str] = field(default_factory=set)
    """The stages that a read has shown to be right since they were managed."""

    # ------------------------------------------------------------------ refusals

    def blames_refusal(self, request: Request, mismatch: Mismatch, world: World, *, looking: bool, sure: bool) -> bool:
        """Whether a difference is the doing of a request that was refused just before.

        A read blames it only if the same read agreed before the refusal, or, where reads are `sure`, if it shows just
        what was refused.
        """
        if self.refused is None or mismatch.about not in ("state", "stages", "attribute", "ranking"):
            return False
        refused = self.refused[0]
        if is_read(request):
            right_before = request in self.clean_reads or (sure and self._is_effect(refused, mismatch, world))
            return right_before and mismatch.requirement in _SEEN_IN_READS
        return (
            looking
            and mismatch.requirement == "STATE-2"
            and isinstance(refused, Attach)
            and self.clean_write
            and (mismatch.subject == refused.service or _stands_in(world, mismatch.subject, refused.stage))
        )

    def _is_effect(self, refused: Request, mismatch: Mismatch, world: World) -> bool:
        """Whether a read shows just what the refused request would have done."""
        if not isinstance(refused, Attach) or mismatch.subject != refused.service:
            return False
        before = world.placements.get(refused.service)
        return before is not None and refused.stage == mismatch.place and self.clean_write

    def of_refusal(self, mismatch: Mismatch, before: World) -> Mismatch:
        """The difference as what the refused request did."""
        assert self.refused is not None
        refused, status = self.refused
        self.lying_refusals.add(kind_of(refused))
        message = (
            f"{words.request_words(before, refused)} was answered {status}, and yet changed the state: "
            f"{mismatch.message}"
        )
        return replace(mismatch, requirement="STATE-6", cause=f"refused:{kind_of(refused)}", message=message)

    # ------------------------------------------------------------------ management

    def of_management(self, request: Request, mismatch: Mismatch) -> Mismatch | None:
        """The difference as what managing a stage did; None if nothing says so."""
        done = self.managed
        if done is None or self.managed_from is None or is_management(request):
            return None
        read = is_read(request)
        if not read and mismatch.about not in _STAGES_OWN:
            # A PUT changes services by itself.
            return None
        if read and mismatch.requirement not in _SEEN_IN_READS:
            return None
        if mismatch.subject is not None and mismatch.subject in self.agreed_on:
            # Another read shows it as promised: this one is wrong.
            return None
        promise = PROMISES[type(done)]
        if isinstance(done, DeleteStage) and mismatch.requirement != "STAGE-3":
            promise = "STATE-3" if mismatch.about in _STAGES_OWN else "STATE-2"
        message = f"after {words.request_words(self.managed_from, done)}: {mismatch.message}"
        shows = mismatch.witness
        if mismatch.cause == "stage-appears":
            made, gone = ([_subject(done)] if isinstance(done, kind) else [] for kind in (CreateStage, DeleteStage))
            shows = witness.same_set("stages", made, gone)
        cause = f"{_name(done)}:{mismatch.cause}"
        return replace(mismatch, requirement=promise, cause=cause, message=message, witness=shows)

    # ------------------------------------------------------------------ remembering

    def forget(self) -> None:
        """Others have written since: nothing that was asked or read before is to blame for what is seen from now on."""
        self.refused = self.managed = self.managed_from = None
        self.clean_reads.clear()
        self.agreed_on.clear()
        self.clean_write = False

    def remember(self, request: Request, status: int, before: World, broken: Collection[Mismatch]) -> None:
        """Take note of a request that was answered; `broken`: what is wrong with its answer."""
        clean = not broken
        if is_read(request):
            self._remember_read(request, clean=clean)
        elif 400 <= status < 500:
            self.refused = (request, status)
        else:
            watched = not self.clean_reads or any(isinstance(read, ReadList) for read in self.clean_reads)
            self.refused = None
            managed = (
                is_management(request) and status < 300 and watched and all(_untold(mismatch) for mismatch in broken)
            )
            self.managed, self.managed_from = (request, before) if managed else (None, None)
            self.agreed_on.clear()
            self.clean_write = clean
            self.clean_reads.clear()

    def _remember_read(self, request: Request, *, clean: bool) -> None:
        if clean:
            self.clean_reads.add(request)
            if isinstance(request, ReadStage):
                self.agreed_on.add(request.stage)
            elif isinstance(request, ReadList):
                # All was seen to be right: what is shown otherwise later has another reason.
                self.managed = None
        if isinstance(request, ReadList):
            self.refused = None


def subject_of(mismatches: Iterable[Mismatch]) -> str | None:
    """The stage that a difference blamed on its management is about, where it is about one."""
    about = (m.subject for m in mismatches if m.requirement.startswith("STAGE") and m.about in ("stages", "attribute"))
    return next((subject for subject in about if subject), None)


def missing_by(mismatches: Iterable[Mismatch]) -> set[str]:
    """The stages that were created, edited or moved, it was answered, and that are not there."""
    left_out = (m for m in mismatches if m.requirement in ("STAGE-1", "STAGE-2", "STAGE-4") and m.cause in _MISSING)
    return {m.subject for m in left_out if m.subject is not None}


def _untold(mismatch: Mismatch) -> bool:
    """Whether an answer that is wrong in this says nothing of what was done, so that the next read has to say it.

    It leaves a stage out, or lets in what should have been refused, for what that was and not for who asked.
    """
    let_in = mismatch.cause.startswith("not-refused") and mismatch.requirement.startswith("STAGE")
    return let_in or mismatch.cause == "stage-left-out"


def _subject(done: Request) -> str:
    if isinstance(done, CreateStage):
        return done.new or ""
    return getattr(done, "stage", "")


def _name(done: Request) -> str:
    return type(done).__name__.removesuffix("Stage").lower()


def _stands_in(world: World, service: str | None, stage: str) -> bool:
    placement = world.placements.get(service) if service is not None else None
    return placement is not None and placement.stage == stage
