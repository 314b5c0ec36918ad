"""Opening a target: a URL over HTTP, or an application mounted on respx under a real `httpx.Client`."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from urllib.parse import urlsplit

import httpx
import respx

from stagecheck.errors import ConfigError

EMBEDDED_URL = "http://stagecheck.invalid"
"""The base URL of a mocked target. `.invalid` never resolves (RFC 2606): nothing can leave the process."""

_HEADERS = {"User-Agent": "stagecheck"}


def is_loopback(url: str) -> bool:
    """Whether the URL's host is this machine for certain: 127.0.0.0/8, ::1 or localhost."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback


def _no_cookies() -> CookieJar:
    """A jar that keeps nothing: a request without a credential must not be let in by an earlier one's session."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))


@contextmanager
def live(url: str, timeout_s: float) -> Iterator[httpx.Client]:
    """A client for a live target. Redirects are answers like others; no cookie is kept.

    The environment's proxies and certificates are honoured, but for targets on this machine. Raises ConfigError where
    they cannot be used.
    """
    trusted = not is_loopback(url)
    try:
        client = httpx.Client(
            timeout=timeout_s, follow_redirects=False, headers=_HEADERS, cookies=_no_cookies(), trust_env=trusted
        )
    except (ValueError, ImportError, OSError) as error:
        raise ConfigError(
            f"the environment's proxies or certificates cannot be used: {error}; "
            "look at HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE and SSL_CERT_DIR"
        ) from None
    with client:
        yield client


@contextmanager
def mocked(application: Callable[[httpx.Request], httpx.Response]) -> Iterator[httpx.Client]:
    """A client whose every request to `EMBEDDED_URL` is answered by `application` in this process, through respx."""
    router = respx.MockRouter(base_url=EMBEDDED_URL, assert_all_called=False, assert_all_mocked=True)
    router.route().mock(side_effect=application)
    # Nothing leaves the process, so there is no certificate to check, and loading the store takes 40 ms.
    with (
        router,
        httpx.Client(verify=False, trust_env=False, headers=_HEADERS, cookies=_no_cookies()) as client,  # noqa: S501
    ):
        yield client
