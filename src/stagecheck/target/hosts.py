"""Which host a URL names, and whether a run may go there: the config's list, and names that look like production.

Nothing is resolved or connected to here: a host is judged by its name alone.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from urllib.parse import urlsplit

from stagecheck.errors import ConfigError, UsageError

VENDOR_HOSTS = frozenset({"api.qovery.com"})
"""Where the vendor's own API answers (P): every environment behind it is somebody's."""
_PRODUCTION = frozenset({"prod", "production", "live"})
_SCHEME_PORTS = {"http": 80, "https": 443}


def host_of(url: str) -> str:
    """The host of a URL as it is compared: lower case, without the dot of a fully qualified name."""
    return (urlsplit(url).hostname or "").rstrip(".").lower()


def is_loopback(url: str) -> bool:
    """Whether the URL's host is this machine for certain: 127.0.0.0/8, ::1 or localhost."""
    host = host_of(url)
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback


def allowed(url: str, hosts: Collection[str]) -> bool:
    """Whether one of the entries names the URL's host: `host`, `host:port`, or `*.domain` for all below a domain."""
    parts, host = urlsplit(url), host_of(url)
    port = parts.port or _SCHEME_PORTS.get(parts.scheme)
    for entry in hosts:
        name, wanted = split_entry(entry)
        if wanted is not None and wanted != port:
            continue
        if name == host or (name.startswith("*.") and host.endswith(name[1:]) and len(host) > len(name) - 1):
            return True
    return False


def split_entry(entry: str) -> tuple[str, int | None]:
    """An entry of allow_hosts as host and port; `[::1]:8080` as well. Raises ValueError where it is none."""
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|((?:\*\.)?[^\s\[\]:/@*?#]+))(?::(\d{1,5}))?", entry)
    if match is None:
        # An IPv6 address without brackets is one all the same.
        return str(ipaddress.IPv6Address(entry)), None
    port = int(match[3]) if match[3] else None
    return (match[1] or match[2]).rstrip(".").lower(), port


def production_word(url: str) -> str | None:
    """What makes a URL look like production: a part of its host's labels, or that the vendor's API answers there."""
    host = host_of(url)
    if host in VENDOR_HOSTS:
        return host
    words = (word for label in host.split(".") for word in re.split(r"[-_]|(?<=[a-z])(?=\d)|(?<=\d)(?=[a-z])", label))
    return next((word for word in words if word in _PRODUCTION), None)


def check_host(url: str, hosts: Collection[str] | None, *, writes: bool, production: bool, option: str) -> None:
    """Refuse a host that the config does not list, and production without the option.

    `hosts`: [target] allow_hosts, None where it is left out. `writes`: whether anything would be written; reading
    needs no option. `option`: how the option for production is spelled. Raises ConfigError, UsageError.
    """
    if hosts is not None and not allowed(url, hosts):
        raise ConfigError(
            f"{host_of(url)} is not among [target] allow_hosts ({', '.join(hosts)}); add it there if a run may go to it"
        )
    word = production_word(url)
    if word is not None and writes and not production:
        why = "is the vendor's own API" if word in VENDOR_HOSTS else f'looks like production ("{word}" in its name)'
        raise UsageError(f"{host_of(url)} {why}, and a run moves services there: give {option} if it really may")
