"""`stagecheck compare`: the same requests to two targets, and in what their answers differ."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from stagecheck.cli import Settings
from stagecheck.commands.consent import asking
from stagecheck.compare.compare import Comparison, Difference
from stagecheck.compare.sequence import sequence
from stagecheck.compare.side import Side
from stagecheck.contract import CATALOGUE
from stagecheck.embedded import private_client
from stagecheck.errors import ConfigError, UsageError
from stagecheck.exchange import Redactor
from stagecheck.keeping import Keeping
from stagecheck.launch import Launch, Wanted, prepare
from stagecheck.mock.app import Mock
from stagecheck.mock.scenario import embedded
from stagecheck.model.state import Reading
from stagecheck.report.terminal import make_console, shown
from stagecheck.suite.plan import PROFILES, ProfileName
from stagecheck.target.client import Client

_EMBEDDED = "embedded"
_INCONCLUSIVE = 3
_TIMES = 2


@click.command("compare", short_help="Ask two targets the same, and say in what they differ.")
@click.argument("one", metavar="A")
@click.argument("other", metavar="B")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The stagecheck.toml of a target that is given by its URL.",
)
@click.option(
    "--profile",
    type=click.Choice([name.value for name in ProfileName]),
    default=ProfileName.NIGHTLY.value,
    show_default=True,
    help="How much is asked.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Chooses what is asked.")
@click.option("--allow-writes", is_flag=True, help="Move services of targets that are not on this machine.")
@click.option("--production", is_flag=True, help="Write to a host that looks like production, too.")
@click.option("--yes", is_flag=True, help="Ask nothing before the first write.")
@click.option("--broken-only", is_flag=True, help="Only what breaks the contract on one side, not what it leaves open.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def command(settings: Settings, /, one: str, other: str, **options: Any) -> int:
    """Send the same requests to two targets, and say in what their answers differ.

    A and B are each a stagecheck.toml, a URL (the rest of its config from --config), or the word "embedded" for the
    mocked target. Ids are bound by their position, times are left out, names and numbers that neither changes are the
    same. Exit code 0: the same in everything that was asked, 1: they differ, 3: no difference was found, but the
    comparison did not come to its end. Everything is put back where it was.
    """
    launches = [prepare(_wanted(text, options)) for text in (one, other)]
    for launch in launches:
        launch.tell = partial(click.echo, err=True)
        launch.plan = replace(launch.plan, before_writing=asking(launch, yes=options["yes"], say=None))
    redactor = Redactor([secret for launch in launches for secret in launch.credentials.secrets()])
    for launch in launches:
        if launch.wallet is not None:
            launch.wallet.learned.append(lambda credentials: redactor.learn(credentials.secrets()))
    settings.redact = redactor.text
    with ExitStack() as stack:
        sides: list[Side] = []
        books: dict[Path, Keeping] = {}
        stack.callback(_closed, books, sides)
        for name, launch in zip("AB", launches, strict=True):
            sides.append(_side(name, launch, stack, books))
        comparison = _compared(sides, launches[0], options["profile"], options["seed"])
        for side, launch in zip(sides, launches, strict=True):
            stack.enter_context(launch.interruptible(side.client))
        found = [d for d in comparison.run() if d.breaks or not options["broken_only"]]
    ended = comparison.broken_off
    told = {
        "same": not found and ended is None and comparison.asked > 0,
        "broken_off": None if ended is None else redactor.text(ended),
        "asked": comparison.asked,
        "targets": {side.name: side.client.url for side in sides},
        "differences": [_json(difference, redactor) for difference in found],
        "notes": [redactor.text(note) for note in comparison.notes],
    }
    if options["as_json"]:
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        _print(make_console(sys.stdout), told)
    if found:
        return 1
    return 0 if told["same"] else _INCONCLUSIVE


def _wanted(text: str, options: Mapping[str, Any]) -> Wanted:
    wanted = Wanted(**{name: options[name] for name in ("profile", "seed", "allow_writes", "production")})
    if text == _EMBEDDED:
        return wanted
    if "://" not in text:
        return replace(wanted, config=Path(text))
    if options["config"] is None:
        raise UsageError(f"{text} alone is not enough: give its ids and credentials with --config FILE")
    return replace(wanted, url=text, config=options["config"])


def _side(name: str, launch: Launch, stack: ExitStack, books: dict[Path, Keeping]) -> Side:
    """One side, looked at; `books`: the ledgers by their path, as both sides may be one target."""
    opened = private_client(Mock(embedded())) if launch.mocked else launch.open()
    http = stack.enter_context(opened)
    limits = launch.limits
    if limits.requests >= launch.plan.profile.requests:
        # Unless the config says otherwise: to bring both together after a difference costs requests, too.
        limits = replace(limits, requests=_TIMES * launch.plan.profile.requests)
    client = Client(launch.url, http, limits, wallet=launch.wallet)
    side = Side(name, client, launch.document, launch.credentials, launch.plan)
    if launch.ledger is not None:
        if launch.ledger not in books and (keeping := stack.enter_context(launch.kept(http))) is not None:
            books[launch.ledger] = keeping
        side.attend = books[launch.ledger].attend
    side.survey()
    return side


def _closed(books: Mapping[Path, Keeping], sides: Sequence[Side]) -> None:
    for keeping in books.values():
        keeping.close(finished=not any(side.astray for side in sides))


def _compared(sides: Sequence[Side], launch: Launch, profile: str, seed: int) -> Comparison:
    """The comparison, with what both targets have enough of."""
    stages = min(len(side.stages) for side in sides)
    services = min(len(side.services) for side in sides)
    if stages == 0 or services == 0:
        raise ConfigError("there is nothing to compare with: both targets need at least one stage and one service")
    one, other = sides
    if one.client.url == other.client.url and set(one.stages) & set(other.stages) and not launch.mocked:
        raise UsageError(
            f"A and B are both {one.client.url}, with the same stages: give two targets, for what one of them is asked "
            "changes the other"
        )
    reading = launch.plan.reading or Reading.MOVE_AND_SKIP
    asked = sequence(stages, services, PROFILES[ProfileName(profile)], seed, reading)
    for side in sides:
        side.bind(asked)
    return Comparison(sides[0], sides[1], asked)


def _json(difference: Difference, redactor: Redactor) -> dict[str, Any]:
    return {
        "requirement": difference.requirement,
        "breaks": list(difference.breaks),
        "message": redactor.text(difference.message),
        "facts": {
            redactor.text(fact): {"A": redactor.text(values[0]), "B": redactor.text(values[1])}
            for fact, values in difference.facts.items()
        },
        "at_request": difference.at_request,
        "seen": difference.seen,
        "curl": {name: [redactor.text(line) for line in lines] for name, lines in difference.commands.items()},
    }


def _print(console: Console, told: dict[str, Any]) -> None:
    console.print(_headline(told), soft_wrap=True)
    for name, url in told["targets"].items():
        console.print(Text(shown(f"  {name}: {url}"), "dim"), soft_wrap=True)
    for difference in told["differences"]:
        known = CATALOGUE.get(difference["requirement"])
        who = f"broken by {' and '.join(difference['breaks'])}" if difference["breaks"] else "left open by the contract"
        console.print()
        console.print(Text.assemble((difference["requirement"], "bold"), f" ({who}): {known.text if known else ''}"))
        console.print(Padding(Text(shown(difference["message"])), (0, 0, 0, 2)))
        for fact, values in difference["facts"].items():
            console.print(Padding(Text(shown(f"{fact}: A {values['A']}, B {values['B']}")), (0, 0, 0, 4)))
        console.print(Padding(Text(_times(difference)), (0, 0, 0, 2)))
        for name, lines in difference["curl"].items():
            for line in lines:
                console.print(Text(f"    {name}  {shown(line)}", "dim"), soft_wrap=True)
    for note in told["notes"]:
        console.print(Text(shown(f"note: {note}")), soft_wrap=True)


def _times(difference: dict[str, Any]) -> str:
    seen = difference["seen"]
    again = "once" if seen == 1 else f"{seen} times"
    return f"first at request {difference['at_request']}, {again} in all; to see it:"


def _headline(told: dict[str, Any]) -> Text:
    if told["same"]:
        return Text(f"the same: {told['asked']} requests, no difference", "bold green")
    if not told["differences"]:
        return Text(f"not compared to the end: no difference in {told['asked']} requests", "bold yellow")
    counts = Counter(difference["requirement"] for difference in told["differences"])
    names = ", ".join(f"{key} {count}" if count > 1 else key for key, count in counts.items())
    return Text(f"different: {names} ({told['asked']} requests compared)", "bold red")
