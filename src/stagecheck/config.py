"""`stagecheck.toml`: read, checked and turned into what a run needs. Every mistake is one line that names the mend.

A value is never repeated in a message where it may be a secret. Nothing here sends anything.
"""

from __future__ import annotations

import difflib
import math
import os
import re
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from stagecheck.errors import ConfigError, closest
from stagecheck.model.state import Reading, is_uuid
from stagecheck.report.formats import FORMATS
from stagecheck.suite.plan import Plan, Profile, ProfileName, Things
from stagecheck.target.client import Limits
from stagecheck.target.credentials import Credentials, expiry_of
from stagecheck.target.reach import is_loopback

DEFAULT_RATE = 20.0
"""Requests per second to a host that is not loopback, where the config says nothing."""
DEFAULT_SECONDS = {ProfileName.QUICK: 600.0, ProfileName.NIGHTLY: 600.0, ProfileName.EXHAUSTIVE: 7200.0}
"""Seconds of a run where the config says nothing."""
DEFAULT_TIMEOUT = 10.0
DEFAULT_CONCURRENCY = 8
_MOST = 1_000_000
"""More of anything is a slip of the keyboard, and overflows a clock somewhere."""

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class TargetTable:
    """[target]: where the target is, and which things of it may be used.

    `manage_stages`: whether the run may make stages of its own, which it removes again.
    """

    url: str
    environment: str | None = None
    stages: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    manage_stages: bool = True


@dataclass(frozen=True, slots=True)
class AuthTable:
    """[auth]: the credentials; any may be missing. Kept out of `repr`."""

    token: str | None = field(default=None, repr=False)
    jwt: str | None = field(default=None, repr=False)
    expired_jwt: str | None = field(default=None, repr=False)
    foreign_token: str | None = field(default=None, repr=False)


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
    """[report]: what is written besides report.json and junit.xml. `formats`: names of `report.formats`."""

    formats: tuple[str, ...] = ()


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


# ---------------------------------------------------------------------- the values, each with its mend


def checked_url(text: str, where: str) -> str:
    """A base URL without a slash at its end. Raises ConfigError, `where` being the key or argument it came from."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigError(f"{where} is no URL ({error}); give one such as http://127.0.0.1:8080") from None
    if parts.scheme not in ("http", "https") or not host or re.search(r"[\s\x00-\x1f\x7f]", text):
        raise ConfigError(f"{where} {text!r} is no http or https URL; give one such as http://127.0.0.1:8080")
    if parts.username is not None or parts.password is not None:
        raise ConfigError(f"{where} holds a user name or password; leave it out, and give a credential in [auth]")
    if parts.query or parts.fragment:
        raise ConfigError(f"{where} {text!r} has a query or a fragment; give the base URL alone")
    return text.rstrip("/")


def _url(value: Any, where: str) -> str:
    return checked_url(_string(value, where, "a URL such as http://127.0.0.1:8080"), where)


def _uuid(value: Any, where: str) -> str:
    text = _string(value, where, "a UUID")
    if not is_uuid(text):
        raise ConfigError(f"{where} is not a UUID: {text!r}; give an id such as 3fa85f64-5717-4562-b3fc-2c963f66afa6")
    return text


def _uuids(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ConfigError(f"{where} is {kind_of(value)}; give a list of UUIDs")
    return tuple(_uuid(entry, f"{where}[{position}]") for position, entry in enumerate(value))


def _secret(value: Any, where: str) -> str:
    text = _string(value, where, "a credential as a string")
    if not text:
        raise ConfigError(f"{where} is empty; give the credential, or remove the key")
    if not re.fullmatch(r"[\x21-\x7e]+", text):
        raise ConfigError(
            f"{where} holds white space or characters that no header may hold; give the credential alone, "
            "without its scheme"
        )
    return text


def _directory(value: Any, where: str) -> Path:
    text = _string(value, where, "a directory")
    if not text or "\0" in text:
        raise ConfigError(f"{where} names no directory; give one such as .stagecheck/examples")
    if Path(text).exists() and not Path(text).is_dir():
        raise ConfigError(f"{where} is a file: {text}; give a directory")
    return Path(text)


def _file(value: Any, where: str) -> Path:
    text = _string(value, where, "a file")
    if not text or "\0" in text:
        raise ConfigError(f"{where} names no file; give one such as openapi.yaml")
    return Path(text)


def _formats(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ConfigError(f"{where} is {kind_of(value)}; give a list of {', '.join(FORMATS)}")
    names = [_string(entry, f"{where}[{position}]", "a name") for position, entry in enumerate(value)]
    for name in names:
        if name not in FORMATS:
            raise ConfigError(f"{where} names no format: {name!r}; {closest(name, FORMATS)}")
    return tuple(dict.fromkeys(names))


def _positive(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(f"{where} is {kind_of(value)}; give a number greater than 0")
    if not math.isfinite(value) or value <= 0 or value > _MOST:
        raise ConfigError(f"{where} is {value}; give a number greater than 0, and at most {_MOST:,}")
    return float(value)


def _count(value: Any, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConfigError(f"{where} is {kind_of(value)}; give a whole number greater than 0")
    if value <= 0:
        raise ConfigError(f"{where} is {value}; give a whole number greater than 0")
    return value


def _flag(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise ConfigError(f"{where} is {kind_of(value)}; give true or false")
    return value


def _string(value: Any, where: str, wanted: str) -> str:
    if not isinstance(value, str):
        raise ConfigError(f"{where} is {kind_of(value)}; give {wanted}")
    return value


def kind_of(value: Any) -> str:
    """The TOML name of a value's type: the value itself may be a secret in the wrong place."""
    for kind, name in (
        (bool, "a boolean"),
        (str, "a string"),
        (int, "a whole number"),
        (float, "a number"),
        (list, "a list"),
        (dict, "a table"),
    ):
        if isinstance(value, kind):
            return name
    return "a date or time"


