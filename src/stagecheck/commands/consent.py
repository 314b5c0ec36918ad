"""Before the first write: what is going to be touched, and on a terminal the question whether it may be."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext

import click

from stagecheck.errors import UsageError
from stagecheck.launch import Launch
from stagecheck.suite.plan import Plan, Touched
from stagecheck.target.client import Limits
from stagecheck.target.hosts import is_loopback


def limits_in_words(limits: Limits) -> str:
    """`3,600 requests at most, 20 a second at most, within 600 s`."""
    parts = [f"{limits.requests:,} requests at most"]
    parts += [f"{limits.rate:g} a second at most"] if limits.rate else []
    parts += [f"within {limits.seconds:g} s"] if limits.seconds != float("inf") else []
    return ", ".join(parts)


def stages_in_words(plan: Plan) -> str:
    """What the run makes and removes."""
    made = "stages of its own, if the target offers that; removed again at the end"
    return made if plan.manage else "nothing ([target] manage_stages is false)"


def summary(url: str, plan: Plan, limits: Limits, touched: Touched) -> Iterator[str]:
    """The lines that say what is about to be touched."""
    services, stages = len(touched.services), len(touched.stages)
    yield f"About to write to {url}:"
    yield f"  environment  {touched.environment or 'not named: that of the stages'}"
    yield (
        f"  moved        {services} service{'' if services == 1 else 's'} among {stages} "
        f"stage{'' if stages == 1 else 's'}, each put back where it was, with the flag it had"
    )
    yield f"  made         {stages_in_words(plan)}"
    yield f"  sent         {limits_in_words(limits)}; what is moved is put back in any case"


def asking(
    launch: Launch,
    *,
    yes: bool,
    say: Callable[[str], None] | None,
    paused: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> Callable[[Touched], None]:
    """What a plan calls before the first write: tells by `say` (None: silently), and asks where somebody can answer.

    Nobody is asked with `yes`, without a terminal, or about a target on this machine. `paused`: in which nothing else
    writes to the terminal. It raises UsageError where the answer is no.
    """

    def before_writing(touched: Touched) -> None:
        if launch.mocked:
            return
        asked = not yes and not is_loopback(launch.url) and sys.stdin.isatty() and sys.stderr.isatty()
        lines = [launch.redactor.text(line) for line in summary(launch.url, launch.plan, launch.limits, touched)]
        with paused():
            if say is not None:
                for line in lines:
                    say(line)
            elif asked:
                click.echo("\n".join(lines), err=True)
            if asked and not click.confirm("Go on?", default=False, err=True):
                raise UsageError("not confirmed, so nothing was written; --yes goes on without a question")

    return before_writing
