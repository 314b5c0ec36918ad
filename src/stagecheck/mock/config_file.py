"""The `stagecheck.toml` that judges a mock: every table that its scenario has something for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from stagecheck.mock.handle import MockTarget

_DEFAULTS = """\
# [limits]                      # what may be said besides
# rate = 20.0                   # requests per second; on this machine there is no limit otherwise
# requests = 3000               # as many as the profile allows otherwise
# seconds = 600
# timeout = 10.0
# concurrency = 8
# [spec]
# document = "openapi.yaml"     # in place of the packaged one
# [report]
# formats = ["html"]            # what is written besides report.json and junit.xml
# history = "reports/history"   # where runs are remembered for stagecheck trend; false for nowhere
# [storage]
# examples = ".stagecheck/examples"
# ledgers = ".stagecheck/ledgers" # what has to be put back after a crash; otherwise with the reports
"""


def config_of(target: MockTarget) -> str:
    """A whole config, as TOML."""
    scenario, secrets = target.scenario, target.secrets
    lines = ["[target]", _string("url", target.url), _string("environment", scenario.environment)]
    for key, ids in (("stages", target.stages), ("services", target.services)):
        lines += _list(key, [(identifier, name) for name, identifier in ids.items()]) if ids else []
    lines.append("# manage_stages = true          # whether a run may make stages of its own, which it removes again")
    lines.append('# allow_hosts = ["127.0.0.1"]   # no other host is gone to')
    lines.append('# version = "1.0.0"             # of the target: stagecheck trend tells flaky from changed by it')
    lines += ["", "[auth]"]
    for key in ("token", "jwt", "expired_jwt", "foreign_token"):
        value = getattr(secrets, key)
        lines.append(_string(key, value) if value else f"# {key}: the scenario has none")
    for table, environment in (("second", scenario.second_environment), ("foreign", scenario.foreign_environment)):
        lines += ["", *_things(target, table, environment)]
    return "\n".join([*lines, "", _DEFAULTS])


def _things(target: MockTarget, table: str, environment: str | None) -> Iterator[str]:
    if environment is None:
        what = "environment of the same organization" if table == "second" else "organization"
        yield f"# [{table}]: the scenario has no other {what}"
        return
    yield f"[{table}]"
    yield _string("environment", environment)
    for key, ids in (
        ("stage", target.scenario.stages(environment)),
        ("service", target.scenario.services(environment)),
    ):
        if ids:
            yield _string(key, ids[0])


def _list(key: str, entries: Sequence[tuple[str, str]]) -> list[str]:
    return [f"{key} = [", *(f"    {json.dumps(identifier)},{_comment(name)}" for identifier, name in entries), "]"]


def _comment(name: str) -> str:
    """A name as a comment; a TOML comment holds no control characters."""
    return f"  # {name}" if name.isprintable() else ""


def _string(key: str, value: str) -> str:
    return f"{key} = {json.dumps(value)}"