_Reader = Callable[[Any, str], Any]
_THINGS: dict[str, _Reader] = {"environment": _uuid, "stage": _uuid, "service": _uuid}
_TABLES: dict[str, dict[str, _Reader]] = {
    "target": {"url": _url, "environment": _uuid, "stages": _uuids, "services": _uuids, "manage_stages": _flag},
    "auth": {"token": _secret, "jwt": _secret, "expired_jwt": _secret, "foreign_token": _secret},
    "foreign": _THINGS,
    "second": _THINGS,
    "limits": {
        "rate": _positive,
        "requests": _count,
        "seconds": _positive,
        "timeout": _positive,
        "concurrency": _count,
    },
    "storage": {"examples": _directory, "ledgers": _directory},
    "spec": {"document": _file},
    "report": {"formats": _formats},
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
    if config.spec.document is None:
        return config
    # Like the config itself it is named by whoever wrote it, and they wrote it beside the config.
    return replace(config, spec=SpecTable(path.parent / config.spec.document))


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
    readers = _TABLES.get(name)
    if readers is None:
        homes = [table for table, keys in _TABLES.items() if name in keys]
        if homes and not isinstance(value, dict):
            raise ConfigError(f"{name} stands outside of any table; put it below [{homes[0]}]")
        what = f"table [{name}]" if isinstance(value, dict) else f"key {name}"
        raise ConfigError(f"unknown {what}; {closest(name, _TABLES, '[{}]')}")
    if not isinstance(value, dict):
        raise ConfigError(f"{name} is {kind_of(value)}; write a table: [{name}]")
    for key in value:
        if key not in readers:
            raise ConfigError(f"unknown key {key} in [{name}]; {_mend_key(name, key)}")
    return {
        key: readers[key](_interpolated(entry, f"[{name}] {key}", environ), f"[{name}] {key}")
        for key, entry in value.items()
    }


def _mend_key(table: str, key: str) -> str:
    elsewhere = [name for name, keys in _TABLES.items() if key in keys]
    if elsewhere and not difflib.get_close_matches(key, _TABLES[table]):
        return f"it belongs below [{elsewhere[0]}]"
    return closest(key, _TABLES[table])


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
    """The credentials that the config gives."""
    auth = config.auth
    return Credentials(auth.token, auth.jwt, auth.expired_jwt, auth.foreign_token)
