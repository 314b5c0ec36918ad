"""A reproducer as a POSIX shell script: curl sends the steps, python3 judges the last answer.

Ids and credentials come from the environment; the ids of the run are what they default to.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from stagecheck.report.reproducer.common import (
    CHECKS,
    body_of,
    checks_of,
    comment,
    secrets_of,
    title,
    variable,
)
from stagecheck.standalone import checks, secrets, source_of
from stagecheck.standalone.steps import farewell, needed
from stagecheck.standalone.symbols import SYMBOL

_JUDGE = '''
import os
import sys

sys.stdout.reconfigure(errors="backslashreplace")

def bound(value):
    """A value with the ids in place of their symbols."""
    if isinstance(value, str):
        return re.sub(r"\\{([a-z.]+(?::[A-Z0-9]+)?)~?\\}", lambda found: IDS[found.group(1)], value)
    if isinstance(value, dict):
        return {key: bound(entry) for key, entry in value.items()}
    return [bound(entry) for entry in value] if isinstance(value, list) else value

answers = []
for number, (asked, path) in enumerate(ASKED):
    with open(os.path.join(sys.argv[1], f"{number}.status")) as told:
        code, _, media = told.read().partition(" ")
    body = os.path.join(sys.argv[1], f"{number}.body")
    text = open(body, encoding="utf-8", errors="replace").read() if os.path.exists(body) else ""
    answers.append({"asked": asked, "path": path, "status": int(code) or None, "content_type": media, "body": text})
    if number in NEEDED and not 200 <= int(code) < 300:
        print(f"step {number + 1}, which the others need, was answered {code}: check ids, names and the credential")
        sys.exit(3)
for number, check, witness in GIVEN:
    other = check(bound(witness), answers[number], answers[:number])
    if other:
        print(f"gone: step {number + 1} went another way ({other})")
        sys.exit(0)
seen = CHECK(bound(WITNESS), answers[-1], answers[:-1])
print(f"reproduced: {seen}" if seen else "gone: the promise is kept")
sys.exit(1 if seen else 0)
'''

_RESPELLED = (
    "respelled() {",
    '  upper=$(printf %s "$1" | tr "a-z" "A-Z")',
    '  if [ "$upper" != "$1" ]; then printf %s "$upper"; else printf %s "$1" | tr "A-Z" "a-z"; fi',
    "}",
)


_MADE = (
    "made() {  # the id of the stage that the last answer shows",
    "  python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[\"id\"])' \\",
    '    "$answers/$((number - 1)).body" 2>/dev/null || echo no-stage-was-made',
    "}",
)


def shell_of(story: Mapping[str, Any]) -> str:
    """A POSIX shell script: curl sends the steps, and python3, where there is one, judges the last answer."""
    lines = ["#!/bin/sh", *(f"# {line}".rstrip() for line in title(story)), "#"]
    lines += ["# Exit code 1: reproduced, 0: gone, 3: could not be told. Needs curl, and python3 to judge."]
    lines += ["# Ids and URL are those of the run; set the variables below in the environment for another target.", ""]
    lines += [_default("STAGECHECK_URL", story["url"])]
    lines += [f': "${{{name}:?set it to the secret that the requests need}}"' for name in secrets_of(story)]
    lines += [_default(variable(s), bound["id"]) + comment(bound) for s, bound in story["bindings"].items()]
    lines += ["", "answers=$(mktemp -d) || exit 3", "trap 'rm -rf \"$answers\"' EXIT", "number=0"]
    lines += ["send() {", '  printf "%s %s\\n" "$1" "$2"']
    lines += ["  method=$1 path=$2; shift 2"]
    lines += ['  curl -sS --globoff --path-as-is -o "$answers/$number.body" -w "%{http_code} %{content_type}" \\']
    lines += ['    -X "$method" "$STAGECHECK_URL$path" -H "Accept: application/json" "$@" \\']
    lines += ['    > "$answers/$number.status" || printf "000 " > "$answers/$number.status"']
    lines += ['  echo "$(cat "$answers/$number.status")"; number=$((number + 1))', "}", ""]
    if any(match.group(2) for step in story["steps"] for match in SYMBOL.finditer(step["path"])):
        lines += _RESPELLED
    lines += list(_shell_credentials(story))
    lines += _MADE if any("makes" in step for step in story["steps"]) else ()
    for step in story["steps"]:
        lines.append(_shell_step(step))
        if "makes" in step:
            lines.append(f"{variable(step['makes'])}=$(made)")
    lines += ["", 'cat "$answers/$((number - 1)).body" 2>/dev/null; echo']
    lines += ['command -v python3 >/dev/null || { echo "no python3: compare with what is expected (above)"; exit 3; }']
    made = [step["makes"] for step in story["steps"] if "makes" in step]
    known = [*story["bindings"], *made]
    ids = ", ".join(f'"{symbol}": os.environ["{variable(symbol)}"]' for symbol in known)
    lines += [f"export {' '.join(variable(symbol) for symbol in known)}"] if known else []
    lines += ['echo "clearing away what was made here:"'] if made else []
    lines += [_shell_step(step) for step in farewell(story)]
    lines += ["python3 - \"$answers\" <<'PYTHON'", source_of(checks, checks_of(story)).strip(), "", "import re"]
    lines += [f"ASKED = {[(step['asks'], step['path']) for step in story['steps']]!r}"]
    lines += [f"NEEDED = {needed(story)!r}"]
    given = ", ".join(f"({n}, {CHECKS[c['kind']]}, {c!r})" for n, c in story["given"])
    lines += [f"GIVEN = [{given}]", f"CHECK, WITNESS = {CHECKS[story['witness']['kind']]}, {story['witness']!r}"]
    lines += [_JUDGE.strip().replace("import sys\n", f"import sys\n\nIDS = {{{ids}}}\n", 1), "PYTHON"]
    return "\n".join(lines) + "\n"


def _shell_credentials(story: Mapping[str, Any]) -> Iterator[str]:
    """A variable for every secret that something is done to."""
    made = {(step["credential"]["secret"], how) for step in story["steps"] if (how := step["credential"].get("how"))}
    for secret, how in sorted(made):
        yield f"{how.upper()}=$(python3 - \"$STAGECHECK_{secret.upper()}\" <<'PYTHON'"
        yield source_of(secrets, [how]).strip()
        yield f"import sys\nprint({how}(sys.argv[1]))\nPYTHON\n)"


def _shell_step(step: Mapping[str, Any]) -> str:
    words = ["send", shlex.quote(step["method"]), _shell_text(step["path"])]
    for name, value in step["headers"].items():
        if name.lower() != "accept":
            words += ["-H", shlex.quote(f"{name}: {value}")]
    header = _shell_header(step["credential"])
    words += ["-H", header] if header else []
    before = ""
    body = step.get("body")
    if body is not None and body.isprintable():
        words += ["--data-raw", shlex.quote(body)]
    elif body is not None or "body_base64" in step:
        words += ["--data-binary", '"@$answers/body"']
        before = f"printf '%b' '{_octal(step)}' > \"$answers/body\"; "
    if body == "" or (body is None and "body_base64" not in step and "Content-Type" in step["headers"]):
        words += [] if "--data-raw" in words else ["--data-raw", "''"]
    if words[-2].startswith("--data") and not any(name.lower() == "content-type" for name in step["headers"]):
        # Left to itself, curl says that a body is a form.
        words += ["-H", "'Content-Type:'"]
    return before + " ".join(words)


def _octal(step: Mapping[str, Any]) -> str:
    return "".join(f"\\0{byte:03o}" for byte in body_of(step) or b"")


def _shell_header(credential: Mapping[str, Any]) -> str | None:
    if "secret" not in credential:
        return shlex.quote(f"Authorization: {credential['header']}") if credential["header"] is not None else None
    value = credential["how"].upper() if credential["how"] else f"STAGECHECK_{credential['secret'].upper()}"
    scheme = f"{credential['scheme']} " if credential["scheme"] else ""
    return f'"Authorization: {scheme}${value}"'


def _shell_text(path: str) -> str:
    """A path in double quotes, the symbols as variables."""
    parts: list[str] = []
    end = 0
    for match in SYMBOL.finditer(path):
        parts.append(_escaped(path[end : match.start()]))
        name = variable(match.group(1))
        parts.append(f'$(respelled "${name}")' if match.group(2) else f"${{{name}}}")
        end = match.end()
    parts.append(_escaped(path[end:]))
    return '"' + "".join(parts) + '"'


def _escaped(text: str) -> str:
    """A text as it stands in double quotes."""
    return re.sub(r'([\\"$`])', r"\\\1", text)


def _default(name: str, value: str) -> str:
    """A line that gives a variable a value, unless it has one. Shells differ in how they read quotes inside ${:=}."""
    return f'[ -n "${{{name}-}}" ] || {name}={shlex.quote(value)}'
