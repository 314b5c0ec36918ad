"""Opening a target: a URL over HTTP, or an application mounted on respx under a real `httpx.Client`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import respx

EMBEDDED_URL = "http://stagecheck.invalid"
"""The base URL of a mocked target. `.invalid` never resolves (RFC 2606): nothing can leave the process."""

_HEADERS = {"User-Agent": "stagecheck"}


@contextmanager
def live(timeout_s: float) -> Iterator[httpx.Client]:
    """A client for a live target. Redirects are answers like others; the environment's proxies are honoured."""
    with httpx.Client(timeout=timeout_s, follow_redirects=False, headers=_HEADERS) as client:
        yield client


@contextmanager
def mocked(application: Callable[[httpx.Request], httpx.Response]) -> Iterator[httpx.Client]:
    """A client whose every request to `EMBEDDED_URL` is answered by `application` in this process, through respx."""
    router = respx.MockRouter(base_url=EMBEDDED_URL, assert_all_called=False, assert_all_mocked=True)
    router.route().mock(side_effect=application)
    # Nothing leaves the process, so there is no certificate to check, and loading the store takes 40 ms.
    with router, httpx.Client(verify=False, trust_env=False, headers=_HEADERS) as client:  # noqa: S501
        yield client
