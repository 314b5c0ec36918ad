"""Putting back what a run has left that ended before it could do so itself: by its ledger, after looking.

What is at home already is left alone. What is in a place where the run cannot have left it was moved by somebody else
since, and is theirs: it is reported, never overwritten.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from stagecheck.errors import CredentialRefused, TargetError
from stagecheck.exchange import Exchange
from stagecheck.model.compare import places_of
from stagecheck.model.requests import Attach
from stagecheck.model.state import Placement
from stagecheck.operations import READS, OperationKey
from stagecheck.suite.discover import NOT_THERE, survey
from stagecheck.suite.plan import Plan
from stagecheck.suite.put_back import WayHome
from stagecheck.suite.session import Session
from stagecheck.target.account import Account
from stagecheck.target.journal import Journal
from stagecheck.wire import bodies


@dataclass(slots=True)
class Restored:
    """What became of what a run had left.

    `back`: services that were moved home and stages that were removed; `left`: what could not be put back, with the
    mend; `theirs`: what somebody else has changed since. One sentence each.
    """

    back: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    theirs: list[str] = field(default_factory=list)

    @property
    def sentences(self) -> list[str]:
        """All of it, what was done first."""
        return [*self.back, *self.theirs, *self.left]


def restore(session: Session, plan: Plan, account: Account) -> Restored:
    """Look where everything is, and bring home what the run of that account has moved.

    Raises ConfigError, CredentialRefused, TargetError: then nothing was changed.
    """
    # Whoever restores may have given less in the config than the run had found out.
    stages = plan.stages or tuple(account.stages or ()) or tuple({place.stage for place in account.homes.values()})
    plan = replace(
        plan,
        environment=plan.environment or account.environment,
        stages=stages,
        services=account.usable or plan.services,
    )
    _, _, listing = survey(session, plan)
    there = _listed(session, listing)
    session.client.phase = "restore"
    return _Restoring(session, account, there).go()


def _listed(session: Session, listing: Exchange | None) -> frozenset[str]:
    """The stages that the list shows, or else that are known of.

    Raises CredentialRefused or TargetError where the list is only not shown now: without a look nobody could see what
    somebody else has moved.
    """
    status = listing.status if listing is not None else None
    if listing is None or status in (200, *NOT_THERE):
        shows = session.understand(OperationKey.LIST, listing)[0].shows if listing is not None else None
        return frozenset(stage.id for stage in shows.stages) if shows else frozenset(session.world.stages)
    if status in (401, 403):
        raise CredentialRefused(f"the target refused the credential with {status}; nothing was changed: check [auth]")
    raise TargetError(
        f"the list of the environment was answered {status or listing.failure}, so where everything is cannot be seen; "
        "nothing was changed: restore again when the target answers"
    )


@dataclass(slots=True)
class _Restoring:
    session: Session
    account: Account
    there: frozenset[str]
    told: Restored = field(default_factory=Restored)

    def go(self) -> Restored:
        for number in self.account.damaged:
            self.told.left.append(
                f"line {number} of the ledger is damaged: what it says of where things were cannot be known"
            )
        now = self._now()
        astray = dict(self._astray(now))
        self.session.client.wrote = True  # somebody did, in this one's place
        way_home = WayHome(self.session, Journal(astray), sure=False)
        made = self._made()
        if astray or made:
            left = way_home.go()
            self.told.left += left
            kept = set(self.session.created)
            self.told.back += [self._said(key, place) for key, place in astray.items() if not _names(left, key)]
            self.told.back += [
                f"stage {name}, which the run had made, was removed" for key, name in made.items() if key not in kept
            ]
        self.told.left += self._unknown()
        return self.told

    def _now(self) -> dict[str, Placement]:
        """Where everything is: by reads, and where there are none, by the answer to a PUT that brings one home."""
        session = self.session
        if READS & session.offers or session.world.placements:
            return dict(session.world.placements)
        for service, home in self.account.homes.items():
            if service in self.account.addressed and service in session.usable:
                body = bodies.TRUE if home.skipped else bodies.FALSE
                if home.skipped:
                    plain = session.spell.attach(
                        Attach(home.stage, service, bodies.FALSE.form), bodies.FALSE, session.credentials.own
                    )
                    session.client.send(plain)
                message = session.spell.attach(Attach(home.stage, service, body.form), body, session.credentials.own)
                exchange = session.client.send(message)
                reply, _ = session.understand(OperationKey.ATTACH, exchange)
                if reply.shows is None:
                    return {}
                places, _ = places_of(reply.shows)
                return {key: where[0] for key, where in places.items() if len(where) == 1}
        return {}

    def _astray(self, now: dict[str, Placement]) -> Iterator[tuple[str, Placement]]:
        """What is not at home and may be moved there."""
        account, usable = self.account, frozenset(self.session.usable)
        for service in dict.fromkeys((*account.homes, *account.theirs)):
            home, here = account.home_of(service), now.get(service)
            if home is None or here == home:
                continue
            if here is None:
                if service in account.addressed and service in usable:
                    yield from self._unseen(service, home, now)
            elif not account.ours(service, here):
                if service in account.addressed:
                    self.told.theirs.append(
                        f"service {service} is in stage {here.stage}, {_flag(here)}, where the run has not put it: "
                        f"somebody else has, and it is left there (before the run: stage {home.stage}, {_flag(home)})"
                    )
            elif service not in usable:
                self.told.left.append(
                    f"service {service} was in stage {home.stage}, {_flag(home)}, before the run, and is not one the "
                    "run may write to: put it back by hand"
                )
            elif home.stage not in self.there:
                self.told.left.append(
                    f"service {service} was in stage {home.stage} before the run, which is not there any more"
                )
            else:
                yield service, home

    def _unseen(self, service: str, home: Placement, now: dict[str, Placement]) -> Iterator[tuple[str, Placement]]:
        """A service that nothing shows: put home where nothing can be seen, told where everything else is."""
        if now and OperationKey.LIST in self.session.offers:
            self.told.theirs.append(
                f"service {service} is in no stage any more: the run was moving it, before that it was in stage "
                f"{home.stage}, {_flag(home)}"
            )
        else:
            yield service, home

    def _made(self) -> dict[str, str]:
        """The stages that the run has made and that are still there; those that hold services of others stay."""
        session, account = self.session, self.account
        world = session.world
        made = {key: name for key, name in account.made.items() if key in self.there}
        if account.stages is not None:
            for key, stage in world.stages.items():
                if stage.name in account.tried and key not in account.stages:
                    made.setdefault(key, stage.name or "")
        for key in list(made):
            others = [one for one in world.services_in(key) if one not in session.usable]
            if others:
                self.told.theirs.append(
                    f"stage {made.pop(key) or key}, which the run had made, holds service {others[0]}, which the run "
                    "had not put there: it is left"
                )
        session.made.there, session.made.names = dict(made), set(account.tried)
        session.made.ever.update(made)
        return made

    def _said(self, service: str, home: Placement) -> str:
        return f"service {service} was put back to stage {home.stage}, {_flag(home)}"

    def _unknown(self) -> Iterator[str]:
        for service in self.account.addressed:
            if service in self.session.usable and self.account.home_of(service) is None:
                yield (
                    f"service {service} was moved before any answer showed where it was, and cannot be put back: look "
                    "where it belongs"
                )


def _flag(place: Placement) -> str:
    return "skipped" if place.skipped else "not skipped"


def _names(notes: list[str], service: str) -> bool:
    return any(service in note for note in notes)
