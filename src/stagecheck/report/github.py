"""What GitHub Actions makes of a run: annotations beside the lines of the document, as workflow commands.

A workflow command is a line that begins with `::`. So that no text of a target is taken for one, what else is printed
there stands between `stop` and `resume`.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping

from stagecheck.outcome import Grade, Level, Verdict
from stagecheck.report.cases import Outcome, cases_of
from stagecheck.report.html.text import plural, shown
from stagecheck.report.places import Promise, promises_in
from stagecheck.report.record import Record

_LONGEST = 2000
_BROKEN = (Grade.FAIL, Grade.NON_STRICT)


def annotations_of(record: Record) -> bytes:
    """One command a line, in UTF-8: an error for each broken MUST, a warning for each broken SHOULD.

    One annotation a requirement, as GitHub shows ten of a kind. A run without a verdict, and entries of expect.toml
    that have to go, are annotations as well; what is known is none.
    """
    return "".join(f"{line}\n" for line in _lines(record)).encode()


def _lines(record: Record) -> Iterator[str]:
    promises = promises_in(record)
    for case in cases_of(record):
        if case.grade in _BROKEN:
            news = [violation for violation in case.found if not violation.get("known")]
            text = _said(case.title, news) or case.message or case.name
            kind = "error" if case.outcome is Outcome.FAILED else "warning"
            level = Level(case.level or Level.MUST)
            yield _command(kind, f"{case.name} ({level.value}) is broken", text, promises[case.name])
        elif case.level is None and case.outcome is not Outcome.PASSED:
            yield _command("error", "stagecheck", case.text, None)
    doubtful = [entry["id"] for entry in record["requirements"] if entry["grade"] == Grade.INCONCLUSIVE]
    if record["verdict"] == Verdict.INCONCLUSIVE and doubtful:
        yield _command("warning", "stagecheck: inconclusive", f"no verdict for {', '.join(doubtful[:20])}", None)


def _said(title: str, found: list[dict[str, str]]) -> str:
    """What is promised, and what came instead."""
    if not found:
        return title
    first, more = found[0], len(found) - 1
    lines = [title, first["message"], f"expected: {first['expected']}", f"actual: {first['actual']}"]
    if more:
        lines.append(f"and {plural(more, 'more violation')} of it")
    return "\n".join(shown(line, _LONGEST) for line in lines if line)


def _command(kind: str, title: str, text: str, promise: Promise | None) -> str:
    where = "" if promise is None else f"file={_property(promise.file)},line={promise.line},col={promise.column},"
    return f"::{kind} {where}title={_property(title)}::{_data(shown(text, 4 * _LONGEST))}"


def _data(text: str) -> str:
    """Text of a command: what would end it is escaped as GitHub's runner reads it."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(shown(text, _LONGEST)).replace(":", "%3A").replace(",", "%2C")


def in_actions(environ: Mapping[str, str]) -> bool:
    """Whether this runs as a step of GitHub Actions."""
    return environ.get("GITHUB_ACTIONS") == "true"


def stop() -> tuple[str, str]:
    """Two commands: the one that makes the runner take what follows for text alone, and the one that ends that.

    The second cannot be guessed, so no target can end it early.
    """
    token = secrets.token_hex(16)
    return f"::stop-commands::{token}", f"::{token}::"
