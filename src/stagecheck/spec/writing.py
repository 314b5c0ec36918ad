"""Plain values as YAML or JSON, such that reading them again gives the same values."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import yaml


class _Dumper(yaml.SafeDumper):
    """Block style without aliases; what any edition of YAML takes for a number or a date stays in quotes."""

    def ignore_aliases(self, data: Any) -> bool:
        """Whether to write a value out that occurs twice: always."""
        del data
        return True

    def text(self, data: str) -> yaml.ScalarNode:
        """A text of several lines as such."""
        return self.represent_scalar("tag:yaml.org,2002:str", data, style="|" if "\n" in data else None)


_Dumper.add_representer(str, _Dumper.text)

# PyYAML knows the numbers of YAML 1.1; these are what 1.2 takes for numbers besides.
_NUMBER: Final = re.compile(r"(0o[0-7]+|0x[0-9a-fA-F]+|[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?)$")
_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", _NUMBER, list("-+.0123456789"))


def as_yaml(value: Any) -> str:
    """The value as YAML, names in the order that they have."""
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    return text


def as_json(value: Any) -> str:
    """The value as JSON, names in the order that they have."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
