"""Small edits of the packaged fragment that make it another contract, each with what has to be said of it.

``old`` stands in the fragment once; ``new`` takes its place. ``‸`` in ``new`` marks the very character that the
finding has to point at; it is taken out before the document is written. ``also`` are findings that come with it.
"""

from __future__ import annotations

from dataclasses import dataclass

MARK = "‸"


@dataclass(frozen=True, slots=True)
class Damage:
    """One edit, the rule that has to name it, and how gravely."""

    name: str
    old: str
    new: str
    rule: str
    severity: str = "error"
    also: tuple[str, ...] = ()


DAMAGES = (
    # --- the operation
    Damage(
        "another method",
        "    put:\n      tags: [Deployment Stage]\n      operationId: AttachService",
        "    ‸post:\n      tags: [Deployment Stage]\n      operationId: AttachService",
        "method-wrong",
    ),
    Damage(
        "a renamed path",
        "  /deploymentStage/{deploymentStageId}/service/{serviceId}:",
        "  ‸/deploymentStage/{deploymentStageId}/services/{serviceId}:",
        "operation-missing",
    ),
    Damage(
        "another operationId",
        "operationId: AttachServiceToDeploymentStage",
        "‸operationId: MoveServiceToDeploymentStage",
        "operation-id",
        "warning",
    ),
    Damage(
        "an operation that is gone",
        "  /service/{serviceId}/deploymentStage:",
        "  ‸/service/{serviceId}/deploymentStages:",
        "operation-missing",
        "note",
    ),
    Damage(
        "a new required parameter",
        "parameters/serviceId'\n    put:\n",
        "parameters/serviceId'\n      - name: force\n        in: query\n        ‸required: true\n"
        "        schema: {type: boolean}\n    put:\n",
        "parameter-added",
    ),
    # --- the path's parameters
    Damage(
        "an id that is a number",
        "The service, whatever its kind (application, container, database, job, …)\n      schema:\n"
        "        type: string\n        format: uuid",
        "The service, whatever its kind (application, container, database, job, …)\n      schema:\n"
        "        ‸type: integer",
        "parameter-type",
    ),
    Damage(
        "an id of another format",
        "The addressed stage\n      schema:\n        type: string\n        format: uuid",
        "The addressed stage\n      schema:\n        type: string\n        ‸format: email",
        "parameter-format",
    ),
    Damage(
        "an id without a format",
        "The addressed stage\n      schema:\n        type: string\n        format: uuid",
        "The addressed stage\n      ‸schema:\n        type: string",
        "parameter-format",
        "warning",
    ),
    Damage(
        "an id in small letters only",
        "The addressed stage\n      schema:\n        type: string\n        format: uuid",
        "The addressed stage\n      schema:\n        type: string\n        format: uuid\n"
        "        ‸pattern: '^[0-9a-f-]+$'",
        "parameter-narrowed",
    ),
    # --- the request's body
    Damage(
        "the body required",
        "        description: May be left out entirely, which means the same as an empty object.\n",
        "        description: May be left out entirely, which means the same as an empty object.\n"
        "        ‸required: true\n",
        "body-required",
    ),
    Damage(
        "the flag required",
        "    AttachServiceRequest:\n      type: object\n",
        "    AttachServiceRequest:\n      type: object\n      ‸required: [is_skipped]\n",
        "flag-required",
        also=("example-invalid",),
    ),
    Damage(
        "the flag renamed",
        "    AttachServiceRequest:\n      type: object\n      properties:\n        is_skipped:",
        "    AttachServiceRequest:\n      type: object\n      ‸properties:\n        skipped:",
        "flag-missing",
    ),
    Damage(
        "the flag a text",
        "        is_skipped:\n          type: boolean\n          description: >-",
        "        is_skipped:\n          ‸type: string\n          description: >-",
        "flag-type",
        also=("example-invalid",),
    ),
    Damage(
        "the flag nullable",
        "        is_skipped:\n          type: boolean\n          description: >-",
        "        is_skipped:\n          type: boolean\n          ‸nullable: true\n          description: >-",
        "flag-nullable",
        "warning",
    ),
    Damage(
        "the flag true by default",
        "        is_skipped:\n          type: boolean\n          description: >-",
        "        is_skipped:\n          type: boolean\n          ‸default: true\n          description: >-",
        "flag-default",
    ),
    Damage(
        "the flag only ever true",
        "        is_skipped:\n          type: boolean\n          description: >-",
        "        is_skipped:\n          type: boolean\n          ‸enum: [true]\n          description: >-",
        "body-narrowed",
        also=("example-invalid",),
    ),
    Damage(
        "a closed body",
        "    AttachServiceRequest:\n      type: object\n",
        "    AttachServiceRequest:\n      type: object\n      ‸additionalProperties: false\n",
        "body-closed",
    ),
    Damage(
        "a body of another media type",
        "        content:\n          application/json:\n            schema:\n"
        "              $ref: '#/components/schemas/AttachServiceRequest'",
        "        content:\n          application/x-www-form-urlencoded:\n            schema:\n"
        "              $ref: '#/components/schemas/AttachServiceRequest'",
        "body-missing",
    ),
    # --- the answers
    Damage(
        "201 in place of 200",
        "      responses:\n        '200':\n          $ref: '#/components/responses/StageList'\n"
        "        '401':\n          $ref: '#/components/responses/Unauthorized'\n"
        "        '403':\n          $ref: '#/components/responses/Forbidden'\n"
        "        '404':\n          $ref: '#/components/responses/NotFound'\n  /environment",
        "      responses:\n        ‸'201':\n          $ref: '#/components/responses/StageList'\n"
        "        '401':\n          $ref: '#/components/responses/Unauthorized'\n"
        "        '403':\n          $ref: '#/components/responses/Forbidden'\n"
        "        '404':\n          $ref: '#/components/responses/NotFound'\n  /environment",
        "status-undue",
        also=("status-missing",),
    ),
    Damage(
        "an answer without a schema",
        "      description: Every stage of the environment, as it is now\n      content:\n        application/json:\n"
        "          schema:\n            $ref: '#/components/schemas/StageList'\n",
        "      description: Every stage of the environment, as it is now\n      content:\n        ‸application/json:\n",
        "answer-missing",
        also=("words-flag",),
    ),
    Damage(
        "a property renamed",
        "        is_skipped:\n          type: boolean\n          description: Whether",
        "        skipped:\n          type: boolean\n          description: Whether",
        "property-missing",
    ),
    Damage(
        "an id that may be absent",
        "      required: [id, created_at, environment]",
        "      ‸required: [created_at, environment]",
        "property-optional",
    ),
    Damage(
        "a name that has to be given",
        "      required: [id, created_at, environment]",
        "      required: [id, created_at, environment, ‸name]",
        "property-required",
        "warning",
    ),
    Damage(
        "the order a text",
        "        deployment_order:\n          type: integer",
        "        deployment_order:\n          ‸type: string",
        "property-type",
        also=("example-invalid",),
    ),
    Damage(
        "a list in place of its object",
        "    StageList:\n      type: object\n      properties:",
        "    StageList:\n      ‸type: array\n      items: {}\n      properties:",
        "property-type",
        also=("example-invalid",),
    ),
    Damage(
        "a time that is a date",
        "description: Id of the entry\n        created_at:\n          type: string\n          format: date-time",
        "description: Id of the entry\n        created_at:\n          type: string\n          ‸format: date",
        "property-format",
    ),
    Damage(
        "kinds of services that are all known",
        "        service_type:\n          type: string\n",
        "        service_type:\n          type: string\n          ‸enum: [APPLICATION, CONTAINER, DATABASE, JOB]\n",
        "answer-narrowed",
    ),
    Damage(
        "a closed answer",
        "    Stage:\n      type: object\n      required",
        "    Stage:\n      type: object\n      ‸additionalProperties: false\n      required",
        "answer-closed",
    ),
    Damage(
        "a stage that always has services",
        "        services:\n          type: array\n",
        "        services:\n          type: array\n          ‸minItems: 1\n",
        "answer-narrowed",
        also=("example-invalid",),
    ),
    Damage(
        "an absent flag that means true",
        "          type: boolean\n          description: Whether the service",
        "          type: boolean\n          ‸default: true\n          description: Whether the service",
        "flag-default",
    ),
    # --- security
    Damage(
        "basic in place of bearer",
        "    bearerAuth:\n      type: http\n      scheme: bearer\n      bearerFormat: JWT\n",
        "    ‸bearerAuth:\n      type: http\n      scheme: basic\n",
        "security-bearer",
    ),
    Damage(
        "the token in the query",
        "    tokenAuth:\n      type: apiKey\n      in: header\n      name: Authorization",
        "    ‸tokenAuth:\n      type: apiKey\n      in: query\n      name: token",
        "security-token",
    ),
    Damage(
        "both credentials at once",
        "  - tokenAuth: []\n",
        "    tokenAuth: []\n",
        "security-bearer",
        also=("security-token",),
    ),
    Damage("no credential needed", "  - tokenAuth: []\n", "  - tokenAuth: []\n  - ‸{}\n", "security-optional"),
    # --- the document
    Damage(
        "an example that does not fit",
        "                deployment_order: 2\n",
        "                ‸deployment_order: second\n",
        "example-invalid",
    ),
    Damage(
        "an example of a request that does not fit",
        "                  is_skipped: false\n",
        "                  ‸is_skipped: 'no'\n",
        "example-invalid",
    ),
    Damage(
        "a reference to nothing",
        "            $ref: '#/components/schemas/StageList'\n          example:",
        "            ‸$ref: '#/components/schemas/Stages'\n          example:",
        "reference-broken",
        also=("document-unvalidated", "answer-missing"),
    ),
    Damage(
        "a reference out of the document",
        "          items:\n            $ref: '#/components/schemas/Service'",
        "          items:\n            ‸$ref: 'https://127.0.0.1:9/service.yaml'",
        "reference-leaves",
        also=("document-unvalidated",),
    ),
    Damage(
        "a status without a description",
        "    NotFound:\n      description: Nothing is known under one of the ids\n",
        "    ‸NotFound: {}\n",
        "document-invalid",
    ),
    Damage(
        "a type that is none",
        "        deployment_order:\n          type: integer",
        "        deployment_order:\n          ‸type: int",
        "document-invalid",
    ),
    Damage(
        "a name twice",
        "      summary: Read one stage\n",
        "      summary: Read one stage\n      ‸summary: Read a stage\n",
        "name-repeated",
    ),
    # --- the words
    Damage(
        "a move that skips",
        "        * Un-skip: a move to a different stage lifts an earlier skip; so does",
        "        * Un-skip: a move to a different stage ‸skips the service; so does",
        "words-move-unskips",
    ),
    Damage(
        "a move that keeps the skip",
        "        * Un-skip: a move to a different stage lifts an earlier skip; so does",
        "        * A move to a different stage does ‸not lift an earlier skip; so does",
        "words-move-unskips",
    ),
    Damage(
        "true un-skips and false skips",
        "False, like an absent property,\n            un-skips it.",
        "False, like an absent property,\n            ‸skips it.",
        "words-false-unskips",
    ),
    Damage(
        "true and false exchanged",
        "            True leaves the service out",
        "            False ‸leaves the service out",
        "words-false-unskips",
    ),
    Damage(
        "skipped that takes part",
        "          and is left out of deployments of the whole environment.",
        "          and ‸takes part in deployments of the whole environment.",
        "words-true-skips",
    ),
    Damage(
        "skipped and moved away",
        "already in, the service stays there\n          and is left out",
        "already in, the service\n          is ‸moved out of its stage and is left out",
        "words-skip-stays",
    ),
    Damage(
        "a move that does not move",
        "the service ends up in the\n          addressed stage and takes part",
        "the service is ‸not moved\n          to the addressed stage and takes part",
        "words-move",
    ),
    Damage(
        "a body that has to be sent",
        "        description: May be left out entirely, which means the same as an empty object.",
        "        description: ‸Must not be left out.",
        "words-body",
    ),
    Damage(
        "an answer of one stage",
        "      description: Every stage of the environment, as it is now",
        "      description: ‸Only the addressed stage, as it is now",
        "words-answer",
    ),
    Damage(
        "absent that means true",
        "of the whole environment; absent means false",
        "of the whole environment; ‸absent means true",
        "words-flag",
    ),
    Damage(
        "a flag that says what takes part",
        "          description: Whether the service is left out of deployments",
        "          description: Whether the service ‸takes part in deployments",
        "words-flag",
    ),
    Damage("a JWT for ever", "an OIDC account; it expires.", "an OIDC account; it does ‸not expire.", "words-jwt"),
    Damage("a token that ends", "it does not expire.", "it ‸expires.", "words-token"),
    Damage(
        "before that is after",
        "      summary: Order a stage in front of another\n",
        "      summary: Order a stage ‸behind another\n",
        "words-order",
    ),
    Damage(
        "services that are lost",
        "The stage is gone afterwards. No service is lost with it.",
        "The stage is gone afterwards. Its ‸services are deleted with it.",
        "words-delete",
    ),
)

SILENCES = (
    Damage(
        "nothing of un-skipping",
        "        * Un-skip: a move to a different stage lifts an earlier skip; so does `is_skipped` false (or absent)\n"
        "          addressed to the current stage, without moving anything.\n",
        "",
        "words-move-unskips",
        "warning",
    ),
    Damage("nothing of a JWT's end", "of an OIDC account; it expires.", "of an OIDC account.", "words-jwt", "warning"),
)
