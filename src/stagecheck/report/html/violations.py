"""The violations of a record as the page shows them, within bounds: the longest record opens at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from stagecheck.contract import CATALOGUE
from stagecheck.outcome import Grade
from stagecheck.report.html.drawing import Drawing, drawing_of
from stagecheck.report.html.grades import GRADES, Sign
from stagecheck.report.html.scene import Scene, scene_of
from stagecheck.report.html.text import shown
from stagecheck.report.html.timeline import Timeline, timeline_of
from stagecheck.report.reproducer.files import files_of, names_of, story_of

MOST = 1000
LONGEST_CURL = 20_000
LONGEST_ANSWER = 3000
_OPEN = 3
_KINDS = {".sh": "Shell script", ".py": "Test file (pytest and httpx)", ".json": "For stagecheck replay"}
_BROKEN = (Grade.FAIL, Grade.NON_STRICT, Grade.INCONCLUSIVE)
_WEIGHTS = [grade.value for grade in (*_BROKEN, Grade.KNOWN)]


@dataclass(frozen=True, slots=True)
class Step:
    """One request in words. `answer`: what came, where it is worth reading and there is room for it."""

    words: str
    status: str
    shows: str
    set_up: bool
    wrong: bool
    answer: str | None


@dataclass(frozen=True, slots=True)
class Script:
    """A written form of a violation; `text`: None where there is no room for it on the page."""

    name: str
    kind: str
    text: str | None


@dataclass(frozen=True, slots=True)
class Shown:
    """One violation on the page."""

    anchor: str
    number: int
    requirement: str
    requirement_anchor: str
    level: str
    sign: Sign
    message: str
    promised: str
    source: str
    expected: str
    actual: str
    at_request: int
    reproduced: str
    cause: str
    open: bool
    drawing: Drawing | None
    timeline: Timeline | None
    steps: tuple[Step, ...]
    commands: str | None
    scripts: tuple[Script, ...]


@dataclass(slots=True)
class _Room:
    """How many characters may still go into the page, by what they are for."""

    answers: int = 400_000
    commands: int = 900_000
    scripts: int = 400_000
    drawings: int = 400

    def take(self, what: str, number: int) -> bool:
        left: int = getattr(self, what) - number
        if left >= 0:
            setattr(self, what, left)
        return left >= 0


def violations_of(record: Mapping[str, Any]) -> tuple[list[Shown], int]:
    """The violations to show, what weighs most first, and how many are left out.

    They keep the numbers that they have in the record.
    """
    room, listed, url = _Room(), record["violations"], record["target"]["url"]
    entries = {entry["id"]: entry for entry in record["requirements"]}
    signs = [_sign(violation, entries[violation["requirement"]]) for violation in listed]
    order = sorted(range(len(listed)), key=lambda at: _WEIGHTS.index(signs[at].key))[:MOST]
    numbers = _numbers(listed)
    made = [
        _shown(listed[at], at, entries[listed[at]["requirement"]]["level"], signs[at], numbers[at], room, url)
        for at in order
    ]
    return [replace(one, open=place < _OPEN) for place, one in enumerate(made)], len(listed) - len(made)


def anchors(violations: list[Shown]) -> dict[str, list[str]]:
    """The anchors of the violations of each requirement."""
    found: dict[str, list[str]] = {}
    for violation in violations:
        found.setdefault(violation.requirement, []).append(violation.anchor)
    return found


def _numbers(listed: list[Any]) -> list[int]:
    """The number that the reproducers of each violation have; 0 for those without."""
    numbers, count = [], 0
    for violation in listed:
        told = isinstance(violation.get("reproducer"), Mapping)
        count += told
        numbers.append(count if told else 0)
    return numbers


def _shown(violation: Mapping[str, Any], at: int, level: str, sign: Sign, number: int, room: _Room, url: str) -> Shown:
    known = CATALOGUE.get(violation["requirement"])
    scene = scene_of(violation)
    timeline = timeline_of(violation)
    drawn = scene is not None and timeline is None and room.take("drawings", 1)
    return Shown(
        anchor=f"violation-{at + 1}",
        number=at + 1,
        requirement=violation["requirement"],
        requirement_anchor=known.id if known else "requirements",
        level=level,
        sign=sign,
        message=shown(violation["message"], 1200),
        promised=known.text if known else "",
        source=known.source if known else "",
        expected=shown(violation["expected"], 1200),
        actual=shown(violation["actual"], 1200),
        at_request=violation["at_request"],
        reproduced=_reproduced(violation.get("reproduced")),
        cause=shown(str(violation.get("cause") or ""), 200),
        open=False,
        drawing=drawing_of(scene, violation) if scene is not None and drawn else None,
        timeline=timeline,
        steps=tuple(_steps(violation, scene, room)) if scene is not None else (),
        commands=_commands(violation["curl"], room),
        scripts=tuple(_scripts({**violation, "url": url}, number, room)),
    )


def _sign(violation: Mapping[str, Any], entry: Mapping[str, Any]) -> Sign:
    if violation.get("known"):
        return GRADES[Grade.KNOWN]
    return GRADES[entry["grade"] if entry["grade"] in _BROKEN else Grade.FAIL]


def _reproduced(told: object) -> str:
    if not isinstance(told, str):
        return "not tried again"
    words = {"always": "seen again every time it was tried", "once": "seen a single time, and not again"}
    return words.get(told, f"seen again {told}")


def _steps(violation: Mapping[str, Any], scene: Scene, room: _Room) -> Iterator[Step]:
    sentences = dict(enumerate(scene.sentences))
    for frame in scene.frames:
        answer = violation["steps"][frame.number - 1]["answer"] if frame.wrong else None
        kept = shown(answer, LONGEST_ANSWER) if answer else None
        fits = kept is not None and room.take("answers", len(kept))
        yield Step(
            frame.words, frame.status, sentences[frame.number - 1], frame.set_up, frame.wrong, kept if fits else None
        )


def _commands(curl: str, room: _Room) -> str | None:
    """The commands, whole or not at all: half a command is worse than none."""
    return curl if len(curl) <= LONGEST_CURL and room.take("commands", len(curl)) else None


def _scripts(violation: Mapping[str, Any], number: int, room: _Room) -> Iterator[Script]:
    if not number:
        return
    texts: dict[str, str] = {}
    if room.scripts > LONGEST_CURL:
        try:
            story = story_of(violation)
            texts = files_of({**story, "url": violation["url"]}, number) if story else {}
        except (AttributeError, KeyError, TypeError, ValueError):
            # A record that was edited: what cannot be written down as a script is named only.
            texts = {}
    for name in names_of(violation["requirement"], number):
        kind = next(said for ending, said in _KINDS.items() if name.endswith(ending))
        text = texts.get(name, "")
        fits = 0 < len(text) <= LONGEST_CURL and room.take("scripts", len(text))
        yield Script(name, kind, text if fits else None)
