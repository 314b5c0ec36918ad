"""`stagecheck.toml`: read, checked and turned into what a run needs. Every mistake is one line that names the mend.

A value is never repeated in a message where it may be a secret. Nothing here sends anything.
"""

from __future__ import annotations

import difflib
import os
import re
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

from stagecheck import config_values as values
from stagecheck.errors import ConfigError, closest
from stagecheck.model.state import Reading
from stagecheck.suite.plan import Plan, Profile, ProfileName, Things
from stagecheck.target.client import Limits
from stagecheck.target.credentials import Credentials, expiry_of
from stagecheck.target.hosts import is_loopback
from stagecheck.target.sources import FromCommand, FromFile, Source

DEFAULT_RATE = 20.0
"""Requests per second to a host that is not loopback, where the config says nothing."""
DEFAULT_SECONDS = {ProfileName.QUICK: 600.0, ProfileName.NIGHTLY: 600.0, ProfileName.EXHAUSTIVE: 7200.0}
"""Seconds of a run where the config says nothing."""
DEFAULT_TIMEOUT = 10.0
DEFAULT_CONCURRENCY = 8

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class TargetTable:
    """[target]: where the target is, and which things of it may be used.

    `manage_stages`: whether the run may make stages of its own, which it removes again. `version`: the target's.
    `allow_hosts`: the hosts that a run with this config may go to, None for any. `proxy`: in place of the
    environment's. `ca`: a file with CA certificates that are trusted besides the usual ones.
    """

    url: str
    environment: str | None = None
    stages: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    manage_stages: bool = True
    version: str | None = None
    allow_hosts: tuple[str, ...] | None = None
    proxy: str | None = field(default=None, repr=False)
    ca: Path | None = None


@dataclass(frozen=True, slots=True)
class AuthTable:
    """[auth]: the credentials; any may be missing. Kept out of `repr`.

    Each of `RENEWABLE` may come from a file or from what a command prints instead, and is fetched anew when it ends.
    """

    RENEWABLE: ClassVar = ("token", "jwt", "foreign_token")

    token: str | None = field(default=None, repr=False)
    jwt: str | None = field(default=None, repr=False)
    expired_jwt: str | None = field(default=None, repr=False)
    foreign_token: str | None = field(default=None, repr=False)
    token_file: Path | None = None
    jwt_file: Path | None = None
    foreign_token_file: Path | None = None
    token_command: tuple[str, ...] | None = field(default=None, repr=False)
    jwt_command: tuple[str, ...] | None = field(default=None, repr=False)
    foreign_token_command: tuple[str, ...] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ThingsTable:
    """[foreign] or [second]: things of another environment."""

    environment: str | None = None
    stage: str | None = None
    service: str | None = None


@dataclass(frozen=True, slots=True)
class LimitsTable:
    """[limits]: what the config says of the cost of a run; None where it says nothing."""

    rate: float | None = None
    requests: int | None = None
    seconds: float | None = None
    timeout: float | None = None
    concurrency: int | None = None


@dataclass(frozen=True, slots=True)
class StorageTable:
    """[storage]: what is kept between runs.

    `examples`: the directory of failing random walks; `ledgers`: that of what has to be put back (None: with the
    reports).
    """

    examples: Path | None = None
    ledgers: Path | None = None


@dataclass(frozen=True, slots=True)
class SpecTable:
    """[spec]: what the contract is read from. `document`: an OpenAPI document in place of the packaged one."""

    document: Path | None = None


@dataclass(frozen=True, slots=True)
class ReportTable:
    """[report]: what is written besides report.json and junit.xml.

    `formats`: names of `report.formats`. `history`: the directory that remembers runs; True for the one beside the
    reports, False for none.
    """

    formats: tuple[str, ...] = values.DEFAULT_FORMATS
    history: Path | bool = True


@dataclass(frozen=True, slots=True)
class Config:
    """A whole config, every value checked by itself; whether it fits the target, only the target can tell."""

    target: TargetTable
    auth: AuthTable = AuthTable()
    foreign: ThingsTable = ThingsTable()
    second: ThingsTable = ThingsTable()
    limits: LimitsTable = LimitsTable()
    storage: StorageTable = StorageTable()
    spec: SpecTable = SpecTable()
    report: ReportTable = ReportTable()


