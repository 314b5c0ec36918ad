"""A reproducer as a test file: pytest runs it, httpx sends the steps, nothing else is needed.

Ids and credentials come from the environment; the ids of the run are what they default to.
"""

from __future__ import annotations

import pprint
from collections.abc import Iterator, Mapping
from typing import Any

from stagecheck.report.reproducer.common import (
    CHECKS,
    body_of,
    checks_of,
    comment,
    one_line,
    secrets_of,
    title,
    variable,
)
from stagecheck.standalone import checks, secrets, source_of
from stagecheck.standalone.steps import farewell, needed

_SEND = '''
def bound(value):
    """A value with the ids in place of their symbols; `{stage:A~}` is the id in the other letter case."""
    if isinstance(value, str):
        return re.sub(r"\\{([a-z.]+(?::[A-Z0-9]+)?)(~?)\\}", identifier, value)
    if isinstance(value, dict):
        return {key: bound(entry) for key, entry in value.items()}
    return [bound(entry) for entry in value] if isinstance(value, list) else value


def identifier(found):
    value = IDS[found.group(1)]
    return respelled(value) if found.group(2) else value


def made(answer):
    """The id of the stage that an answer shows."""
    try:
        return json.loads(answer["body"])["id"]
    except (ValueError, TypeError, KeyError):
        return "no-stage-was-made"


def send(client, step):
    """Send one step; its answer as the checks read it."""
    headers = dict(step["headers"])
    if step["authorization"] is not None:
        headers["Authorization"] = step["authorization"]().strip()
    client.cookies.clear()  # no step is let in by the session of another
    request = client.build_request(
        step["method"], URL.rstrip("/") + bound(step["path"]), headers=headers, content=step["body"]
    )
    answer = client.send(request)
    return {
        "asked": step["asks"],
        "path": step["path"],
        "status": answer.status_code,
        "content_type": answer.headers.get("content-type", ""),
        "body": answer.content.decode("utf-8", "replace"),
    }
'''

_TEST = """
def {name}():
    answers = []
    with httpx.Client(timeout=30.0) as client:
        for number, step in enumerate(STEPS):
            answers.append(send(client, step))
            code = answers[-1]["status"]
            if "makes" in step:
                IDS[step["makes"]] = made(answers[-1])
            if number in NEEDED and not 200 <= code < 300:
                raise RuntimeError(f"step {{number + 1}}, which the others need, was answered {{code}}: check ids")
        for step in FAREWELL:
            send(client, step)
    for number, check, witness in GIVEN:
        if check(bound(witness), answers[number], answers[:number]):
            return  # it went another way: the story no longer happens
    seen = {check}(bound(WITNESS), answers[-1], answers[:-1])
    assert seen is None, f"expected {{EXPECTED}}; came: {{seen}}"
"""


def pytest_of(story: Mapping[str, Any]) -> str:
    """A test that fails while the promise is broken."""
    name = f"test_{story['requirement'].lower().replace('-', '_')}"
    hows = sorted({how for step in story["steps"] if (how := step["credential"].get("how"))})
    environment = " ".join(f"{name}=…" for name in secrets_of(story))
    parts = [f'"""{chr(10).join(title(story))}', ""]
    parts += [
        "Fails while the promise is broken. Needs pytest and httpx:",
        "",
        f"    {environment} pytest FILE".rstrip(),
    ]
    parts += [
        "",
        "Ids and URL are those of the run; set STAGECHECK_URL, STAGE_A, SERVICE_1, … for another target.",
        '"""',
        "",
    ]
    parts += ["import json", "import os", "import re", "", "import httpx", ""]
    parts += [source_of(checks, checks_of(story)), "", "", source_of(secrets, ["respelled", *hows]), ""]
    parts += [f'URL = os.environ.get("STAGECHECK_URL", {story["url"]!r})', "IDS = {"]
    for symbol, bound in story["bindings"].items():
        parts.append(f'    "{symbol}": os.environ.get("{variable(symbol)}", {bound["id"]!r}),{comment(bound)}')
    parts += ["}", "STEPS = ["]
    for step in story["steps"]:
        parts += [f"    {line}" for line in _python_step(step)]
    parts += ["]", "FAREWELL = [  # clears away what was made here"]
    for step in farewell(story):
        parts += [f"    {line}" for line in _python_step(step)]
    parts += ["]", f"NEEDED = {needed(story)!r}"]
    given = ", ".join(f"({n}, {CHECKS[c['kind']]}, {c!r})" for n, c in story["given"])
    parts += [f"GIVEN = [{given}]", f"WITNESS = {pprint.pformat(story['witness'], sort_dicts=False)}"]
    parts += [f"EXPECTED = {one_line(story['expected'])!r}", "", _SEND, ""]
    parts += [_TEST.strip("\n").format(name=name, check=CHECKS[story["witness"]["kind"]])]
    return "\n".join(parts) + "\n"


def _python_step(step: Mapping[str, Any]) -> Iterator[str]:
    credential = step["credential"]
    if "secret" in credential:
        value = f'os.environ["STAGECHECK_{credential["secret"].upper()}"]'
        value = f"{credential['how']}({value})" if credential["how"] else value
        value = value.replace('"', "'")
        scheme = f"{credential['scheme']} " if credential["scheme"] else ""
        header = f'lambda: f"{scheme}{{{value}}}"'
    else:
        header = "None" if credential["header"] is None else f"lambda: {credential['header']!r}"
    yield "{"
    for key in ("method", "path", "headers", "asks"):
        yield f"    {key!r}: {step[key]!r},"
    if "makes" in step:
        yield f"    'makes': {step['makes']!r},"
    yield f"    'body': {body_of(step)!r},"
    yield f"    'authorization': {header},  # {one_line(credential['name'])}"
    yield "},"
