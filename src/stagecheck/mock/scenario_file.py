"""Scenarios from YAML: organizations, environments, stages and services by name. A mistake is one line with its place.

    organizations:
      acme:                     # the first is the one under test
        tokens: [acme-token]    # API tokens; left out: one that the ready line tells
        environments:
          production:           # names of environments are unique in the file
            stages:             # in deployment order
              BUILD:
                services:
                  api: {type: APPLICATION}
                  migrate: {type: JOB, skipped: true}
              DEPLOY:
      other: {environments: {sandbox: {stages: {ONLY: {services: {sandbox-api: }}}}}}

`environments` may stand at the top where there is one organization. Ids follow from names, unless `id` gives one. The
nodes are read and not Python values: they know their lines, hold a key twice, and an alias is no copy of anything.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from stagecheck.errors import ConfigError, closest
from stagecheck.mock.scenario import CREATED_AT, FOREIGN_TOKEN, TOKEN, Scenario, embedded, stable_id
from stagecheck.model.requests import FOREIGN, OWN
from stagecheck.model.state import Placement, Reading, Service, Stage, World, canonical, is_uuid

_LONGEST = 256 * 1024
_MOST = 10_000
"""How many names may stand in a scenario, those of aliases counted where they are used."""
_TOKEN = re.compile(r"[\x21-\x7e]+")
_TRUTH = {"true": True, "false": False}
_TOP = ("reading", "organizations", "environments")


def load_scenario(path: Path, reading: Reading | None = None) -> Scenario:
    """The scenario of a file; `reading` takes the place of the file's. Raises ConfigError, one line with its place."""
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(f"cannot read the scenario {path}: {reason}; check its path") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text; save it as such") from None
    return parse_scenario(text, str(path), reading)


def scenario_of(source: Scenario | Mapping[str, Any] | str | Path | None, reading: Reading | str | None) -> Scenario:
    """The scenario that is meant: one that is there already, a file, the same as a mapping; None: the embedded one.

    Raises ConfigError.
    """
    wanted = _reading_named(reading) if reading is not None else None
    if source is None:
        return embedded(wanted or Reading.MOVE_AND_SKIP)
    if isinstance(source, Scenario):
        return source if wanted is None else replace(source, world=replace(source.world, reading=wanted))
    if isinstance(source, Mapping):
        try:
            text = yaml.safe_dump(dict(source), sort_keys=False, allow_unicode=True)
        except yaml.YAMLError as error:
            raise ConfigError(f"the scenario cannot be written as YAML: {_first_line(error)}") from None
        return parse_scenario(text, "the scenario", wanted, numbered=False)
    return load_scenario(Path(source), wanted)


def parse_scenario(text: str, name: str, reading: Reading | None = None, *, numbered: bool = True) -> Scenario:
    """The scenario of a text. `numbered`: whether its lines are known to whoever reads an error. Raises ConfigError."""
    if len(text) > _LONGEST:
        raise ConfigError(f"{name} is longer than {_LONGEST >> 10} KiB; a scenario is a page or two of YAML")
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}" if mark and numbered else ""
        raise ConfigError(f"{name}{where}: no YAML: {_first_line(error)}; correct the syntax there") from None
    except RecursionError:
        raise ConfigError(f"{name}: nested too deeply; a scenario is four levels of names") from None
    found = _Builder(name, numbered)
    found.read(root)
    return found.scenario(reading)


def _first_line(error: yaml.YAMLError) -> str:
    return str(getattr(error, "problem", None) or error).strip().split("\n")[0]


def _reading_named(reading: Reading | str) -> Reading:
    try:
        return Reading(reading)
    except ValueError:
        known = ", ".join(one.value for one in Reading)
        raise ConfigError(f"there is no reading {str(reading)!r}; known are {known}") from None


