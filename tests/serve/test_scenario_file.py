from __future__ import annotations

from pathlib import Path

import pytest

from stagecheck.errors import ConfigError
from stagecheck.mock.scenario import FOREIGN_TOKEN, TOKEN, Scenario, embedded
from stagecheck.mock.scenario_file import load_scenario, parse_scenario, scenario_of
from stagecheck.model.requests import FOREIGN, OWN
from stagecheck.model.state import Placement, Reading

WHOLE = """\
reading: skip-in-place
organizations:
  acme:
    tokens: [acme-token, second-token]
    environments:
      production:
        stages:
          BUILD:
            description: first of all
            services:
              api: {type: HELM}
              migrate: {type: JOB, skipped: true}
              web:
          DEPLOY:
      staging: {id: 3FA85F64-5717-4562-B3FC-2C963F66AFA6}
  other:
    environments: {sandbox: {stages: {BUILD: {services: {api: }}}}}
  third:
    environments: {lab: }
"""
ONE = "environments: {{production: {{stages: {{BUILD: {}}}}}}}"


def ids(scenario: Scenario) -> dict[str, str]:
    return {name: key for key, name in scenario.names.items()}


def test_a_whole_file_is_understood() -> None:
    found = parse_scenario(WHOLE, "s.yaml")
    world, by_name = found.world, ids(found)
    stages = {stage.name: stage for stage in world.stages_of(found.environment)}
    assert [(stage.name, stage.order, stage.description) for stage in stages.values()] == [
        ("BUILD", 1, "first of all"),
        ("DEPLOY", 2, ""),
    ]
    types = {found.names[key]: world.services[key].type for key in found.services(found.environment)}
    assert types == {"api": "HELM", "migrate": "JOB", "web": "APPLICATION"}
    assert world.placements[by_name["migrate"]] == Placement(stages["BUILD"].id, skipped=True)
    assert world.reading is Reading.SKIP_IN_PLACE
    assert found.environment == by_name["production"]
    assert found.second_environment == "3fa85f64-5717-4562-b3fc-2c963f66afa6"
    assert found.foreign_environment == by_name["sandbox"]
    assert world.organizations[by_name["lab"]] not in (OWN, FOREIGN)
    owners = {token: owner for token, owner in found.tokens.items() if owner in (OWN, FOREIGN)}
    assert owners == {"acme-token": OWN, "second-token": OWN, FOREIGN_TOKEN: FOREIGN}
    assert len(found.tokens) == 4


def test_one_organization_needs_no_name_and_has_the_embedded_token() -> None:
    found = parse_scenario(ONE.format("{services: {api: }}"), "s.yaml")
    assert dict(found.tokens) == {TOKEN: OWN}
    assert (found.second_environment, found.foreign_environment) == (None, None)


def test_ids_depend_on_names_alone() -> None:
    """Neither the order, nor what else there is, nor the stage that a service begins in."""
    before = parse_scenario(ONE.format("{services: {api: , web: }}, DEPLOY: "), "s.yaml")
    after = parse_scenario(
        "environments: {staging: , production: {stages: {DEPLOY: {services: {web: , more: , api: }}, BUILD: }}}",
        "t.yaml",
    )
    assert {name: key for name, key in ids(after).items() if name in ids(before)} == ids(before)
    named = [{stage.name: stage.id for stage in one.world.stages.values()} for one in (before, after)]
    assert named[0] == named[1]


