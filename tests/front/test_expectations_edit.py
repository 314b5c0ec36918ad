"""`expect.toml` changed in place: what somebody wrote around an entry stays."""

from __future__ import annotations

from datetime import date

import pytest

from stagecheck.errors import ConfigError
from stagecheck.expectations.edit import HEADER, with_entries, without
from stagecheck.expectations.entries import Entry, parse
from stagecheck.suite.plan import ProfileName

NAME = "expect.toml"


def entry(requirement: str, cause: str, **texts: str) -> Entry:
    return Entry(requirement, cause, texts.get("reason", "r"), "o", date(2026, 1, 31), texts.get("message", ""))


def block(requirement: str, cause: str) -> str:
    """An entry as it is written."""
    return f'[[{requirement}]]\ncause = "{cause}"\nreason = "r"\nowner = "o"\nexpires = 2026-01-31\nprofile = "quick"\n'


A, B, C = block("MOVE-4", "a"), block("MOVE-4", "b"), block("ERR-1", "c")


def test_a_new_file_begins_with_what_it_is() -> None:
    made = with_entries("", [entry("MOVE-4", "a"), entry("ERR-1", "c"), entry("MOVE-4", "b")], NAME)
    assert made == f"{HEADER}\n{A}\n{B}\n{C}"


ADDED = {
    "after the others of its requirement": (f"{A}\n{C}", [entry("MOVE-4", "b")], f"{A}\n{B}\n{C}"),
    "at the end": (f"{A}\n", [entry("ERR-1", "c")], f"{A}\n{C}"),
    "before the comment of the next": (f"{A}\n# c\n{C}", [entry("MOVE-4", "b")], f"{A}\n{B}\n# c\n{C}"),
    "no newline at the end": (A[:-1], [entry("MOVE-4", "b"), entry("ERR-1", "c")], f"{A}\n{B}\n{C}"),
    "both": (f"# f\n\n{A}# end\n", [entry("ERR-1", "c"), entry("MOVE-4", "b")], f"# f\n\n{A}\n{B}# end\n\n{C}"),
}


@pytest.mark.parametrize(("text", "entries", "wanted"), ADDED.values(), ids=ADDED.keys())
def test_entries_are_added_and_the_rest_stays(text: str, entries: list[Entry], wanted: str) -> None:
    assert with_entries(text, entries, NAME) == wanted
    windows = with_entries(text.replace("\n", "\r\n"), entries, NAME)
    assert windows.replace("\r\n", "\n") == wanted
    if "\n" in text:
        assert windows.count("\r\n") == windows.count("\n")


@pytest.mark.parametrize("text", ['"\\', "\x00\x07\x7f\x1b[2J", "a\nb\r\n\t", "é 😀 \u202e", '"""', "#", "[[MOVE-4]]"])
def test_whatever_a_target_says_is_read_again(text: str) -> None:
    made = with_entries("", [entry("MOVE-4", text or "x", reason=text, message=text)], NAME)
    (read,) = parse(made, NAME).entries
    assert (read.cause, read.reason, read.message) == (text, text, text)
    assert without(made, [read.key], NAME) == HEADER


REMOVED = {
    "the only one": (A, [("MOVE-4", "a")], ""),
    "the only one below a header": (f"# f\n\n{A}", [("MOVE-4", "a")], "# f\n"),
    "the first": (f"{A}\n{B}\n{C}", [("MOVE-4", "a")], f"{B}\n{C}"),
    "one in the middle": (f"{A}\n{B}\n{C}", [("MOVE-4", "b")], f"{A}\n{C}"),
    "the last": (f"{A}\n{B}\n{C}", [("ERR-1", "c")], f"{A}\n{B}"),
    "two": (f"{A}\n{B}\n{C}", [("MOVE-4", "a"), ("MOVE-4", "b")], C),
    "all": (f"{A}\n{B}\n{C}", [("MOVE-4", "a"), ("MOVE-4", "b"), ("ERR-1", "c")], ""),
    "its comment goes, the next one's stays": (f"{A}\n# b\n# too\n{B}\n# c\n{C}", [("MOVE-4", "b")], f"{A}\n# c\n{C}"),
    "comments of the first": (f"# f\n\n# a\n{A}\n# b\n{B}", [("MOVE-4", "a")], f"# f\n\n# b\n{B}"),
    "a comment that begins the file": (f"# f\n{A}\n{B}", [("MOVE-4", "a")], f"# f\n\n{B}"),
    "a comment apart": (f"{A}\n# apart\n\n{B}", [("MOVE-4", "b")], f"{A}\n# apart\n"),
    "no empty lines": (f"{A}{B}{C}", [("MOVE-4", "b")], f"{A}{C}"),
    "indented": (f"{A}\n  {B}\n  {C}", [("MOVE-4", "b")], f"{A}\n  {C}"),
    "with a comment in it": (A.replace("reason", "# why\nreason") + f"\n{B}", [("MOVE-4", "a")], B),
    "text like an entry": (A.replace('"r"', f'"""\n{B}"""') + f"\n{C}", [("MOVE-4", "a")], C),
    "the same cause elsewhere": (f"{A}\n{block('ERR-1', 'a')}", [("ERR-1", "a")], A),
    "one that is not there": (f"{A}\n{B}", [("ERR-1", "c")], f"{A}\n{B}"),
}


@pytest.mark.parametrize(("text", "keys", "wanted"), REMOVED.values(), ids=REMOVED.keys())
def test_entries_are_removed_and_the_rest_stays(text: str, keys: list[tuple[str, str]], wanted: str) -> None:
    assert without(text, keys, NAME) == wanted
    assert without(text.replace("\n", "\r\n"), keys, NAME) == wanted.replace("\n", "\r\n")
    left = {one.key for one in parse(text, NAME).entries} - set(keys)
    assert {one.key for one in parse(wanted, NAME).entries} == left


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{A}\n{C}\n{B}", "cannot be edited: put the entries of one requirement one after the other"),
        (
            'MOVE-4 = [{cause = "a", reason = "r", owner = "o", expires = 2026-01-31}]\n',
            "cannot be edited: write MOVE-4 as tables, each below [[MOVE-4]]",
        ),
    ],
)
def test_what_cannot_be_edited_is_told_and_not_guessed(text: str, said: str) -> None:
    parse(text, NAME)
    with pytest.raises(ConfigError) as removing:
        without(text, [("MOVE-4", "a")], NAME)
    with pytest.raises(ConfigError) as adding:
        with_entries(text, [entry("MOVE-4", "x")], NAME)
    assert str(removing.value) == str(adding.value) == f"{NAME} {said}"


def test_the_profile_is_written() -> None:
    nightly = Entry("MOVE-4", "a", "r", "o", date(2026, 1, 31), profile=ProfileName.NIGHTLY)
    (read,) = parse(with_entries("", [nightly], NAME), NAME).entries
    assert read == nightly
