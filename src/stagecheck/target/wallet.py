"""The credentials of a run as they are right now: those that come from a source are fetched anew when they end.

The suite goes on with the credentials that it began with, each named by its role and recipe; only what goes over the
wire is made from the newest secret. So a credential that ends in the middle of a run changes nothing but itself, and
the broken ones that are made from it stay broken for the same reason as before.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from stagecheck.errors import ConfigError, CredentialRefused
from stagecheck.exchange import Credential
from stagecheck.target.credentials import Credentials, expiry_of
from stagecheck.target.sources import Source

AHEAD_S = 30.0
"""A JWT is fetched anew so long before its `exp`: a request may take a while, and clocks differ."""
_NOT_BEFORE_S = 2.0
"""A credential that was fetched just now, and not let in since, is not fetched again."""
_SCHEMES = frozenset({"token", "bearer"})


class Wallet:
    """`credentials`: those that the config holds; `sources`: where the others come from, by role.

    `learned` is told of the credentials whenever there are new ones, for the redactor. Raises ConfigError when a source
    gives nothing, or one credential comes in two roles.
    """

    def __init__(
        self,
        credentials: Credentials,
        sources: Mapping[str, Source],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.sources = sources
        self.learned: list[Callable[[Credentials], None]] = []
        self.renewals: Counter[str] = Counter()
        self._clock = clock
        self._lock = threading.RLock()
        self._fetched = dict.fromkeys(sources, clock())
        self._let_in: set[str] = set()
        self.credentials = replace(credentials, **{role: source.fetch() for role, source in sources.items()})
        self.current = self.credentials
        _told_apart(self.credentials)

    def header(self, credential: Credential) -> str | None:
        """The Authorization header to send for a credential of the run. Raises CredentialRefused."""
        recipe = credential.recipe
        if recipe is None or recipe.secret not in self.sources:
            return credential.header
        with self._lock:
            self._look_ahead(recipe.secret)
            if getattr(self.current, recipe.secret) == getattr(self.credentials, recipe.secret):
                return credential.header
            try:
                return self.current.header_of(recipe)
            except (ValueError, TypeError):
                # The new one is of another kind than the old one: what was to be broken in it is not there.
                return credential.header

    def renewed(self, credential: Credential) -> bool:
        """Whether there is another secret for a credential that was just answered 401; then it is worth another try.

        Not for one that is meant to be refused. Raises CredentialRefused where its source gives nothing any more.
        """
        recipe = credential.recipe
        if recipe is None or recipe.how is not None or recipe.scheme.lower() not in _SCHEMES:
            return False
        role = recipe.secret
        if role not in self.sources:
            return False
        with self._lock:
            old = self._clock() - self._fetched[role] >= _NOT_BEFORE_S
            return (role in self._let_in or old) and self._fetch(role)

    def let_in(self, credential: Credential) -> None:
        """Take note that a credential was not answered 401."""
        if credential.recipe is not None and credential.recipe.how is None:
            self._let_in.add(credential.recipe.secret)

    def notes(self) -> Iterator[str]:
        """Which credentials were renewed, and how often."""
        for role, times in self.renewals.items():
            yield f"[auth] {role} has ended during the run and was fetched anew {times} time{'' if times == 1 else 's'}"

    def _look_ahead(self, role: str) -> None:
        ends, now = expiry_of(getattr(self.current, role)), self._clock()
        # One that is short-lived from the start is used as long as it lives.
        if ends is not None and ends - now < AHEAD_S and now - self._fetched[role] >= _NOT_BEFORE_S:
            self._fetch(role)

    def _fetch(self, role: str) -> bool:
        """Fetch one anew; whether it is another one."""
        try:
            value = self.sources[role].fetch()
        except ConfigError as error:
            raise CredentialRefused(f"the credential has ended and cannot be renewed: {error}") from None
        self._fetched[role] = self._clock()
        self._let_in.discard(role)
        if value == getattr(self.current, role):
            return False
        self.current = replace(self.current, **{role: value})
        self.renewals[role] += 1
        for tell in self.learned:
            tell(self.current)
        return True


def _told_apart(credentials: Credentials) -> None:
    roles: dict[str, str] = {}
    for role in credentials.ROLES:
        secret = getattr(credentials, role)
        if secret is not None and secret in roles:
            raise ConfigError(f"[auth] {role} is the same as [auth] {roles[secret]}; give another one, or leave it out")
        roles |= {secret: role} if secret is not None else {}
