"""`stagecheck audit`: the suite against its seeded defects and conforming variants."""

from __future__ import annotations

import json
import os
import sys

import click

from stagecheck.audit.defect import DEFECTS
from stagecheck.audit.matrix import audit
from stagecheck.audit.render import render_audit
from stagecheck.audit.variants import VARIANTS
from stagecheck.report.terminal import make_console
from stagecheck.suite.plan import ProfileName


@click.command("audit", short_help="Show that every check can fail: requirements against seeded defects.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole result as JSON instead.")
@click.option(
    "--jobs", type=click.IntRange(min=1), metavar="N", help="Processes to run in.  [default: one per processor]"
)
@click.option(
    "--profile",
    type=click.Choice([name.value for name in ProfileName]),
    default=ProfileName.NIGHTLY.value,
    show_default=True,
    help="How much each run sends.",
)
def command(*, as_json: bool, jobs: int | None, profile: str) -> int:
    """Show that every check can fail, and that none fails without a reason.

    Runs the suite against every seeded defect, which the requirement that it is aimed at must find, and against every
    conforming variant, of which nothing may be said. Ends with 1 if either does not hold.
    """
    result = audit(jobs=jobs or os.cpu_count() or 1, profile=profile, progress=_Progress())
    if as_json:
        click.echo(json.dumps(result.to_json(), indent=2, ensure_ascii=False))
    else:
        render_audit(result, make_console(sys.stdout))
    return 0 if result.passed else 1


class _Progress:
    """One line on stderr that is written over, where somebody watches."""

    def __init__(self) -> None:
        self._done = 0
        self._all = len(DEFECTS) + len(VARIANTS)
        self._watched = sys.stderr.isatty()

    def __call__(self, name: str) -> None:
        self._done += 1
        if self._watched:
            end = "\n" if self._done == self._all else ""
            click.echo(f"\r\x1b[K{self._done} of {self._all}: {name}{end}", err=True, nl=False)
