"""Requests to manage stages that must be refused, as tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from stagecheck.model.requests import CreateStage, DeleteStage, EditStage, Form, Manage, MoveStage

Wrong = tuple[str, str, Manage, bytes | None]
"""Requirement, title, request, and the body that is sent, where it is another one than is meant."""


def wrong(environment: str, unknown: Callable[[], str], name: Callable[[], str]) -> Iterator[Wrong]:
    """What is wrong by itself, whatever stages there are."""
    yield "ERR-2", "delete of an unknown stage", DeleteStage(unknown()), None
    yield "ERR-2", "edit of an unknown stage", EditStage(unknown(), "NO SUCH STAGE"), None
    yield "ERR-2", "create in an unknown environment", CreateStage(unknown(), name()), None
    malformed, array, nameless = (
        CreateStage(environment, text, flaw=flaw)
        for text, flaw in ((name(), Form.MALFORMED), (name(), Form.NOT_OBJECT), ("", Form.UNJUDGED))
    )
    yield "ERR-5", "create with malformed JSON", malformed, b'{"name": "STAGECH'
    yield "ERR-6", "create with an array", array, b"[]"
    yield "ERR-1", "create without a name", nameless, b"{}"


def of_the_deleted(gone: str, anchor: str, name: str) -> Iterator[Manage]:
    """What nobody can do to a stage that was deleted: it comes back by none of it."""
    yield EditStage(gone, name, "edited after its end")
    yield MoveStage(gone, anchor)
