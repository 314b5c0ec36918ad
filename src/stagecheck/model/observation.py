"""What an answer shows of the state, as values. Everything may be missing: silence is not a statement.

`Observation.of_list` says whether the answer claims to be all stages of an environment (the 200 of the attach
request, S6, and of the list) or one stage only.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SeenEntry:
    """A service entry of a stage. `service` is None where the entry does not say whose it is."""

    service: str | None
    skipped: bool
    type: str | None = None
    created_at: str | None = None
    updated_at: str | None = None


@dataclass(frozen=True, slots=True)
class SeenStage:
    """A stage as shown; `entries` is None where the answer does not speak of services."""

    id: str
    environment: str | None = None
    name: str | None = None
    description: str | None = None
    order: int | None = None
    created_at: str | None = None
    updated_at: str | None = None
    entries: tuple[SeenEntry, ...] | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """The stages that a 200 answer shows, in its own order."""

    stages: tuple[SeenStage, ...]
    of_list: bool

    @property
    def names_services(self) -> bool:
        """Whether every entry of every stage says whose it is, and every stage speaks of its services."""
        return all(
            stage.entries is not None and all(entry.service is not None for entry in stage.entries)
            for stage in self.stages
        )


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer by meaning. `status` None: no answer came, so nobody knows whether the request took effect.

    `shows` is None where the answer shows no state (a refusal, or a body that cannot be read).
    """

    status: int | None
    shows: Observation | None = None

    @property
    def accepted(self) -> bool:
        """Whether the target says that it did what was asked."""
        return self.status is not None and 200 <= self.status < 300

    def speaks_of(self, service: str) -> bool:
        """Whether the answer says where a service is, be it by leaving it out of a complete list."""
        if self.shows is None:
            return False
        entries = (entry for stage in self.shows.stages for entry in stage.entries or ())
        return self.shows.names_services or any(entry.service == service for entry in entries)

    @property
    def refused(self) -> bool:
        """Whether the target says that it did nothing (RFC 9110 15.5)."""
        return self.status is not None and 400 <= self.status < 500
