"""`stagecheck replay`: a reproducer sent to a target, and whether the violation still happens there."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from stagecheck.cli import Settings
from stagecheck.commands.consent import asking
from stagecheck.launch import Wanted, prepare
from stagecheck.report.race import read_history
from stagecheck.report.reproducer.read import read_story
from stagecheck.report.terminal import make_console, shown
from stagecheck.suite.replay import Retold, Story

_FILE = click.Path(path_type=Path)
_TIMES = 3
_TIMES_OF_A_RACE = 30
_STYLE = {Story.REPRODUCED: "bold red", Story.FLAKY: "bold yellow", Story.GONE: "bold green"}


@click.command("replay", short_help="Send a reproducer to a target: does the violation still happen?")
@click.argument("file", type=_FILE)
@click.option(
    "--config", type=_FILE, metavar="FILE", help="The stagecheck.toml of the target (default: the mocked one)."
)
@click.option("--times", type=click.IntRange(1, 1000), help="How often it is sent (default: 3, a race 30).")
@click.option("--allow-writes", is_flag=True, help="Move services of a target that is not on this machine.")
@click.option("--production", is_flag=True, help="Write to a host that looks like production, too.")
@click.option("--yes", is_flag=True, help="Ask nothing before the first write.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def command(settings: Settings, /, file: Path, config: Path | None, times: int | None, **options: Any) -> int:
    """Send a reproducer (reports/reproducers/*.json) to a target, and say whether the violation still happens.

    The symbols of the FILE are bound to the ids of the config. A FILE of reports/races/ is sent to the target that it
    was found on, by as many clients, from the same placements: 30 times unless --times says otherwise. Exit code 0:
    gone, 1: reproduced, or flaky. Every service is put back where it was.
    """
    history = read_history(file)
    story = history or read_story(file)
    launch = prepare(Wanted(config=config, allow_writes=options["allow_writes"], production=options["production"]))
    launch.plan = replace(launch.plan, before_writing=asking(launch, yes=options["yes"], say=None))
    settings.redact = launch.redactor.text
    if history is not None:
        replays, said, left = launch.race(history, times or _TIMES_OF_A_RACE)
        retold = Retold(replays, said[-1] if said else None, ())
    else:
        retold, left = launch.replay(story, times or _TIMES)
    seen = None if retold.seen is None else launch.redactor.text(retold.seen)
    if options["as_json"]:
        told = {"story": retold.story.value, "again": retold.replays.again, "of": retold.replays.of, "seen": seen}
        click.echo(json.dumps({**told, "requirement": story["requirement"], "notes": left}, indent=2))
    else:
        console = make_console(sys.stdout)
        console.print(Text(shown(f"{story['requirement']}: {story['message']}")), soft_wrap=True)
        console.print(Text(shown(f"  expected  {story['expected']}")), soft_wrap=True)
        if seen is not None:
            console.print(Text(shown(f"  came      {seen}")), soft_wrap=True)
        told_in_words = f"{retold.story.value} ({retold.replays.again} of {retold.replays.of} times)"
        console.print(Text(told_in_words, _STYLE[retold.story]))
        for note in left:
            console.print(Text(shown(launch.redactor.text(note))), soft_wrap=True)
    return 0 if retold.story is Story.GONE else 1
