"""A scene laid out: where everything is, in pixels of an SVG. The template makes elements of it, and CSS the looks."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stagecheck.report.html.scene import Frame, Scene, Token
from stagecheck.report.html.text import plural, short

GAP, MARGIN = 8, 1
TOKEN_W, TOKEN_H, TOKEN_GAP = 132, 38, 8
_HEAD, _LABEL, _PAD = 34, 28, 9
_NOTHING, _OTHERS, _SKIP = 22, 16, 26
_BOX_LINE, _BOX_PAD = 17, 9
_CHARACTER = 6.8
_LEAST_COLUMN, _LEAST_WIDTH = 156, 400


@dataclass(frozen=True, slots=True)
class Lane:
    """A column: its left edge, and the name at its head."""

    x: int
    label: str
    full: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A token at its place."""

    x: int
    y: int
    token: Token
    label: str
    note: str


@dataclass(frozen=True, slots=True)
class Curve:
    """The way of a service from one frame to the next: `kind` is stays, moves or expected."""

    path: str
    kind: str


@dataclass(frozen=True, slots=True)
class Row:
    """A frame at its place: `top` of its label, `y` and `height` of its strip. `marks`: texts in cells, by kind."""

    top: int
    y: int
    height: int
    frame: Frame
    label: str
    skipped_over: str
    nothing: str
    marks: tuple[tuple[int, int, str, str], ...]
    pointer: int | None


@dataclass(frozen=True, slots=True)
class Box:
    """What was expected, or what came, in lines."""

    y: int
    height: int
    kind: str
    lines: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    """All of one drawing."""

    width: int
    height: int
    column: int
    body: int
    lanes: tuple[Lane, ...]
    rows: tuple[Row, ...]
    curves: tuple[Curve, ...]
    pieces: tuple[Piece, ...]
    boxes: tuple[Box, ...]
    title: str
    description: str
    left_out: str


