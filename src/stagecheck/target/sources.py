"""Where a credential comes from that the config does not hold itself: a file, or what a command prints.

Neither the credential nor what the command said is ever repeated in a message: it may be half of a secret.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from stagecheck.errors import ConfigError

COMMAND_SECONDS = 30.0
"""How long a command may take."""
_LONGEST = 64 * 1024


class Source(Protocol):
    """Gives a credential whenever it is asked."""

    def fetch(self) -> str:
        """The credential as it is now. Raises ConfigError with the mend."""


@dataclass(frozen=True, slots=True)
class FromFile:
    """The text of a file without the white space around it. `where`: the key in the config."""

    where: str
    file: Path

    def fetch(self) -> str:
        """Read the file. Raises ConfigError."""
        try:
            with self.file.open("rb") as opened:
                content = opened.read(_LONGEST + 1)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise ConfigError(f"{self.where}: cannot read {self.file}: {reason}; check its path") from None
        return checked(content, f"{self.where}: {self.file}")


@dataclass(frozen=True, slots=True)
class FromCommand:
    """What a program prints on its standard output. Started without a shell, with the environment of the run."""

    where: str
    words: Sequence[str] = field(repr=False)
    seconds: float = COMMAND_SECONDS

    def fetch(self) -> str:
        """Run it. Raises ConfigError when it cannot be started, takes too long, fails, or prints nothing usable."""
        program = self.words[0]
        try:
            done = subprocess.run(  # noqa: S603 - the program that the config names is what is asked for
                list(self.words), stdin=subprocess.DEVNULL, capture_output=True, timeout=self.seconds, check=False
            )
        except subprocess.TimeoutExpired:
            raise ConfigError(
                f"{self.where}: {program} took more than {self.seconds:g} s; run it by hand to see what it waits for"
            ) from None
        except (OSError, ValueError) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
            raise ConfigError(f"{self.where}: cannot run {program}: {reason}; check that it is installed") from None
        if done.returncode != 0:
            how = f"exit code {done.returncode}" if done.returncode > 0 else f"signal {-done.returncode}"
            raise ConfigError(f"{self.where}: {program} ended with {how}; run it by hand to see why")
        return checked(done.stdout[: _LONGEST + 1], f"{self.where}: what {program} prints")


def checked(content: bytes, what: str) -> str:
    """The credential in some bytes. Raises ConfigError where they hold none, or something that no header can hold."""
    text = content.decode("utf-8", "replace").strip()
    if not text:
        raise ConfigError(f"{what} is empty; it has to be the credential")
    if len(content) > _LONGEST or not re.fullmatch(r"[\x21-\x7e]+", text):
        raise ConfigError(
            f"{what} is no credential: it holds white space or characters that no header may hold, or is too long; "
            "it has to be the credential alone, without its scheme"
        )
    return text
