"""Who says 502: the target, or whoever stands before it? And which faults pass by themselves.

A gateway speaks in its own words: HTML or plain text where the target speaks JSON, its name, "Bad Gateway". A guess, so
nothing hangs on it alone: what is answered like that again and again, while others are answered, is the target's doing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

STATUSES = frozenset({502, 503, 504, *range(520, 528), 530})
"""With which gateways say that the target did not answer them (RFC 9110 15.6.3-5), and those of one great CDN."""
_NAMES = (
    *("nginx", "openresty", "envoy", "istio", "cloudflare", "cloudfront", "awselb", "haproxy", "varnish", "traefik"),
    *(
        "kong",
        "akamaighost",
        "apisix",
        "google frontend",
        "gws",
        "microsoft-azure-application-gateway",
        "fastly",
    ),
)
_WORDS = re.compile(
    r"bad gateway|gateway time-?out|service (temporarily )?unavailable|upstream|backend fetch failed|"
    r"the request could not be satisfied|no available server|connection (refused|timed out)",
    re.IGNORECASE,
)
_JSON = re.compile(r"application/(json|[\w.+-]+\+json)\b", re.IGNORECASE)
_SIGNS = ("stagecheck-fault", "x-amzn-errortype", "x-envoy-upstream-service-time", "cf-ray", "x-azure-ref")
"""Headers that gateways add to their own answers; the first is that of `stagecheck serve --fail-rate`."""


class Origins:
    """Learns by which `Server` the target's own answers come, and tells a gateway's from them."""

    def __init__(self) -> None:
        self.servers: set[str] = set()
        self.signs: set[str] = set()

    def learn(self, status: int, headers: Mapping[str, str]) -> None:
        """Take note of an answer that is certainly the target's: any below 500."""
        if status < 500:
            self.servers.add(headers.get("server", "").lower())
            self.signs |= {sign for sign in _SIGNS if sign in headers}

    def speaker(self, status: int, headers: Mapping[str, str], body: bytes) -> str | None:
        """Which gateway has answered, in words for a reader; None where it seems to be the target itself."""
        if status not in STATUSES:
            return None
        server = headers.get("server", "").lower()
        foreign = server if server and self.servers and server not in self.servers else None
        named = next((name for name in _NAMES if server.startswith(name)), None)
        if any(sign in headers and sign not in self.signs for sign in _SIGNS) or (foreign and named):
            return f"a gateway ({server or 'by its headers'})"
        if _JSON.match(headers.get("content-type", "")):
            return None
        text = body[:4096].decode("utf-8", "replace")
        said = next((name for name in _NAMES if name in text.lower()), None) or foreign or named
        if said or not text.strip() or _WORDS.search(text) or "<html" in text.lower():
            return f"a gateway{f' ({said})' if said else ''}, it seems"
        return None
