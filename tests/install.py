"""Install what some tests need beside Python and this machine lacks: `make browser` and `make peers` run it.

Programs come from Debian's packages, npm packages go into folders that git ignores.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Needs:
    """What one make target needs. `programs`: the Debian package of each; `npm`: the version of each npm package.

    `optional`: where the programs cannot be had, its tests are skipped.
    """

    folder: Path
    programs: Mapping[str, str]
    npm: Mapping[str, str]
    optional: bool = False

    def file(self, package: str, path: str) -> Path:
        """Where a file of an npm package is, once it is installed."""
        return self.folder / "node_modules" / package / path


BROWSER = Needs(
    ROOT / ".browser",
    {"chromium": "chromium", "chromedriver": "chromium-driver", "npm": "npm"},
    {"axe-core": "4.14.1"},
)
PEERS = Needs(
    ROOT / ".peers",
    {"node": "nodejs", "npm": "npm"},
    {"@stoplight/prism-cli": "5.16.0", "qovery-typescript-axios": "1.1.952"},
    optional=True,
)
NEEDS = {"browser": BROWSER, "peers": PEERS}


def main(target: str) -> None:
    """Install what is missing for that make target, or say what to install by hand."""
    needs = NEEDS[target]
    missing = [package for program, package in needs.programs.items() if shutil.which(program) is None]
    problem = _problem(target, missing) if missing else None
    if problem is not None:
        sys.exit(problem) if not needs.optional else print(f"skipped: {problem}")  # noqa: T201  (it is a program)
        return
    wanted = [f"{name}@{version}" for name, version in needs.npm.items() if _version(needs, name) != version]
    if wanted:
        needs.folder.mkdir(exist_ok=True)
        quiet = ("--no-save", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--silent")
        everything = [f"{name}@{version}" for name, version in needs.npm.items()]  # what is not named is removed
        subprocess.run(["npm", "install", *quiet, "--prefix", needs.folder, *everything], check=True)


def _version(needs: Needs, package: str) -> str | None:
    """The version that is installed, without npm's leading v; None for none."""
    about = needs.file(package, "package.json")
    return json.loads(about.read_text(encoding="utf-8"))["version"].removeprefix("v") if about.is_file() else None


def _problem(target: str, packages: list[str]) -> str | None:
    """Install packages; returns why that cannot be done here, and what to do by hand."""
    names = " ".join(packages)
    by_hand = f"make {target} needs {', '.join(packages)}: install them (on Debian: apt-get install {names})"
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        return by_hand
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-qq"], ["install", "-qq", "-y", "--no-install-recommends", *packages]):
        done = subprocess.run(["apt-get", *command], env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            return f"{done.stderr.strip()}\n{by_hand}"
    return None


if __name__ == "__main__":
    main(sys.argv[1])