def drawing_of(scene: Scene, violation: Mapping[str, Any]) -> Drawing:
    """Lay out a scene, with what was expected and what came below it."""
    number = max(1, len(scene.columns))
    column = max(_LEAST_COLUMN, (_LEAST_WIDTH - 2 * MARGIN + GAP) // number - GAP)
    width = number * (column + GAP) - GAP + 2 * MARGIN
    xs = {stage.key: MARGIN + at * (column + GAP) for at, stage in enumerate(scene.columns)}
    lanes = tuple(Lane(xs[stage.key], short(stage.label, column // 8), stage.label) for stage in scene.columns)
    rows: list[Row] = []
    pieces: list[tuple[int, Piece]] = []
    top = _HEAD if lanes else 0
    for at, frame in enumerate(scene.frames):
        row = _row(frame, top, _Grid(xs, column, width))
        rows.append(row)
        pieces += [(at, piece) for piece in _pieces(frame, row, _Grid(xs, column, width))]
        top = row.y + row.height
    boxes = tuple(_boxes(violation, top + GAP, width))
    bottom = boxes[-1].y + boxes[-1].height + MARGIN
    return Drawing(
        width=width,
        height=bottom,
        column=column,
        body=top,
        lanes=lanes,
        rows=tuple(rows),
        curves=tuple(_curves(pieces)),
        pieces=tuple(piece for _, piece in pieces),
        boxes=boxes,
        title=f"{plural(len(scene.sentences), 'request')} and where the services stood after each",
        description=_description(scene, violation),
        left_out=f"{plural(scene.left_out, 'other stage')} not drawn" if scene.left_out else "",
    )


@dataclass(frozen=True, slots=True)
class _Grid:
    """The left edges of the columns by stage, how wide they are, and how wide all is."""

    xs: Mapping[str, int]
    column: int
    width: int

    def middle(self, key: str) -> int:
        return self.xs[key] + self.column // 2


def _row(frame: Frame, top: int, grid: _Grid) -> Row:
    over = _SKIP if frame.skipped_over else 0
    y = top + over + _LABEL
    most = max((len(tokens) for tokens in frame.cells.values()), default=0)
    height = 2 * _PAD + most * (TOKEN_H + TOKEN_GAP) - (TOKEN_GAP if most else 0)
    marks: list[tuple[int, int, str, str]] = []
    if any(frame.others.values()):
        height += _OTHERS
        for key, number in frame.others.items():
            if number:
                marks.append((grid.middle(key), y + height - 8, f"+ {plural(number, 'other')}", "others"))
    if not most:
        height = max(height, 2 * _PAD + (TOKEN_H if frame.shown is not None else _NOTHING))
    missing = [key for key in grid.xs if frame.whole and frame.shown is not None and key not in frame.shown]
    absent = [key for key in missing if not frame.cells[key]]
    marks += [(grid.middle(key), y + height // 2 + 4, "not listed", "absent") for key in absent]
    if frame.shown is not None and not frame.whole:
        hidden = [key for key in grid.xs if key not in frame.shown and not frame.cells[key]]
        marks += [(grid.middle(key), y + height // 2 + 4, "not in this answer", "unseen") for key in hidden]
    room = int((grid.width - 92) / _CHARACTER)
    return Row(
        top=top + over,
        y=y,
        height=height,
        frame=frame,
        label=short(frame.brief, room),
        skipped_over=f"{plural(frame.skipped_over, 'request')} not drawn" if frame.skipped_over else "",
        nothing=frame.nothing,
        marks=tuple(marks),
        pointer=grid.middle(frame.addressed) if frame.addressed in grid.xs and frame.addressed else None,
    )


def _pieces(frame: Frame, row: Row, grid: _Grid) -> Iterator[Piece]:
    for key, tokens in frame.cells.items():
        for slot, token in enumerate(tokens):
            x = grid.middle(key) - TOKEN_W // 2
            y = row.y + _PAD + slot * (TOKEN_H + TOKEN_GAP)
            yield Piece(x, y, token, short(token.label, 16), short(token.note, 22))


def _curves(pieces: list[tuple[int, Piece]]) -> Iterator[Curve]:
    """From each token to the same service's in the next frame that shows it; to what was expected as well."""
    ways: dict[str, dict[int, list[Piece]]] = {}
    for at, piece in pieces:
        ways.setdefault(piece.token.service, {}).setdefault(at, []).append(piece)
    for way in ways.values():
        before: list[Piece] = []
        for at in sorted(way):
            for piece in way[at]:
                for last in before[:1]:
                    yield _curve(last, piece)
            before = [piece for piece in way[at] if piece.token.role != "expected"] or before


def _curve(last: Piece, piece: Piece) -> Curve:
    x1, y1, x2, y2 = last.x + TOKEN_W // 2, last.y + TOKEN_H, piece.x + TOKEN_W // 2, piece.y
    kind = "expected" if piece.token.role == "expected" else "stays" if x1 == x2 else "moves"
    if kind == "stays":
        return Curve(f"M{x1} {y1}V{y2 - 3}", kind)
    middle = (y1 + y2) // 2
    return Curve(f"M{x1} {y1}C{x1} {middle} {x2} {middle} {x2} {y2 - 3}", kind)


def _boxes(violation: Mapping[str, Any], y: int, width: int) -> Iterator[Box]:
    room = int((width - 120) / _CHARACTER)
    for kind in ("expected", "actual"):
        lines = textwrap.wrap(short(violation[kind], 400), room) or ["–"]
        if len(lines) > 4:
            lines = [*lines[:3], lines[3][: room - 1] + "…"]
        height = 2 * _BOX_PAD + len(lines) * _BOX_LINE
        yield Box(y, height, kind, tuple((y + _BOX_PAD + 13 + at * _BOX_LINE, line) for at, line in enumerate(lines)))
        y += height + 6


def _description(scene: Scene, violation: Mapping[str, Any]) -> str:
    told = [
        f"{frame.number}. {frame.words}, answered {frame.status}: {scene.sentences[frame.number - 1]}."
        for frame in scene.frames
    ]
    said = f"Expected: {short(violation['expected'], 400)}. Actual: {short(violation['actual'], 400)}."
    return " ".join([*told, said])
