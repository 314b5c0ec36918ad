"""Install what the tests in Chromium need and this machine lacks: `make browser` runs it.

Chromium and its driver come from Debian's packages, axe-core from npm into .browser/, which git ignores.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".browser"
AXE_VERSION = "4.14.1"
AXE = FOLDER / "node_modules" / "axe-core" / "axe.min.js"
PACKAGES = {"chromium": "chromium", "chromedriver": "chromium-driver", "npm": "npm"}
"""The Debian package of each program."""


def main() -> None:
    """Install what is missing, or say what to install by hand."""
    missing = [package for program, package in PACKAGES.items() if shutil.which(program) is None]
    if missing:
        _install(missing)
    version = AXE.parent / "package.json"
    if not AXE.is_file() or f'"version": "{AXE_VERSION}"' not in version.read_text(encoding="utf-8"):
        FOLDER.mkdir(exist_ok=True)
        quiet = ("--no-save", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--silent")
        subprocess.run(["npm", "install", *quiet, "--prefix", FOLDER, f"axe-core@{AXE_VERSION}"], check=True)


def _install(packages: list[str]) -> None:
    by_hand = (
        f"make browser needs {', '.join(packages)}: install them (on Debian: apt-get install {' '.join(packages)})"
    )
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        sys.exit(by_hand)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-qq"], ["install", "-qq", "-y", "--no-install-recommends", *packages]):
        done = subprocess.run(["apt-get", *command], env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{done.stderr.strip()}\n{by_hand}")


if __name__ == "__main__":
    main()