_Reader = Callable[[Any, str], Any]
_THINGS: dict[str, _Reader] = {"environment": values.uuid, "stage": values.uuid, "service": values.uuid}
TABLES: dict[str, dict[str, _Reader]] = {
    "target": {
        "url": values.url,
        "environment": values.uuid,
        "stages": values.uuids,
        "services": values.uuids,
        "manage_stages": values.flag,
        "version": values.version,
        "allow_hosts": values.hosts,
        "proxy": values.proxy,
        "ca": values.file,
    },
    "auth": {
        "token": values.secret,
        "jwt": values.secret,
        "expired_jwt": values.secret,
        "foreign_token": values.secret,
        **{f"{role}_file": values.file for role in AuthTable.RENEWABLE},
        **{f"{role}_command": values.command for role in AuthTable.RENEWABLE},
    },
    "foreign": _THINGS,
    "second": _THINGS,
    "limits": {
        "rate": values.positive,
        "requests": values.count,
        "seconds": values.positive,
        "timeout": values.positive,
        "concurrency": values.count,
    },
    "storage": {"examples": values.directory, "ledgers": values.directory},
    "spec": {"document": values.file},
    "report": {"formats": values.formats, "history": values.history},
}
"""Every table and key that a config may have, and how each is read. Pinned in DESIGN.md up to [limits]."""


# ---------------------------------------------------------------------- reading


