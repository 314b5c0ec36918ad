"""Opening a target: a URL over HTTP, or an application mounted on respx under a real `httpx.Client`."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path

import httpx
import respx

from stagecheck.errors import ConfigError
from stagecheck.target.hosts import is_loopback

EMBEDDED_URL = "http://stagecheck.invalid"
"""The base URL of a mocked target. `.invalid` never resolves (RFC 2606): nothing can leave the process."""

_HEADERS = {"User-Agent": "stagecheck"}


def _no_cookies() -> CookieJar:
    """A jar that keeps nothing: a request without a credential must not be let in by an earlier one's session."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))


def unreachable(url: str, error: httpx.TransportError, timeout_s: float) -> tuple[str, bool]:
    """Why no connection could be made, with the mend, and whether trying again is of no use."""
    text = str(error)
    if isinstance(error, httpx.ConnectTimeout):
        return f"no connection to {url} within {timeout_s:g} s", False
    if isinstance(error, httpx.ProxyError):
        refused = "407" in text or "Authentication" in text
        return f"the proxy on the way to {url} refused: {text}; check [target] proxy or HTTPS_PROXY", refused
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return f"the certificate of {url} is not trusted: {text}; give the CA that signed it as [target] ca", True
    if "SSL" in text or "WRONG_VERSION_NUMBER" in text:
        return f"no TLS connection to {url}: {text}; is it https, and the port right?", True
    return f"cannot connect to {url}: {text}; is the target running, and the URL right?", False


@contextmanager
def live(url: str, timeout_s: float, *, proxy: str | None = None, ca: Path | None = None) -> Iterator[httpx.Client]:
    """A client for a live target. Redirects are answers like others; no cookie is kept.

    The environment's proxies and certificates are honoured, but for targets on this machine; `proxy` takes the place of
    the former, the certificates in the file `ca` are trusted besides. There is no way to trust everybody. Raises
    ConfigError where they cannot be used.
    """
    trusted = not is_loopback(url)
    verify = True if ca is None else _trusting(ca, trust_env=trusted)
    try:
        client = httpx.Client(
            timeout=timeout_s,
            follow_redirects=False,
            headers=_HEADERS,
            cookies=_no_cookies(),
            trust_env=trusted,
            proxy=proxy,
            verify=verify,
        )
    except (ValueError, ImportError, OSError) as error:
        raise ConfigError(
            f"the environment's proxies or certificates cannot be used: {error}; "
            "look at HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE and SSL_CERT_DIR"
        ) from None
    with client:
        yield client


def _trusting(ca: Path, *, trust_env: bool) -> ssl.SSLContext:
    """The usual certificates and those in a file. Raises ConfigError."""
    context = httpx.create_ssl_context(trust_env=trust_env)
    try:
        context.load_verify_locations(cafile=ca)
    except ssl.SSLError:
        raise ConfigError(f"[target] ca: {ca} holds no certificates; give a file in PEM format") from None
    except OSError as error:
        raise ConfigError(f"[target] ca: cannot read {ca}: {error.strerror or error}; check its path") from None
    return context


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
