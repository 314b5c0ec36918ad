"""Every error stagecheck raises on purpose, and what each means for the exit code.

    StagecheckError
    ├── UsageError            the caller must mend something          exit 2
    │   ├── ConfigError       … in stagecheck.toml or its environment
    │   ├── SpecError         … in the OpenAPI document
    │   └── SelectionError    … nothing was selected
    ├── TargetError           nothing can be said of the target       exit 3
    │   ├── Unreachable       no answer at all
    │   └── CredentialRefused the target will not let us in
    ├── BudgetSpent           requests or seconds of the run are used up (caught by the runner)
    │   └── LeftAlone         what was asked about is somebody else's (caught by the runner)
    └── HarnessError          a hole in stagecheck itself: never a finding about a target

A broken promise of the target is not an error but a value: `stagecheck.outcome.Violation`.
Each message is one line and names the mend.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection


class StagecheckError(Exception):
    """Root of the tree; `exit_code` is what the process ends with."""

    exit_code: int = 3


class UsageError(StagecheckError):
    """The command line asks for something that cannot be done."""

    exit_code = 2


class ConfigError(UsageError):
    """The config is wrong, or does not fit the target."""


class SpecError(UsageError):
    """The OpenAPI document cannot be used."""


class SelectionError(UsageError):
    """No check is selected: an error, never a success."""


class TargetError(StagecheckError):
    """The target could not be judged."""


class Unreachable(TargetError):
    """No answer came back from the target."""


class CredentialRefused(TargetError):
    """The target answered 401 or 403 to the credential it should accept."""


class BudgetSpent(StagecheckError):
    """The requests or seconds that the config allows are used up."""


class LeftAlone(BudgetSpent):
    """A service is not to be moved any further: somebody else moves it."""


class HarnessError(StagecheckError):
    """A fault of stagecheck; reported as an error, never as a violation."""


def closest(name: str, known: Collection[str], style: str = "{}", otherwise: str | None = None, most: int = 1) -> str:
    """The end of an error about an unknown name: which one was meant (`most` at most), or which there are.

    `style`: how a known name is written; `otherwise`: what is said in place of the list where no name is near.
    """
    close = difflib.get_close_matches(name, known, n=most, cutoff=0.5)
    if close:
        return f"did you mean {', '.join(map(style.format, close))}?"
    return otherwise or "known are " + ", ".join(map(style.format, known))
