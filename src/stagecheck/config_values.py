"""The values of `stagecheck.toml`, one function for each kind: (value, where it stands) → what it means.

Every mistake is a ConfigError of one line that names the mend; a value that may be a secret is not repeated in it.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from stagecheck.errors import ConfigError, closest
from stagecheck.model.state import is_uuid
from stagecheck.report.formats import FORMATS
from stagecheck.target.hosts import split_entry

_MOST = 1_000_000
"""More of anything is a slip of the keyboard, and overflows a clock somewhere."""
_LONGEST_VERSION = 100


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


def url(value: Any, where: str) -> str:
    """A base URL, as `checked_url` has it."""
    return checked_url(string(value, where, "a URL such as http://127.0.0.1:8080"), where)


def uuid(value: Any, where: str) -> str:
    """A UUID in any spelling."""
    text = string(value, where, "a UUID")
    if not is_uuid(text):
        raise ConfigError(f"{where} is not a UUID: {text!r}; give an id such as 3fa85f64-5717-4562-b3fc-2c963f66afa6")
    return text


def uuids(value: Any, where: str) -> tuple[str, ...]:
    """A list of UUIDs."""
    if not isinstance(value, list):
        raise ConfigError(f"{where} is {kind_of(value)}; give a list of UUIDs")
    return tuple(uuid(entry, f"{where}[{position}]") for position, entry in enumerate(value))


def hosts(value: Any, where: str) -> tuple[str, ...]:
    """A list of hosts, each as `host`, `host:port` or `*.domain`."""
    if not isinstance(value, list):
        raise ConfigError(f"{where} is {kind_of(value)}; give a list of hosts")
    for position, entry in enumerate(value):
        text = string(entry, f"{where}[{position}]", "a host")
        try:
            split_entry(text)
        except ValueError:
            raise ConfigError(
                f"{where}[{position}] is no host: {text!r}; give one such as api.example.com, 127.0.0.1:8080 or "
                "*.example.com"
            ) from None
    if not value:
        raise ConfigError(f"{where} is empty, so no host is allowed; name one, or remove the key")
    return tuple(value)


def secret(value: Any, where: str) -> str:
    """A credential without its scheme."""
    text = string(value, where, "a credential as a string")
    if not text:
        raise ConfigError(f"{where} is empty; give the credential, or remove the key")
    if not re.fullmatch(r"[\x21-\x7e]+", text):
        raise ConfigError(
            f"{where} holds white space or characters that no header may hold; give the credential alone, "
            "without its scheme"
        )
    return text


def directory(value: Any, where: str) -> Path:
    """A directory that is there, or can be made."""
    text = string(value, where, "a directory")
    if not text or "\0" in text:
        raise ConfigError(f"{where} names no directory; give one such as .stagecheck/examples")
    if Path(text).exists() and not Path(text).is_dir():
        raise ConfigError(f"{where} is a file: {text}; give a directory")
    return Path(text)


def file(value: Any, where: str) -> Path:
    """A file; whether it is there is seen when it is read."""
    text = string(value, where, "a file")
    if not text or "\0" in text:
        raise ConfigError(f"{where} names no file; give one such as openapi.yaml")
    return Path(text)


def version(value: Any, where: str) -> str:
    """A version of the target, as its makers write it."""
    text = string(value, where, 'a version such as "4.2.0"').strip()
    if not text or len(text) > _LONGEST_VERSION or not text.isprintable():
        raise ConfigError(f"{where} is no version; give at most {_LONGEST_VERSION} characters, or remove it")
    return text


def history(value: Any, where: str) -> Path | bool:
    """The directory that remembers runs; true for the usual one, false for none."""
    return value if isinstance(value, bool) else directory(value, where)


DEFAULT_FORMATS = ("html",)
"""What is written besides report.json and junit.xml where the config says nothing."""


def formats(value: Any, where: str) -> tuple[str, ...]:
    """Names of `report.formats`, each once."""
    if not isinstance(value, list):
        raise ConfigError(f"{where} is {kind_of(value)}; give a list of {', '.join(FORMATS)}")
    names = [string(entry, f"{where}[{position}]", "a name") for position, entry in enumerate(value)]
    for name in names:
        if name not in FORMATS:
            raise ConfigError(f"{where} names no format: {name!r}; {closest(name, FORMATS)}")
    return tuple(dict.fromkeys(names))


def positive(value: Any, where: str) -> float:
    """A number greater than 0."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(f"{where} is {kind_of(value)}; give a number greater than 0")
    if not math.isfinite(value) or value <= 0 or value > _MOST:
        raise ConfigError(f"{where} is {value}; give a number greater than 0, and at most {_MOST:,}")
    return float(value)


def proxy(value: Any, where: str) -> str:
    """The URL of a proxy, which may hold a user name and a password: it is not repeated in messages."""
    text = string(value, where, "a URL such as http://proxy.example.com:3128")
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https") or not re.fullmatch(r"[\x21-\x7e]+", text):
        raise ConfigError(f"{where} is no http or https URL; give one such as http://proxy.example.com:3128")
    return text


def command(value: Any, where: str) -> tuple[str, ...]:
    """A program with its arguments. There is no shell between: nothing in it is expanded or split."""
    if not isinstance(value, list):
        raise ConfigError(f'{where} is {kind_of(value)}; give a list such as ["vault", "read", "-field=token", "path"]')
    words = tuple(string(entry, f"{where}[{position}]", "a string") for position, entry in enumerate(value))
    if not words or not words[0] or any("\0" in word for word in words):
        raise ConfigError(f'{where} names no program; give a list such as ["vault", "read", "-field=token", "path"]')
    return words


def count(value: Any, where: str) -> int:
    """A whole number greater than 0."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConfigError(f"{where} is {kind_of(value)}; give a whole number greater than 0")
    if value <= 0:
        raise ConfigError(f"{where} is {value}; give a whole number greater than 0")
    return value


def flag(value: Any, where: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ConfigError(f"{where} is {kind_of(value)}; give true or false")
    return value


def string(value: Any, where: str, wanted: str) -> str:
    """A string; `wanted` says what is asked for instead."""
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
