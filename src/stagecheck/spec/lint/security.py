"""Which credentials are accepted. Sources: CONTRACT S7 (bearer) and P (the API token in Authorization)."""

from __future__ import annotations

from typing import Any

from stagecheck.operations import OperationKey
from stagecheck.spec.lint.findings import Severity
from stagecheck.spec.lint.view import Part, View


def is_bearer(scheme: Any) -> bool:
    """Whether a Security Scheme Object is the bearer one; OpenID Connect and OAuth hand out bearer tokens too."""
    if not isinstance(scheme, dict):
        return False
    by_http = scheme.get("type") == "http" and str(scheme.get("scheme")).lower() == "bearer"
    return by_http or scheme.get("type") in ("openIdConnect", "oauth2")


def is_token(scheme: Any) -> bool:
    """Whether a Security Scheme Object lets ``Authorization: Token …`` be sent."""
    if not isinstance(scheme, dict):
        return False
    in_header = scheme.get("in") == "header" and str(scheme.get("name")).lower() == "authorization"
    by_http = scheme.get("type") == "http" and str(scheme.get("scheme")).lower() == "token"
    return by_http or (scheme.get("type") == "apiKey" and in_header)


def check_security(view: View, key: OperationKey, part: Part) -> None:
    """Each of the two schemes has to suffice alone, and nothing must not."""
    schemes = view.child(view.top(), "components", "securitySchemes")
    security = view.child(part, "security") or view.child(view.top(), "security")
    if security is None or not isinstance(security.value, list):
        view.report("security-bearer", part, f"{key} needs no credential", mend="write security")
        return
    if not security.value:
        view.report("security-optional", security, f"{key} needs no credential")
        return
    alone: list[tuple[Part | None, Part]] = []
    for _, alternative in view.children(security):
        names = list(alternative.value) if isinstance(alternative.value, dict) else []
        if not names:
            view.report("security-optional", alternative, f"{key} may be called without a credential")
        elif len(names) == 1:
            alone.append((view.child(schemes, names[0]), alternative))
    known = [scheme for scheme, _ in alone if scheme is not None]
    if not any(is_bearer(scheme.value) for scheme in known):
        _report(view, "security-bearer", security, known, "type: http, scheme: bearer")
    if not any(is_token(scheme.value) for scheme in known):
        others = [one for one in known if isinstance(one.value, dict) and one.value.get("type") == "apiKey"]
        _report(view, "security-token", security, others, "type: apiKey, in: header, name: Authorization")


def _report(view: View, rule: str, security: Part, schemes: list[Part], wanted: str) -> None:
    """At the scheme that is most likely meant: one that says otherwise is an error, none at all is by the rule."""
    meant = next((one for one in schemes if not (is_bearer(one.value) or is_token(one.value))), None)
    if meant is not None:
        message = f"the scheme {meant.steps[-1]} is not {wanted}"
        view.report(rule, meant, message, severity=Severity.ERROR, mend=f"write {wanted}")
    else:
        message = f"no alternative of security is {wanted} alone"
        view.report(rule, security, message, mend="add the scheme, and an alternative of its own")