def test_equal_names_of_different_things_are_different_things() -> None:
    found = parse_scenario(
        "environments: {a: {stages: {a: {services: {a: }}}}, b: {stages: {a: {services: {a: }}}}}", "s.yaml"
    )
    assert (len(found.world.stages), len(found.world.services), len(found.names)) == (2, 2, 4)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "s.yaml: it needs organizations, or environments where there is one organization"),
        ("reading: refuse", "s.yaml:1: it needs organizations, or environments"),
        (f"{WHOLE}environments: {{}}", "s.yaml:1: it needs organizations, or environments"),
        ("organisations: {}", "s.yaml:1: unknown key 'organisations'; did you mean organizations?"),
        ("- a", "s.yaml:1: it is a list; give reading, organizations, environments below it"),
        ("organizations: {}", "organizations: there is none; name one"),
        ("organizations: {a: }", "organizations.a: environments is missing; name at least one"),
        ("environments: {}", "environments: there is none; name at least one"),
        ("environments: production", "environments: it is the text 'production'; give names with a colon below it"),
        ("environments:\n  a:\n  a:", "s.yaml:3: environments: 'a' is there twice (line 2); remove one"),
        (
            "organizations:\n  a: {environments: {x: }}\n  b: {environments: {x: }}",
            "s.yaml:3: organizations.b.environments.x: organizations.a.environments.x has the same name",
        ),
        (ONE.format("{services: {api: {typ: JOB}}}"), "BUILD.services.api: unknown key 'typ'; did you mean type?"),
        (ONE.format("{services: [api]}"), "BUILD.services: it is a list; give names with a colon below it"),
        (ONE.format("{services: {api: JOB}}"), "services.api: it is the text 'JOB'; give id, type, skipped below it"),
        (ONE.format("{services: {api: {skipped: 'true'}}}"), "api.skipped: it is the text 'true'; give true or false"),
        (ONE.format("{services: {api: {skipped: yes}}}"), "api.skipped: it is the text 'yes'; give true or false"),
        (ONE.format("{services: {api: {type: [JOB]}}}"), "api.type: it is a list; give a text"),
        (ONE.format("{services: {api: {type: }}}"), "api.type: it is empty; give a text"),
        (ONE.format("{services: {? [1] : }}"), "BUILD.services: a key that is no name; give a text"),
        (ONE.format("{services: {api: }}, DEPLOY: {services: {api: }}"), "DEPLOY.services.api: it is in environments."),
        (ONE.format("{id: 12}"), "BUILD.id: '12' is no UUID; give one such as 3fa85f64"),
        (
            ONE.format("{id: &id 3fa85f64-5717-4562-b3fc-2c963f66afa6, services: {api: {id: *id}}}"),
            "api: environments.production.stages.BUILD has the same id; give another, or none",
        ),
        ("reading: move\nenvironments: {a: }", "s.yaml:1: reading: there is no reading 'move'; known are move-"),
        ("organizations: {a: {tokens: x}}", "organizations.a.tokens: it is the text 'x'; give a list such as"),
        ("organizations: {a: {tokens: ['x y']}}", "organizations.a.tokens[0]: it is empty, or holds what no header"),
        ("organizations: {a: {tokens: [x, x]}}", "organizations.a.tokens[1]: the same token is there already"),
        ("a: [", "s.yaml:1: no YAML: "),
        ("a: b\n---\nc: d", "s.yaml:2: no YAML: but found another document; correct the syntax there"),
        ("a: *nowhere", "s.yaml:1: no YAML: found undefined alias"),
        ("!!python/object/apply:os.getcwd []", "s.yaml:1: it is a list; give reading"),
        ("\0", "s.yaml: no YAML: unacceptable character"),
        ("[" * 600, "s.yaml: nested too deeply"),
        ("#" * 300_000, "s.yaml is longer than 256 KiB"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_with_its_place_and_its_mend(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse_scenario(text, "s.yaml")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_aliases_multiply_no_further_than_a_bound() -> None:
    services = ", ".join(f"s{number}: " for number in range(100))
    stages = ", ".join(f"S{number}: *one" for number in range(100))
    bomb = (
        f"environments: {{a: {{stages: &all {{S: &one {{services: {{{services}}}}}}}}}, b: {{stages: {{{stages}}}}}}}"
    )
    with pytest.raises(ConfigError, match=r"it is in environments\.b\.stages\.S0 already"):
        parse_scenario(bomb, "s.yaml")
    many = ", ".join(f"e{number}: {{stages: *all}}" for number in range(200))
    with pytest.raises(ConfigError, match="more than 10,000 names, aliases counted; leave some out"):
        parse_scenario(f"{bomb.partition(', b:')[0]}, {many}}}", "s.yaml")


def test_a_file_that_is_not_there_and_one_that_is_no_text(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read the scenario .*: No such file or directory; check its path"):
        load_scenario(tmp_path / "nowhere.yaml")
    place = tmp_path / "bytes.yaml"
    place.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="is not UTF-8 text; save it as such"):
        load_scenario(place)


def test_a_scenario_may_be_a_file_a_mapping_or_made_already(tmp_path: Path) -> None:
    place = tmp_path / "s.yaml"
    place.write_text(ONE.format("{services: {api: }}"))
    mapping = {"environments": {"production": {"stages": {"BUILD": {"services": {"api": None}}}}}}
    from_file = scenario_of(place, None)
    assert scenario_of(str(place), None) == scenario_of(mapping, None) == from_file
    assert scenario_of(from_file, None) is from_file
    assert scenario_of(from_file, "refuse").world.reading is Reading.REFUSE
    assert scenario_of(place, Reading.REFUSE).world.reading is Reading.REFUSE
    assert scenario_of(None, "move-unskips") == embedded(Reading.MOVE_UNSKIPS)


@pytest.mark.parametrize(
    ("given", "reading", "said"),
    [
        (
            {"environments": {"a": {"stage": {}}}},
            None,
            "the scenario: environments.a: unknown key 'stage'; did you mean",
        ),
        ({"environments": object()}, None, "the scenario cannot be written as YAML: "),
        (None, "skip", "there is no reading 'skip'; known are move-and-skip, "),
    ],
)
def test_a_wrong_mapping_is_said_without_lines(given: object, reading: str | None, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        scenario_of(given, reading)  # type: ignore[arg-type]
    assert str(error.value).startswith(said)
