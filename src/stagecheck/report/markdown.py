"""`report.md`: a record for a pull request or the summary of a CI step, the verdict first.

Texts of a target stand in `<code>`, with every character that Markdown or HTML would read as more than itself written
as a reference; there, GitHub makes no mention, link or emoji of them either. Commands stand in a fence that is longer
than any row of backticks in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from stagecheck.contract import CATALOGUE
from stagecheck.outcome import Grade, Level
from stagecheck.report.expectations import PRUNE, complaints, prunable
from stagecheck.report.html.grades import GRADES, headline
from stagecheck.report.html.text import plural, short, shown
from stagecheck.report.ladder import ladder_of, next_step, standing
from stagecheck.report.record import Record, version_of

LONGEST = 60_000
"""Characters of it all: a comment on GitHub may have 65,536."""
_TEXT = 300
_COMMANDS = 4000
_ROWS = 60
_PLAIN = re.compile(r"[^A-Za-z0-9 ,.;:()\-=+?'\"/\u00a0-\U0010ffff]|:(?=/)|(?<=www)\.")


def markdown_of(record: Record) -> bytes:
    """The record as GitHub Flavored Markdown, in UTF-8. What there is no room for is said to be left out."""
    parts = ["\n".join(_top(record))]
    broken = [entry for grade in _BROKEN for entry in record["requirements"] if entry["grade"] == grade]
    if broken:
        parts.append("\n".join(_table(broken, record)))
    parts += ["\n".join(lines) for lines in (_stale(record), _doubtful(record), _readings(record)) if lines]
    room = LONGEST - sum(len(part) + 2 for part in parts) - 200
    details = [_details(violation) for violation in _news_first(record)]
    kept, left_out = [], 0
    for part in details:
        room -= len(part) + 2
        if room < 0:
            left_out += 1
        else:
            kept.append(part)
    if left_out:
        kept.append(f"{plural(left_out, 'more violation')} in report.json.")
    parts[2 if broken else 1 : 2 if broken else 1] = kept
    return ("\n\n".join(parts) + "\n").encode()


_BROKEN = (Grade.FAIL, Grade.NON_STRICT, Grade.KNOWN)


def _top(record: Record) -> Iterator[str]:
    """The verdict, what is new and what is known, where the target stands, and what was judged."""
    top = headline(record)
    known = sum(bool(violation.get("known")) for violation in record["violations"])
    new = len(record["violations"]) - known
    ladder = record.get("ladder") or ladder_of(record["requirements"])
    target, version = record["target"], version_of(record)
    where = "the embedded mocked target" if target["mocked"] else code(target["url"])
    facts = [
        f"Target: {where}",
        *([f"version {code(version)}"] if version else []),
        *([f"profile {code(record['profile'])}"] if record.get("profile") else []),
        f"{plural(record['requests'], 'request')} in {record['duration_s']:.1f} s",
        f"seed {record['seed']}",
    ]
    yield f"## stagecheck: {top.sign.word}"
    yield ""
    yield f"**{_plural_violations(new)} new, {known} known.** {top.sentence[:1].upper()}{top.sentence[1:]}."
    yield ""
    yield f"Fidelity: {plain(standing(ladder))}."
    if (step := next_step(ladder)) is not None:
        yield f"{plain(step[:1].upper() + step[1:])}."
    yield ""
    yield f"{', '.join(facts)}."


def _plural_violations(number: int) -> str:
    return "No violation is" if number == 0 else plural(number, "violation is", "violations are")


def _table(broken: list[dict[str, Any]], record: Record) -> Iterator[str]:
    """The requirements that are broken, those that cost the verdict first."""
    yield "| requirement | level | grade | promise | expected | actual |"
    yield "|---|---|---|---|---|---|"
    for entry in broken[:_ROWS]:
        found = [violation for violation in _news_first(record) if violation["requirement"] == entry["id"]]
        promise = CATALOGUE.get(entry["id"])
        more = f" and {plural(len(found) - 1, 'more')}" if len(found) > 1 else ""
        expected, actual = (code(found[0]["expected"]), code(found[0]["actual"])) if found else ("", "")
        cells = [
            f"**{code(entry['id'])}**",
            Level(entry["level"]).value,
            GRADES[entry["grade"]].word,
            plain(promise.text) if promise else "",
            expected,
            f"{actual}{more}",
        ]
        yield f"| {' | '.join(cells)} |"
    if len(broken) > _ROWS:
        yield ""
        yield f"{plural(len(broken) - _ROWS, 'more requirement', 'more requirements')} in report.json."


def _news_first(record: Record) -> list[dict[str, Any]]:
    return sorted(record["violations"], key=lambda violation: bool(violation.get("known")))


def _details(violation: Mapping[str, Any]) -> str:
    """One violation: folded, and opened to its commands."""
    known = " (known)" if violation.get("known") else ""
    commands = shown(violation["curl"], _COMMANDS)
    longest = max((len(row) for row in re.findall("`+", commands)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join(
        (
            f"<details><summary>{code(violation['requirement'])}{known}: {code(violation['message'])}</summary>",
            "",
            f"First seen at request {violation['at_request']}. To see it again:",
            "",
            f"{fence}sh",
            commands.replace("\r", "\\r"),
            fence,
            "",
            "</details>",
        )
    )


def _stale(record: Record) -> list[str]:
    lines = [line for _, line in complaints(record)]
    if not lines:
        return []
    told = [f"- {code(line)}" for line in lines[:_ROWS]]
    hint = ["", plain(PRUNE)] if prunable(record) else []
    return ["### Entries of expect.toml that have to go", "", *told, *hint]


def _doubtful(record: Record) -> list[str]:
    entries = [entry for entry in record["requirements"] if entry["grade"] == Grade.INCONCLUSIVE][:_ROWS]
    if not entries:
        return []
    return ["### Inconclusive", "", *(f"- {code(entry['id'])}: {code(entry['reason'] or '')}" for entry in entries)]


def _readings(record: Record) -> list[str]:
    chosen = list(record["reading"].items())[:_ROWS]
    if not chosen:
        return []
    told = [f"- {code(what)}: {'not settled' if how is None else code(str(how))}" for what, how in chosen]
    return ["### What the target chose", "", *told]


def code(text: str) -> str:
    """A text of a target as it may stand anywhere in a line or a cell: one line, cut, and nothing but text."""
    return f"<code>{plain(short(text, _TEXT))}</code>"


def plain(text: str) -> str:
    """The text with everything that Markdown or HTML might read as more than itself written as a reference."""
    return _PLAIN.sub(lambda match: f"&#{ord(match.group(0))};", text)
