"""Conforming targets that manage stages in their own way."""

from __future__ import annotations

from functools import partial

from stagecheck.audit import conforming_stages as own_way
from stagecheck.audit.variant import vary
from stagecheck.model.requests import CreateStage, DeleteStage, EditStage, MoveStage

vary("delete-moves-services", "Services of a deleted stage go to the first one, as they are.", own_way.Empties)
vary(
    "delete-moves-and-unskips",
    "Services of a deleted stage go to the last one, un-skipped.",
    partial(own_way.Empties, home=own_way.to_the_last_unskipped),
)
vary(
    "delete-forbidden",
    "Deleting a stage with services is forbidden (403).",
    partial(own_way.RefusesDeletion, status=403),
)
vary(
    "delete-not-valid",
    "Deleting a stage with services is not valid (400).",
    partial(own_way.RefusesDeletion, status=400),
)
vary("new-stage-first", "A new stage comes first, and all are numbered anew.", partial(own_way.Numbers, first=True))
vary(
    "numbers-in-tens",
    "Stages are numbered in tens after every change.",
    partial(own_way.Numbers, number=lambda at: 10 * at),
)
vary(
    "numbers-from-zero",
    "Stages are numbered from 0 once one was made.",
    partial(own_way.Numbers, number=lambda at: at - 1),
)
vary(
    "edit-empties-descriptions",
    "An edit without a description empties it, which is shown as null.",
    partial(own_way.EmptiesDescriptions, shown=True),
)
vary(
    "empty-descriptions-left-out",
    "An edit without a description empties it, which is not shown at all.",
    partial(own_way.EmptiesDescriptions, shown=False),
)
vary("deleted-is-gone", "A deleted stage is answered 410.", own_way.RemembersTheDeleted)
vary(
    "delete-says-200",
    "A deletion is answered 200 with a word.",
    partial(own_way.Answers, kind=DeleteStage, status=200, payload={"deleted": True}),
)
vary("create-says-201", "A creation is answered 201.", partial(own_way.Answers, kind=CreateStage, status=201))
vary("unique-names", "A name that another stage has is refused.", own_way.WantsUniqueNames)
vary(
    "no-management",
    "Stages are not managed (405).",
    partial(own_way.Lacks, kinds=(CreateStage, EditStage, DeleteStage, MoveStage), status=405),
)
vary(
    "no-creation",
    "Stages can be deleted, but not made (403).",
    partial(own_way.Lacks, kinds=(CreateStage,), status=403),
)
vary("no-editing", "Stages cannot be edited (404).", partial(own_way.Lacks, kinds=(EditStage,), status=404))
vary("no-order", "Stages cannot be moved (501).", partial(own_way.Lacks, kinds=(MoveStage,), status=501))
