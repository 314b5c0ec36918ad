"""The audit for people: tables for a terminal of 80 columns. Renders; decides nothing."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from stagecheck.audit.defect import Defect
from stagecheck.audit.matrix import AuditResult, Kill
from stagecheck.audit.pairs import PairsResult
from stagecheck.contract import CATALOGUE

_FEW = 3


def render_defects(defects: Iterable[Defect], console: Console) -> None:
    """Every defect with the requirement it is aimed at and its sentence."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("aimed at", no_wrap=True)
    table.add_column("defect", overflow="fold", max_width=30)
    table.add_column("what is wrong", overflow="fold")
    count = 0
    for defect in defects:
        count += 1
        table.add_row(defect.requirement, defect.name, defect.sentence)
    console.print(table)
    console.print(f"\n{count} defects", highlight=False)


def render_audit(result: AuditResult, console: Console) -> None:
    """The kill matrix by requirement, then everything that is not as it should be, then the figures."""
    console.print(_matrix(result))
    console.print()
    for kill in result.kills:
        if kill.error:
            _line(console, "error", kill.name, kill.error)
        elif kill.survived:
            _line(console, "survived", kill.name, f"aimed at {kill.requirement}")
        elif kill.for_the_wrong_reason:
            _line(console, "wrong reason", kill.name, f"aimed at {kill.requirement}, broke {', '.join(kill.violated)}")
    for requirement in result.idle:
        _line(console, "kills nothing", requirement, CATALOGUE[requirement].text)
    for clearance in result.clearances:
        if not clearance.clean:
            said = "; ".join(f"{found}: {text}" for found, text in clearance.violations[:_FEW])
            _line(console, "not clean", clearance.name, clearance.error or said or clearance.verdict)
    _figures(result, console)


def render_pairs(result: PairsResult, console: Console) -> None:
    """Which pairs were not tried, which defect masks which and why, then the share."""
    for first, second, why in result.drawn_again:
        _line(console, "drawn again", f"{first} + {second}", why)
    for pair in result.pairs:
        for masked in pair.masked:
            _line(console, "masked", f"{masked.name} beside {masked.by}", masked.why)
    both = sum(not pair.masked for pair in result.pairs)
    console.print(
        f"both found in {both} of {len(result.pairs)} pairs ({result.share:.1%}), {len(result.drawn_again)} drawn "
        f"again; seed {result.seed}, {result.duration_s:.0f} s",
        highlight=False,
    )


def _matrix(result: AuditResult) -> Table:
    """One row per requirement: the defects aimed at it, how many were killed, what it killed itself, and how soon."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("requirement", no_wrap=True)
    for name in ("aimed at", "killed", "by it", "others"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("found after", "at worst"):
        table.add_column(name, justify="right", no_wrap=True)
    for requirement, found in result.matrix.items():
        aimed = [kill for kill in result.kills if kill.requirement == requirement]
        table.add_row(requirement, *_row(aimed, found))
    return table


def _row(aimed: list[Kill], found: dict[str, int]) -> tuple[str, ...]:
    names = {kill.name for kill in aimed}
    killed = sum(not kill.survived for kill in aimed)
    soon = sorted(kill.aimed for kill in aimed if kill.aimed is not None)
    return (
        str(len(aimed)),
        str(killed),
        str(sum(name in names for name in found)),
        str(sum(name not in names for name in found)),
        str(soon[len(soon) // 2]) if soon else "-",
        str(soon[-1]) if soon else "-",
    )


def _figures(result: AuditResult, console: Console) -> None:
    killed = sum(not kill.survived for kill in result.kills)
    clean = sum(clearance.clean for clearance in result.clearances)
    console.print(
        f"{killed} of {len(result.kills)} defects killed, {len(result.wrong_reasons)} for the wrong reason; "
        f"{clean} of {len(result.clearances)} conforming variants clean; {len(result.idle)} requirements kill nothing",
        highlight=False,
    )
    figures = result.detection()
    if figures:
        console.print(
            f"requests to first detection: median {figures['first_median']:.0f}, "
            f"90th percentile {figures['first_p90']:.0f} (of what was aimed at: {figures['aimed_median']:.0f}, "
            f"{figures['aimed_p90']:.0f}); {result.duration_s:.0f} s",
            highlight=False,
        )


def _line(console: Console, what: str, name: str, detail: str) -> None:
    console.print(f"{what:<13} {name}: {detail}", highlight=False, markup=False, soft_wrap=False)
