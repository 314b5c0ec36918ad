"""What a person sees of a record, the verdict first, in 80 columns; commands alone may be wider.

Text of a target is shown with its control characters escaped: no answer may steer the terminal.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, TextIO

from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from stagecheck.contract import CATALOGUE
from stagecheck.outcome import Grade, Verdict
from stagecheck.report.expectations import PRUNE, complaints, doubts, prunable, summary
from stagecheck.report.ladder import ladder_of, next_step, standing
from stagecheck.report.race import timeline
from stagecheck.report.record import Record
from stagecheck.report.sequences import sentences

WIDTH = 80
WIDEST = 100
_LONGEST = 2000
_REPEATED = 48
"""Characters of a reason that is told again for each requirement: one line of the table."""
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069\ud800-\udfff]")

VERDICT_STYLE = {
    Verdict.CONFORMING: "bold green",
    Verdict.NON_STRICT: "bold yellow",
    Verdict.NON_CONFORMING: "bold red",
    Verdict.INCONCLUSIVE: "bold magenta",
}
GRADE_STYLE = {
    Grade.PASS: "green",
    Grade.FAIL: "bold red",
    Grade.NON_STRICT: "yellow",
    Grade.OPEN: "cyan",
    Grade.INCONCLUSIVE: "magenta",
}
_GRADE_WORDS = {
    Grade.FAIL: "violated",
    Grade.NON_STRICT: "not strictly kept",
    Grade.PASS: "kept",
    Grade.OPEN: "open",
    Grade.KNOWN: "known",
    Grade.INCONCLUSIVE: "inconclusive",
    Grade.NOT_OFFERED: "not offered",
    Grade.NOT_TESTED: "not tested",
}


def shown(text: str) -> str:
    """The text with every control character written as an escape; lines stay lines."""
    return _CONTROL.sub(lambda match: match.group(0).encode("unicode_escape").decode("ascii"), text)


def make_console(stream: TextIO, environ: Mapping[str, str] = os.environ) -> Console:
    """A console for that stream: 80 columns where it is no terminal, no styles at all under NO_COLOR.

    When nobody reads any more (a closed pipe) it falls silent; the run goes on and puts things back.
    """
    plain = bool(environ.get("NO_COLOR"))
    is_terminal = stream.isatty()
    console = _Patient(
        file=stream, highlight=False, markup=False, emoji=False, color_system=None if plain else "auto", no_color=plain
    )
    console.width = min(console.width, WIDEST) if is_terminal else WIDTH
    return console


class _Patient(Console):
    def on_broken_pipe(self) -> None:
        self.quiet = True
        with suppress(OSError, ValueError):
            # What is still buffered must not fail again when the interpreter flushes it at the end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())


# ---------------------------------------------------------------------- the record


def headline(record: Record) -> Text:
    """The verdict and how many requirements got which grade, in one line."""
    verdict = Verdict(record["verdict"])
    counts = Counter(Grade(entry["grade"]) for entry in record["requirements"])
    parts = [f"{counts[grade]} {words}" for grade, words in _GRADE_WORDS.items() if counts[grade]]
    line = Text.assemble((verdict.value, VERDICT_STYLE[verdict]), ": ", ", ".join(parts))
    stale = summary(record)
    return Text.assemble(line, "; ", (shown(stale), "bold red")) if stale else line


def print_record(console: Console, record: Record, written: str = "") -> None:
    """The whole report: verdict, what broke, every requirement, what was found out, notes, and the verdict again.

    `written`: where all of it can be read.
    """
    console.print(headline(record))
    console.print(Text(_circumstances(record), "dim"))
    broken = list(_broken(record))
    if broken:
        _heading(console, "What broke")
        for entry in broken:
            _print_broken(console, entry, record)
        _print_commands_hint(console, record)
    print_expectations(console, record)
    _print_ladder(console, record)
    _heading(console, "Requirements")
    console.print(_table(record))
    if record["reading"]:
        _heading(console, "What the target chose where the contract leaves a choice")
        for what, how in record["reading"].items():
            console.print(indented(f"{what}: {how or 'not settled'}"))
    tried = list(sentences(record))
    if tried:
        _heading(console, "Sequences of operations")
        for sentence in tried:
            console.print(indented(sentence))
    print_notes(console, record)
    console.print()
    if written:
        console.print(Text(shown(written), "dim"), soft_wrap=True)
    console.print(headline(record))


def _print_ladder(console: Console, record: Record) -> None:
    """Where the target stands on the ladder, and what is missing for the next rung; records of old have no ladder."""
    ladder = record.get("ladder") or ladder_of(record["requirements"])
    _heading(console, "Fidelity")
    for sentence in (ladder["stateless"], standing(ladder), next_step(ladder)):
        if sentence is not None:
            console.print(indented(sentence))


def print_expectations(console: Console, record: Record, *, failing_only: bool = False) -> None:
    """Which file says what is known, which of its entries have to go, and of which nothing can be said."""
    told, lines = record.get("expectations"), complaints(record)
    if not told or (failing_only and not lines):
        return
    number = told["known"]
    known = f"{number} violation{' is' if number == 1 else 's are'} known"
    _heading(console, shown(f"Expectations of {told['file']}"))
    console.print(indented(known))
    for _, line in lines:
        console.print(indented(line, "red"))
    if prunable(record):
        console.print(indented(PRUNE))
    for doubt in doubts(record):
        console.print(indented(doubt, "dim"))


def indented(text: str, style: str = "") -> RenderableType:
    """A text of a target or of ours below a heading, wrapped with its lines in line."""
    return Padding(Text(shown(text), style, overflow="fold"), (0, 0, 0, 2), expand=False)


def print_notes(console: Console, record: Record) -> None:
    """What the run has to say beside its grades: above all, what could not be put back."""
    if not record.get("notes"):
        return
    _heading(console, "Notes")
    for note in record["notes"]:
        console.print(indented(note))


def violation_text(violation: Mapping[str, Any]) -> str:
    """One violation as plain text, for a front end without a console."""
    known = CATALOGUE.get(violation["requirement"])
    lines = [
        violation["message"],
        *([f"  promised: {known.text} ({known.id}, {known.level.value}; {known.source})"] if known else []),
        f"  expected: {violation['expected']}",
        f"  actual:   {violation['actual']}",
        f"  first seen at request {violation['at_request']}; to see it again:",
        *(f"    {_short(line)}" for line in violation["curl"].split("\n")),
    ]
    return shown("\n".join(lines))


def _circumstances(record: Record) -> str:
    target = record["target"]
    where = "the embedded mocked target" if target["mocked"] else shown(target["url"])
    profile = f"profile {record['profile']}, " if "profile" in record else ""
    return (
        f"{where}: {profile}{record['requests']} requests in {record['duration_s']:.1f} s, seed {record['seed']}; "
        f"offers {', '.join(target['offers']) or 'nothing'}"
    )


def _heading(console: Console, text: str) -> None:
    console.print()
    console.print(Text(text, "bold"))


def _broken(record: Record) -> Iterator[dict[str, Any]]:
    """The requirements that were broken, the ones that cost the verdict first."""
    for grade in (Grade.FAIL, Grade.NON_STRICT, Grade.KNOWN):
        yield from (entry for entry in record["requirements"] if entry["grade"] == grade and entry["violations"])


def _print_broken(console: Console, entry: dict[str, Any], record: Record) -> None:
    style = GRADE_STYLE.get(Grade(entry["grade"]), "")
    known = CATALOGUE.get(entry["id"])
    sentence = f" {known.text}" if known else ""
    console.print()
    console.print(Text.assemble((f"{entry['id']} ({entry['level']})", style), sentence))
    if entry["grade"] == Grade.KNOWN and entry["reason"]:
        console.print(indented(f"known: {entry['reason']}"))
    for violation in record["violations"]:
        if violation["requirement"] != entry["id"]:
            continue
        if violation.get("known"):
            # One line is enough of it; report.json has the rest.
            console.print(indented(f"{_short(violation['message'])} (known)"))
        else:
            console.print(Padding(_violation(violation), (0, 0, 0, 2)))
            for line in violation["curl"].split("\n"):
                console.print(Text(f"    {shown(_short(line))}", "dim"), soft_wrap=True)
            for line in timeline(violation):
                console.print(Text(f"    {shown(line)}"), soft_wrap=True)


def _violation(violation: dict[str, Any]) -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row("expected", Text(shown(_short(violation["expected"]))))
    grid.add_row("actual", Text(shown(_short(violation["actual"]))))
    return Group(
        Text(shown(_short(violation["message"])), overflow="fold"),
        Padding(grid, (0, 0, 0, 2)),
        Text(f"first seen at request {violation['at_request']}; to see it again:"),
    )


def _short(text: str) -> str:
    """A text that fits a screen; the record has all of it."""
    if len(text) <= _LONGEST:
        return text
    return f"{text[:200]}… ({len(text) - 200} more characters: see report.json)"


def _print_commands_hint(console: Console, record: Record) -> None:
    commands = "\n".join(violation["curl"] for violation in record["violations"] if not violation.get("known"))
    if not commands:
        return
    names = sorted(set(re.findall(r"\$\{?(STAGECHECK_[A-Z_]+)", commands)))
    if record["target"]["mocked"]:
        hint = "The embedded target has no address: the commands show what was sent."
    elif names:
        hint = f"The commands take the credentials from the environment: export {' '.join(names)}."
    else:
        return
    console.print()
    console.print(Text(hint, "dim"))


def _table(record: Record) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=0)
    table.add_column("id", no_wrap=True)
    table.add_column("level", no_wrap=True)
    table.add_column("grade", no_wrap=True)
    table.add_column("tried", justify="right", no_wrap=True)
    table.add_column("requirement", overflow="fold")
    told: dict[str, str] = {}
    for entry in record["requirements"]:
        grade = Grade(entry["grade"])
        table.add_row(
            entry["id"],
            entry["level"],
            Text(grade.value, GRADE_STYLE.get(grade, "dim")),
            str(entry["exercised"]),
            _remark(entry, grade, told),
        )
    return table


def _remark(entry: dict[str, Any], grade: Grade, told: dict[str, str]) -> Text:
    """Why it is not judged, or what was found; for what is kept, what is kept.

    `told`: which requirement was the first one with a reason; the others point to it.
    """
    if entry["violations"] and grade is not Grade.KNOWN:
        number = entry["violations"]
        return Text(f"{number} violation{'s' if number > 1 else ''}", GRADE_STYLE.get(grade, ""))
    if entry["reason"]:
        first = told.setdefault(entry["reason"], entry["id"])
        short = first == entry["id"] or len(entry["reason"]) <= _REPEATED
        return Text(shown(entry["reason"]) if short else f"as {first}", "" if short else "dim")
    known = CATALOGUE.get(entry["id"])
    text = Text(known.text if known else "", "dim", overflow="ellipsis")
    text.no_wrap = True
    return text
