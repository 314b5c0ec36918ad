"""`stagecheck audit`: the suite against its seeded defects and conforming variants."""

from __future__ import annotations

import json
import os
import sys

import click

from stagecheck.audit.defect import DEFECTS
from stagecheck.audit.matrix import audit
from stagecheck.audit.pairs import audit_pairs
from stagecheck.audit.render import render_audit, render_pairs
from stagecheck.audit.variants import VARIANTS
from stagecheck.contract import CATALOGUE
from stagecheck.errors import UsageError
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
@click.option(
    "--pairs", type=click.IntRange(min=1), metavar="N", help="Instead: N random pairs of defects, both in one target."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Which pairs; the same seed, the same ones.")
@click.option("--only", multiple=True, metavar="ID-PREFIX", help="Only defects of these requirements; repeatable.")
@click.option("--http", "over_http", is_flag=True, help="Reach every target over HTTP, and not over respx.")
def command(
    *,
    as_json: bool,
    jobs: int | None,
    profile: str,
    pairs: int | None,
    seed: int,
    only: tuple[str, ...],
    over_http: bool,
) -> int:
    """Show that every check can fail, and that none fails without a reason.

    Runs the suite against every seeded defect, which the requirement that it is aimed at must find, and against every
    conforming variant, of which nothing may be said. Ends with 1 if either does not hold. With --pairs it says which
    of two defects at once masks the other, and why; it ends with 1 if both are found in less than 95 % of the pairs.
    """
    processes = jobs or os.cpu_count() or 1
    if pairs is not None and over_http:
        raise UsageError("--pairs are judged in process; leave --http out")
    if pairs is not None:
        found = audit_pairs(pairs, seed, processes, profile, progress=_Progress(pairs))
        if as_json:
            click.echo(json.dumps(found.to_json(), indent=2, ensure_ascii=False))
        else:
            render_pairs(found, make_console(sys.stdout))
        return 0 if found.passed else 1
    wanted = tuple(prefix.upper() for prefix in only)
    unknown = [prefix for prefix in wanted if not any(key.startswith(prefix) for key in CATALOGUE)]
    if unknown:
        raise UsageError(f"no requirement begins with {unknown[0]}; see: stagecheck requirements")
    count = sum(defect.requirement.startswith(wanted) for defect in DEFECTS.values()) if wanted else 0
    progress = _Progress(count if wanted else len(DEFECTS) + len(VARIANTS))
    result = audit(jobs=processes, profile=profile, only=wanted, over_http=over_http, progress=progress)
    if as_json:
        click.echo(json.dumps(result.to_json(), indent=2, ensure_ascii=False))
    else:
        render_audit(result, make_console(sys.stdout))
    return 0 if result.passed else 1


class _Progress:
    """One line on stderr that is written over, where somebody watches."""

    def __init__(self, of: int) -> None:
        self._done = 0
        self._all = of
        self._watched = sys.stderr.isatty()

    def __call__(self, name: str) -> None:
        self._done += 1
        if self._watched:
            end = "\n" if self._done == self._all else ""
            click.echo(f"\r\x1b[K{self._done} of {self._all}: {name}{end}", err=True, nl=False)