def load(path: Path, *, url: str | None = None, environ: Mapping[str, str] | None = None) -> Config:
    """Read a config. `url` (already checked) takes the place of [target] url; `environ` that of the process.

    Raises ConfigError naming the file, the key and the mend.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"cannot read the config {path}: {error.strerror or error}; check its path") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text; save it as such") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not TOML: {error}; correct it there") from None
    try:
        config = _config(raw, os.environ if environ is None else environ, url)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    return _beside(path.parent, config)


def _beside(directory: Path, config: Config) -> Config:
    """The config with its files looked for beside it, where whoever wrote it has named them."""

    def found(file: Path | None) -> Path | None:
        return None if file is None else directory / file.expanduser()

    files: dict[str, Any] = {
        f"{role}_file": found(getattr(config.auth, f"{role}_file")) for role in AuthTable.RENEWABLE
    }
    return replace(
        config,
        target=replace(config.target, ca=found(config.target.ca)),
        auth=replace(config.auth, **files),
        spec=SpecTable(found(config.spec.document)),
    )


def _config(raw: Mapping[str, Any], environ: Mapping[str, str], url: str | None) -> Config:
    read = {name: _table(name, value, environ) for name, value in raw.items()}
    target = read.get("target", {})
    if url is not None:
        target["url"] = url
    _complete(target)
    config = Config(
        TargetTable(**target),
        AuthTable(**read.get("auth", {})),
        ThingsTable(**read.get("foreign", {})),
        ThingsTable(**read.get("second", {})),
        LimitsTable(**read.get("limits", {})),
        StorageTable(**read.get("storage", {})),
        SpecTable(**read.get("spec", {})),
        ReportTable(**read.get("report", {})),
    )
    _consistent(config)
    return config


def _consistent(config: Config) -> None:
    """What cannot be true together: one thing in two places, one credential in two roles. Raises ConfigError."""
    places: dict[str, str] = {}
    for where, identifiers in (
        ("[target] environment", [config.target.environment]),
        ("[target] stages", config.target.stages),
        ("[target] services", config.target.services),
        *((f"[{table}] {kind}", [getattr(things, kind)]) for table, things, kind in _things_of(config)),
    ):
        for identifier in {entry.lower() for entry in identifiers if entry is not None}:
            if identifier in places:
                raise ConfigError(
                    f"{identifier} stands in {places[identifier]} and in {where}; it can be one of them only"
                )
            places[identifier] = where
    for role in AuthTable.RENEWABLE:
        given = [key for key in (role, f"{role}_file", f"{role}_command") if getattr(config.auth, key) is not None]
        if len(given) > 1:
            raise ConfigError(f"[auth] has {' and '.join(given)}; give one of them")
    roles: dict[str, str] = {}
    for role in ("token", "jwt", "expired_jwt", "foreign_token"):
        secret = getattr(config.auth, role)
        if secret is not None and secret in roles:
            raise ConfigError(f"[auth] {role} is the same as [auth] {roles[secret]}; give another one, or leave it out")
        roles |= {secret: role} if secret is not None else {}
    ends = expiry_of(config.auth.expired_jwt) if config.auth.expired_jwt else None
    if ends is not None and ends > time.time():
        raise ConfigError("[auth] expired_jwt has not expired yet; give one whose exp lies in the past")


def _things_of(config: Config) -> Iterator[tuple[str, ThingsTable, str]]:
    for table, things in (("second", config.second), ("foreign", config.foreign)):
        for kind in ("environment", "stage", "service"):
            yield table, things, kind


def _table(name: str, value: Any, environ: Mapping[str, str]) -> dict[str, Any]:
    readers = TABLES.get(name)
    if readers is None:
        homes = [table for table, keys in TABLES.items() if name in keys]
        if homes and not isinstance(value, dict):
            raise ConfigError(f"{name} stands outside of any table; put it below [{homes[0]}]")
        what = f"table [{name}]" if isinstance(value, dict) else f"key {name}"
        raise ConfigError(f"unknown {what}; {closest(name, TABLES, '[{}]')}")
    if not isinstance(value, dict):
        raise ConfigError(f"{name} is {values.kind_of(value)}; write a table: [{name}]")
    for key in value:
        if key not in readers:
            raise ConfigError(f"unknown key {key} in [{name}]; {_mend_key(name, key)}")
    return {
        key: readers[key](_interpolated(entry, f"[{name}] {key}", environ), f"[{name}] {key}")
        for key, entry in value.items()
    }


def _mend_key(table: str, key: str) -> str:
    elsewhere = [name for name, keys in TABLES.items() if key in keys]
    if elsewhere and not difflib.get_close_matches(key, TABLES[table]):
        return f"it belongs below [{elsewhere[0]}]"
    return closest(key, TABLES[table])


def _interpolated(value: Any, where: str, environ: Mapping[str, str]) -> Any:
    """The value with every `${NAME}` replaced by that environment variable."""
    if isinstance(value, list):
        return [_interpolated(entry, f"{where}[{position}]", environ) for position, entry in enumerate(value)]
    if not isinstance(value, str):
        return value
    if "${" in _VARIABLE.sub("", value):
        raise ConfigError(f"{where} has a ${{ that names no environment variable; write ${{NAME}}")

    def lookup(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in environ:
            raise ConfigError(f"{where} names the environment variable {name}, which is not set; set it")
        return environ[name]

    return _VARIABLE.sub(lookup, value)


def _complete(target: Mapping[str, Any]) -> None:
    """What a run cannot begin without: a url, and an environment or else stages and services."""
    if "url" not in target:
        raise ConfigError("[target] url is missing; give the base URL of the target")
    if target.get("environment"):
        return
    missing = [key for key in ("stages", "services") if not target.get(key)]
    if len(missing) == 2:
        raise ConfigError("[target] environment is missing; give it, or else both stages and services")
    if missing:
        raise ConfigError(f"[target] {missing[0]} is missing or empty; without an environment it is needed")


# ---------------------------------------------------------------------- what a run is made from


def plan_of(
    config: Config, profile: Profile, selected: frozenset[str], *, seed: int = 0, reading: Reading | None = None
) -> Plan:
    """The plan of a run with that config."""
    return Plan(
        environment=config.target.environment,
        stages=config.target.stages,
        manage=config.target.manage_stages,
        services=config.target.services,
        second=Things(config.second.environment, config.second.stage, config.second.service),
        foreign=Things(config.foreign.environment, config.foreign.stage, config.foreign.service),
        profile=profile,
        selected=selected,
        seed=seed,
        reading=reading,
        kept=config.storage.examples,
    )


def limits_of(config: Config, profile: Profile) -> Limits:
    """What the run may cost: of the config's `requests` and the profile's, the smaller holds."""
    table = config.limits
    default_rate = None if is_loopback(config.target.url) else DEFAULT_RATE
    return Limits(
        rate=table.rate or default_rate,
        requests=min(table.requests or profile.requests, profile.requests),
        seconds=table.seconds or DEFAULT_SECONDS[profile.name],
        timeout=table.timeout or DEFAULT_TIMEOUT,
        concurrency=table.concurrency or DEFAULT_CONCURRENCY,
    )


def credentials_of(config: Config) -> Credentials:
    """The credentials that the config holds itself; see `sources_of` for the others."""
    auth = config.auth
    return Credentials(auth.token, auth.jwt, auth.expired_jwt, auth.foreign_token)


def sources_of(config: Config) -> dict[str, Source]:
    """Where the credentials come from that the config does not hold itself, by their role."""
    sources: dict[str, Source] = {}
    for role in AuthTable.RENEWABLE:
        file, command = getattr(config.auth, f"{role}_file"), getattr(config.auth, f"{role}_command")
        if file is not None:
            sources[role] = FromFile(f"[auth] {role}_file", file)
        elif command is not None:
            sources[role] = FromCommand(f"[auth] {role}_command", command)
    return sources