@dataclass(slots=True)
class _Builder:
    """What has been read of a file so far. `where` in its methods is the way to a node: names, joined by dots."""

    name: str
    numbered: bool
    reading: Reading | None = None
    tokens: dict[str, str] = field(default_factory=dict)
    environments: dict[str, str] = field(default_factory=dict)
    organizations: dict[str, str] = field(default_factory=dict)
    stages: dict[str, Stage] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    placements: dict[str, Placement] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    given: dict[str, str] = field(default_factory=dict)
    left: int = _MOST

    def scenario(self, reading: Reading | None) -> Scenario:
        """Everything that was read, as a scenario."""
        own = [key for key, owner in self.organizations.items() if owner == OWN]
        others = [key for key, owner in self.organizations.items() if owner == FOREIGN]
        world = World(
            self.organizations,
            self.stages,
            self.services,
            self.placements,
            frozenset(self.organizations),
            reading or self.reading or Reading.MOVE_AND_SKIP,
        )
        second, foreign = own[1] if len(own) > 1 else None, others[0] if others else None
        return Scenario(world, own[0], second, foreign, self.tokens, self.names)

    # ------------------------------------------------------------------ the levels of the file

    def read(self, root: yaml.Node | None) -> None:
        top = self.mapping(root, "", _TOP) if root is not None else {}
        if "reading" in top:
            self.reading = self.read_reading(top["reading"])
        if ("organizations" in top) == ("environments" in top):
            raise self.wrong(root, "", "it needs organizations, or environments where there is one organization")
        if "environments" in top:
            self.read_environments(top["environments"], "environments", OWN)
            self.tokens = {TOKEN: OWN}
            return
        listed = self.mapping(top["organizations"], "organizations")
        for position, (name, node) in enumerate(listed.items()):
            self.read_organization(node, name, position)
        if not listed:
            raise self.wrong(top["organizations"], "organizations", "there is none; name one")

    def read_organization(self, node: yaml.Node, name: str, position: int) -> None:
        where = f"organizations.{name}"
        organization = (OWN, FOREIGN)[position] if position < 2 else f"{FOREIGN}-{position}"
        keys = self.mapping(node, where, ("tokens", "environments"))
        if "tokens" in keys:
            for token in self.read_tokens(keys["tokens"], f"{where}.tokens"):
                self.tokens[token] = organization
        else:
            token = (TOKEN, FOREIGN_TOKEN)[position] if position < 2 else f"stagecheck-{stable_id(f'token of {name}')}"
            self.tokens.setdefault(token, organization)
        if "environments" not in keys:
            raise self.wrong(node, where, "environments is missing; name at least one")
        self.read_environments(keys["environments"], f"{where}.environments", organization)

    def read_environments(self, node: yaml.Node, where: str, organization: str) -> None:
        listed = self.mapping(node, where)
        if not listed:
            raise self.wrong(node, where, "there is none; name at least one")
        for name, inner in listed.items():
            here = f"{where}.{name}"
            if name in self.environments:
                raise self.wrong(inner, here, f"{self.environments[name]} has the same name; give it another")
            self.environments[name] = here
            keys = self.mapping(inner, here, ("id", "stages"))
            environment = self.identifier(keys.get("id"), here, name)
            self.organizations[environment] = organization
            self.names[environment] = name
            if "stages" in keys:
                self.read_stages(keys["stages"], f"{here}.stages", environment, name)

    def read_stages(self, node: yaml.Node, where: str, environment: str, of: str) -> None:
        had: dict[str, str] = {}
        for order, (name, inner) in enumerate(self.mapping(node, where).items(), start=1):
            here = f"{where}.{name}"
            keys = self.mapping(inner, here, ("id", "description", "services"))
            stage = self.identifier(keys.get("id"), here, f"{of}/stages/{name}")
            description = self.text(keys["description"], f"{here}.description") if "description" in keys else ""
            self.stages[stage] = Stage(stage, environment, name, description, order, CREATED_AT)
            if "services" not in keys:
                continue
            for service, facts in self.mapping(keys["services"], f"{here}.services").items():
                there = f"{here}.services.{service}"
                if service in had:
                    raise self.wrong(facts, there, f"it is in {had[service]} already; a service is in one stage")
                had[service] = here
                self.names[self.read_service(facts, there, f"{of}/services/{service}", stage)] = service

    def read_service(self, node: yaml.Node, where: str, path: str, stage: str) -> str:
        keys = self.mapping(node, where, ("id", "type", "skipped"))
        service = self.identifier(keys.get("id"), where, path)
        kind = self.text(keys["type"], f"{where}.type") if "type" in keys else "APPLICATION"
        skipped = self.truth(keys["skipped"], f"{where}.skipped") if "skipped" in keys else False
        self.services[service] = Service(service, self.stages[stage].environment, kind)
        self.placements[service] = Placement(stage, skipped)
        return service

    # ------------------------------------------------------------------ values

    def mapping(self, node: yaml.Node | None, where: str, known: Collection[str] = ()) -> dict[str, yaml.Node]:
        """The keys of a mapping with their nodes, in their order; nothing at all (`DEPLOY:`) is an empty one."""
        if _is_null(node):
            return {}
        if not isinstance(node, yaml.MappingNode):
            wanted = f"give {', '.join(known)} below it" if known else "give names with a colon below it"
            raise self.wrong(node, where, f"it is {_kind(node)}; {wanted}")
        return dict(self.pairs(node, where, known))

    def pairs(self, node: yaml.MappingNode, where: str, known: Collection[str]) -> Iterator[tuple[str, yaml.Node]]:
        had: dict[str, int] = {}
        for key, value in node.value:
            self.left -= 1
            if self.left < 0:
                raise self.wrong(key, where, f"more than {_MOST:,} names, aliases counted; leave some out")
            if not isinstance(key, yaml.ScalarNode) or not key.value.strip():
                raise self.wrong(key, where, "a key that is no name; give a text")
            name = key.value
            if known and name not in known:
                raise self.wrong(key, where, f"unknown key {name!r}; {closest(name, known)}")
            if name in had:
                first = f" (line {had[name]})" if self.numbered else ""
                raise self.wrong(key, where, f"{name!r} is there twice{first}; remove one or give it another name")
            had[name] = key.start_mark.line + 1
            yield name, value

    def identifier(self, node: yaml.Node | None, where: str, name: str) -> str:
        """The id that is given, else the one that follows from the name; either is there once."""
        found = stable_id(name)
        if node is not None:
            found = canonical(self.text(node, f"{where}.id"))
            if not is_uuid(found):
                mend = "give one such as 3fa85f64-5717-4562-b3fc-2c963f66afa6, or leave id out"
                raise self.wrong(node, f"{where}.id", f"{found!r} is no UUID; {mend}")
        if found in self.given:
            raise self.wrong(node, where, f"{self.given[found]} has the same id; give another, or none")
        self.given[found] = where
        return found

    def text(self, node: yaml.Node, where: str) -> str:
        """A text; a number or a word is one as it is written."""
        if not isinstance(node, yaml.ScalarNode) or _is_null(node):
            raise self.wrong(node, where, f"it is {_kind(node)}; give a text")
        value: str = node.value
        return value

    def truth(self, node: yaml.Node, where: str) -> bool:
        if isinstance(node, yaml.ScalarNode) and node.style is None and node.value.lower() in _TRUTH:
            return _TRUTH[node.value.lower()]
        raise self.wrong(node, where, f"it is {_kind(node)}; give true or false")

    def read_reading(self, node: yaml.Node) -> Reading:
        try:
            return _reading_named(self.text(node, "reading"))
        except ConfigError as error:
            raise self.wrong(node, "reading", str(error)) from None

    def read_tokens(self, node: yaml.Node, where: str) -> Iterator[str]:
        if not isinstance(node, yaml.SequenceNode):
            raise self.wrong(node, where, f"it is {_kind(node)}; give a list such as [my-token]")
        for position, entry in enumerate(node.value):
            here = f"{where}[{position}]"
            token = self.text(entry, here)
            if not _TOKEN.fullmatch(token):
                raise self.wrong(entry, here, "it is empty, or holds what no header may hold; give the token alone")
            if token in self.tokens:
                raise self.wrong(entry, here, "the same token is there already; give another")
            yield token

    def wrong(self, node: yaml.Node | None, where: str, problem: str) -> ConfigError:
        """The error at a node."""
        line = f":{node.start_mark.line + 1}" if node is not None and self.numbered else ""
        place = f"{where}: " if where else ""
        return ConfigError(f"{self.name}{line}: {place}{problem}")


def _is_null(node: yaml.Node | None) -> bool:
    return node is None or node.tag == "tag:yaml.org,2002:null"


def _kind(node: yaml.Node | None) -> str:
    if _is_null(node):
        return "empty"
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    return f"the text {node.value[:40]!r}" if node is not None and isinstance(node.value, str) else "something else"
