"""A second opinion on witnesses: the documents as they are, and a validator that shares nothing with ours.

It knows OpenAPI's dialects by itself, follows references by itself, and is given the raw documents.
"""

from __future__ import annotations

from typing import Any

from openapi_schema_validator import OAS30ReadValidator, OAS30WriteValidator, OAS31Validator
from openapi_schema_validator import oas30_format_checker as formats_30
from openapi_schema_validator import oas31_format_checker as formats_31
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from stagecheck.spec.positions import pointer


def accepts(document: dict[str, Any], steps: tuple[str | int, ...], value: Any, *, sent: bool) -> bool:
    """Whether the schema at that place of a document allows a value; ``sent`` by clients, or answered."""
    registry = Registry().with_resource("urn:document", DRAFT202012.create_resource(document))
    schema = {"$ref": f"urn:document#{pointer(steps).replace('{', '%7B').replace('}', '%7D')}"}
    if str(document["openapi"]).startswith("3.0"):
        kind = OAS30WriteValidator if sent else OAS30ReadValidator
        validator = kind(schema, registry=registry, format_checker=formats_30)
    else:
        validator = OAS31Validator(schema, registry=registry, format_checker=formats_31)
    return bool(validator.is_valid(value))


def place_of(document: dict[str, Any], operation: str, where: str) -> tuple[str | int, ...]:
    """Where the schema stands that ``where`` of an operation is about."""
    method, path = operation.lower().split(" ", 1)[0], operation.split(" ", 1)[1]
    item = document["paths"][path]
    base: tuple[str | int, ...] = ("paths", path, method)
    if where.startswith("the body"):
        return (*base, "requestBody", "content", "application/json", "schema")
    if where.startswith("the answer"):
        status = where.split()[2].rstrip(",")
        return (*base, "responses", status, "content", "application/json", "schema")
    name = where.rsplit(maxsplit=1)[-1]
    for holder, above in ((item[method], base), (item, base[:2])):
        for position, parameter in enumerate(holder.get("parameters", ())):
            if parameter["name"] == name:
                return (*above, "parameters", position, "schema")
    raise AssertionError(f"no {where} in {operation}")
