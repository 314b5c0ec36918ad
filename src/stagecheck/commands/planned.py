"""`verify --plan`: what a run would send and change, as a table or as JSON; nothing is sent."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from stagecheck.commands.consent import limits_in_words, stages_in_words
from stagecheck.launch import Launch
from stagecheck.rehearsal import Rehearsal, rehearse
from stagecheck.report.terminal import shown
from stagecheck.suite.plan import Plan, ProfileName

_METHODS = ("GET", "PUT", "POST", "DELETE")


def print_plan(console: Console, launch: Launch, *, as_json: bool = False) -> None:
    """Rehearse the run, and print what it would send and change."""
    if launch.plan.profile.name is ProfileName.EXHAUSTIVE:
        click.echo("rehearsing an exhaustive run takes some minutes", err=True)
    rehearsal = rehearse(launch.plan, launch.limits, launch.document, launch.credentials)
    if as_json:
        told = json.dumps(_as_values(launch, rehearsal), indent=2, ensure_ascii=False)
        click.echo(launch.redactor.text(told))
        return
    where = "the embedded mocked target" if launch.mocked else launch.url
    console.print(Text(shown(f"A run against {where} would do this (nothing has been sent):"), "bold"))
    for line in _changes(launch, rehearsal):
        console.print(Text(shown(launch.redactor.text(f"  {line}"))), soft_wrap=True)
    console.print(_table(rehearsal))
    for line in _remarks(launch.plan, launch):
        console.print(Text(shown(line)), soft_wrap=True)


def _as_values(launch: Launch, rehearsal: Rehearsal) -> dict[str, Any]:
    """The same for machines. `stages` and `services`: those that are named; empty for all that the target lists."""
    plan, limits = launch.plan, launch.limits
    return {
        "target": {"url": launch.url, "mocked": launch.mocked},
        "profile": plan.profile.name.value,
        "read_only": plan.read_only,
        "environment": plan.environment,
        "stages": list(plan.stages),
        "services": list(plan.services),
        "manages_stages": plan.manage and not plan.read_only,
        "stages_made": rehearsal.made,
        "credentials": _roles(launch),
        "limits": {
            "requests": limits.requests,
            "rate": limits.rate,
            "seconds": limits.seconds if math.isfinite(limits.seconds) else None,
        },
        "phases": {phase: dict(sent) for phase, sent in rehearsal.sent.items()},
        "requests": rehearsal.total.total(),
    }


def _roles(launch: Launch) -> list[str]:
    return [role for role in launch.credentials.ROLES if getattr(launch.credentials, role)]


def _changes(launch: Launch, rehearsal: Rehearsal) -> Iterator[str]:
    plan = launch.plan
    yield f"environment  {plan.environment or 'not named: that of the stages'}"
    if plan.read_only:
        yield "moved        nothing: --read-only"
        yield "made         nothing: --read-only"
    else:
        yield f"moved        {_moved(plan)}"
        yield f"made         {stages_in_words(plan)}{f' ({rehearsal.made} in all)' if rehearsal.made else ''}"
    yield f"credentials  {', '.join(_roles(launch)) or 'none'}, and broken ones made from them"
    yield f"sent         {limits_in_words(launch.limits)}"


def _moved(plan: Plan) -> str:
    if not plan.services:
        stages = f"{len(plan.stages)} named stages" if plan.stages else "all its stages"
        return f"all services that the environment lists, among {stages}; each is put back"
    return f"{', '.join(plan.services)}, or some of them; each is put back where it was, with the flag it had"


def _table(rehearsal: Rehearsal) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("phase", no_wrap=True)
    others = [method for method in rehearsal.total if method not in _METHODS]
    for heading in ("requests", *_METHODS, *(["other"] if others else [])):
        table.add_column(heading, justify="right", no_wrap=True)
    for phase, sent in (*rehearsal.sent.items(), ("in all", rehearsal.total)):
        row = [str(sent[method] or "") for method in _METHODS]
        row += [str(sum(sent[method] for method in others) or "")] if others else []
        table.add_row(phase, str(sent.total()), *row)
    return table


def _remarks(plan: Plan, launch: Launch) -> Iterator[str]:
    named = bool(plan.stages and plan.services) or launch.mocked
    what = "with these stages and services" if named else "with four stages and five services, as the mock has them"
    yield f"The table is that of a conforming target that offers everything, {what}."
    if not plan.read_only:
        yield (
            f"Where promises are broken, requests are spent on seeing that again: {launch.limits.requests:,} in all at "
            "most, and what putting back takes."
        )
