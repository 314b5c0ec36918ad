"""A ledger on disk: what was cut off or damaged is told apart, what is not noted is an error, one run at a time."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kit.small import uid
from stagecheck.errors import TargetError, UsageError
from stagecheck.model.state import Placement
from stagecheck.target import ledger as ledgers
from stagecheck.target.account import ANY, FALSE, TRUE, Account, flag_of
from stagecheck.target.ledger import Ledger, entries_of, ledger_path, spelled
from stagecheck.target.lock import Lock

A, B, C = uid("A"), uid("B"), uid("C")
ONE, TWO = uid("one"), uid("two")
URL = "https://api.example"


def _attach(number: int, service: str, stage: str, flag: str = FALSE, **more: Any) -> dict[str, Any]:
    path = f"/deploymentStage/{stage}/service/{service}"
    return {"write": str(number), "method": "PUT", "path": path, "flag": flag, **more}


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(tmp_path / "kept" / "ledger-x.jsonl", {"url": URL, "environment": uid("environment")})
    yield ledger
    ledger.close(finished=False)


def _begun(book: Ledger) -> None:
    book.note(_attach(1, ONE, B, homes={ONE: [A, True], TWO: [A, False]}))
    book.note({"answer": "1", "status": 200}, durably=False)


# ---------------------------------------------------------------------- the file


def test_nothing_is_made_before_something_is_noted(book: Ledger) -> None:
    assert not book.path.parent.exists()
    book.close(finished=True)
    _begun(book)
    assert next(entry for _, entry in entries_of(book.path)) == {
        "ledger": 1,
        "url": URL,
        "environment": uid("environment"),
    }


def test_a_finished_ledger_is_removed_and_another_one_is_kept(book: Ledger) -> None:
    _begun(book)
    book.close(finished=False)
    assert Account.read(book.path).writes == 1
    _begun(book)
    book.close(finished=True)
    assert not book.path.exists()


@pytest.mark.parametrize("kept", [1, 20, -2, -1])
def test_a_last_line_that_was_cut_off_is_told_apart_and_written_over(book: Ledger, kept: int) -> None:
    _begun(book)
    book.close(finished=False)
    whole = book.path.read_bytes()
    line = spelled(_attach(2, TWO, C))
    book.path.write_bytes(whole + line[:kept])
    account = Account.read(book.path)
    assert (account.writes, account.damaged) == (1, [])
    book.note(_attach(2, TWO, B))
    assert book.path.read_bytes() == whole + spelled(_attach(2, TWO, B))


@pytest.mark.parametrize("at", [10, 40])
def test_a_damaged_line_is_named_and_the_others_are_read(book: Ledger, at: int) -> None:
    _begun(book)
    book.note(_attach(2, TWO, B))
    book.close(finished=False)
    lines = book.path.read_bytes().splitlines(keepends=True)
    lines[1] = lines[1][:at] + b"#" + lines[1][at + 1 :]
    book.path.write_bytes(b"".join(lines))
    account = Account.read(book.path)
    assert account.damaged == [2]
    assert account.writes == 1


@pytest.mark.parametrize("content", [b"hello\n", b'{"a": 1}\n', b"hello", spelled({"ledger": 99}), b"\xff\xfe\n"])
def test_what_is_no_ledger_is_refused_with_the_mend(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.jsonl"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"no ledger.*; give a ledger"):
        Account.read(path)


def test_a_ledger_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read the ledger .*No such file.*; check its path"):
        Account.read(tmp_path / "none.jsonl")


def test_a_ledger_whose_first_line_was_cut_off_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(spelled({"ledger": 1, "url": URL})[:30])
    assert Account.read(path).writes == 0


@pytest.mark.parametrize("failing", ["write", "fsync"])
def test_what_cannot_be_noted_is_an_error_and_leaves_whole_lines(
    book: Ledger, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    _begun(book)
    real, tried = os.write, []

    def half(file: int, content: bytes) -> int:
        tried.append(content)
        if len(tried) == 1:
            return real(file, content[: len(content) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    def broken(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched:
        if failing == "write":
            patched.setattr(os, "write", half)
        else:
            patched.setattr(ledgers, "_synced", broken)
        with pytest.raises(TargetError, match=r"cannot be written .*; make room there, or name another directory"):
            book.note(_attach(2, TWO, B))
    book.note(_attach(3, TWO, C))
    assert Account.read(book.path).damaged == []


def test_one_environment_has_one_ledger_however_its_url_is_written(tmp_path: Path) -> None:
    one = ledger_path(tmp_path, "http://host:1/base", uid("e"), ())
    assert one == ledger_path(tmp_path, "HTTP://host:1/base/".lower(), uid("e").upper(), ("ignored",))
    assert one != ledger_path(tmp_path, "http://host:1/base", uid("f"), ())
    assert ledger_path(tmp_path, "http://h", None, (A, B)) == ledger_path(tmp_path, "http://h", None, (B, A))


# ---------------------------------------------------------------------- what it tells


def _account(*entries: dict[str, Any]) -> Account:
    account = Account()
    for entry in ({"ledger": 1, "url": URL}, *entries):
        account.take(entry)
    return account


def _ours(account: Account, service: str) -> set[tuple[str, bool]]:
    names = {A: "A", B: "B", C: "C"}
    places = [(stage, flag) for stage in names for flag in (False, True)]
    return {(names[stage], flag) for stage, flag in places if account.ours(service, Placement(stage, flag))}


HOMES: dict[str, Any] = {"homes": {ONE: [A, True], TWO: [A, False]}}


@pytest.mark.parametrize(
    ("flag", "more"),
    [
        (FALSE, {("B", False)}),
        (TRUE, {("B", False), ("B", True)}),
        (ANY, {("A", False), ("B", False), ("B", True)}),
    ],
)
def test_a_write_leads_to_every_place_that_a_reading_of_it_allows(flag: str, more: set[tuple[str, bool]]) -> None:
    account = _account(_attach(1, ONE, B, flag, **HOMES))
    assert _ours(account, ONE) == {("A", True)} | more
    assert _ours(account, TWO) == {("A", False)}
    assert account.home_of(ONE) == Placement(A, skipped=True)


def test_a_skip_elsewhere_may_skip_in_place() -> None:
    account = _account(_attach(1, TWO, B, TRUE, **HOMES))
    assert _ours(account, TWO) == {("A", False), ("A", True), ("B", False), ("B", True)}


def test_what_was_seen_later_narrows_it_but_what_was_lost_stays_possible() -> None:
    seen: dict[str, Any] = {"now": {ONE: [[B, False]]}}
    answered = _account(_attach(1, ONE, B, **HOMES), {"answer": "1", "status": 200}, _attach(2, TWO, B, **seen))
    assert _ours(answered, ONE) == {("B", False)}
    lost = _account(_attach(1, ONE, C, **HOMES), {"answer": "1", "status": None}, _attach(2, TWO, B, **seen))
    assert _ours(lost, ONE) == {("B", False), ("C", False)}


def test_ids_in_capitals_and_other_methods_are_understood() -> None:
    path = f"/deploymentStage/{B.upper()}/service/{ONE.upper()}"
    account = _account({"write": "1", "method": "DELETE", "path": path, "flag": FALSE, **HOMES})
    assert _ours(account, ONE) == {("A", True), ("A", False), ("B", True), ("B", False)}
    assert _ours(_account({"write": "1", "method": "PUT", "path": "/deploymentStage/x/service/y", **HOMES}), ONE) == {
        ("A", True)
    }


def test_what_is_in_a_stage_that_is_deleted_may_be_anywhere_until_it_is_seen() -> None:
    deleted = {"write": "2", "method": "DELETE", "path": f"/deploymentStage/{B}"}
    account = _account(_attach(1, ONE, B, **HOMES), deleted)
    assert len(_ours(account, ONE)) == 6
    account.take(_attach(3, TWO, B, now={ONE: [[C, True]]}))
    assert _ours(account, ONE) == {("C", True)}


def test_what_somebody_else_has_done_is_the_home_from_then_on() -> None:
    account = _account(_attach(1, ONE, B, **HOMES), {"theirs": {ONE: [C, False]}})
    assert account.home_of(ONE) == Placement(C, skipped=False)


def test_stages_that_were_made_are_known_by_id_or_by_the_name_they_were_to_get() -> None:
    create = {"method": "POST", "path": f"/environment/{uid('environment')}/deploymentStage"}
    account = _account(
        {"write": "1", **create, "name": "X"},
        {"answer": "1", "status": 200, "made": C},
        {"write": "2", **create, "name": "Y"},
        {"answer": "2", "status": None},
    )
    assert account.made == {C: "X"}
    assert list(account.tried) == ["X", "Y"]
    account.take({"write": "3", "method": "DELETE", "path": f"/deploymentStage/{C}"})
    assert account.made == {C: "X"}
    account.take({"answer": "3", "status": 204})
    assert account.made == {}


@pytest.mark.parametrize(
    ("body", "flag"),
    [
        (None, FALSE),
        (b"", FALSE),
        (b"{}", FALSE),
        (b'{"is_skipped": false}', FALSE),
        (b'{"is_skipped": true}', TRUE),
        (b'{"is_skipped": "true"}', ANY),
        (b'{"is_skipped": 1}', ANY),
        (b"[]", ANY),
        (b"{", ANY),
        (b"[" * 100_000, ANY),
    ],
)
def test_what_a_body_says_of_the_flag(body: bytes | None, flag: str) -> None:
    assert flag_of(body) == flag


# ---------------------------------------------------------------------- one run at a time


def test_a_second_run_is_refused_and_the_first_one_is_named(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger-host-0123456789ab.jsonl"
    with Lock(ledger):
        for other in (ledger, tmp_path / "ledger-host-0123456789ab.20250101T000000.jsonl"):
            with pytest.raises(UsageError, match=rf"another run is at work .*process {os.getpid()} on .*: wait"):
                Lock(other).__enter__()
    with Lock(ledger):
        pass
    assert not ledger.with_suffix(".holder").exists()


def test_the_lock_of_a_process_that_was_killed_is_stale(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger-host-0123456789ab.jsonl"
    script = (
        "import sys, time; from pathlib import Path; from stagecheck.target.lock import Lock\n"
        "with Lock(Path(sys.argv[1])): print('held', flush=True); time.sleep(600)"
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(ledger)], stdout=subprocess.PIPE)
    with process, process.stdout as out:  # type: ignore[union-attr]  # a pipe was asked for
        assert out.readline() == b"held\n"
        with pytest.raises(UsageError, match=f"process {process.pid} on "):
            Lock(ledger).__enter__()
        process.kill()
        process.wait()
        with Lock(ledger) as lock:
            assert json.loads(lock.note.read_text())["pid"] == os.getpid()


def _of_another_machine(ledger: Path) -> Path:
    note = ledger.with_suffix(".holder")
    note.write_text(json.dumps({"pid": 7, "host": "another", "since": "2025-01-01T00:00:00+00:00"}))
    return note


def test_a_note_of_another_machine_holds_while_it_is_touched(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger-host-0123456789ab.jsonl"
    note = _of_another_machine(ledger)
    with pytest.raises(UsageError, match="process 7 on another"):
        Lock(ledger).__enter__()
    assert note.exists()
    os.utime(note, (time.time() - 301, time.time() - 301))
    with Lock(ledger) as lock:
        os.utime(note, (1, 1))
        lock.beat()
        assert note.stat().st_mtime > 1


def test_a_note_that_is_nonsense_is_stale(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger-host-0123456789ab.jsonl"
    ledger.with_suffix(".holder").write_text("[]")
    with Lock(ledger):
        pass


def test_a_directory_that_cannot_be_written_to_is_refused_with_the_mend(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"cannot write to .*; name another directory in \[storage\] ledgers"):
        Lock(tmp_path / "file" / "ledger.jsonl").__enter__()
