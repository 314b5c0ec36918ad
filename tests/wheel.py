"""Build the wheel, install it into an empty environment, and use it in another directory: `make wheel`.

Shows what a source checkout hides: missing package data, missing dependencies, imports that only work from the root.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


_OWN = """
import httpx

def test_own(stagecheck_mock):
    stage = f"{stagecheck_mock.url}/deploymentStage/{stagecheck_mock.stages['LAST']}"
    assert httpx.get(stage, headers=stagecheck_mock.headers).json()["name"] == "LAST"
"""


def run(*command: str | Path, cwd: Path, expect: int = 0) -> str:
    """Run a command, fail loudly on another exit code, and return what it printed."""
    done = subprocess.run([str(word) for word in command], cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode != expect:
        sys.exit(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def main() -> None:
    """Build, install, run."""
    with tempfile.TemporaryDirectory() as folder:
        elsewhere = Path(folder)
        run(sys.executable, "-m", "build", "--wheel", "--outdir", elsewhere, ROOT, cwd=elsewhere)
        (wheel,) = elsewhere.glob("*.whl")
        venv.create(elsewhere / "venv", with_pip=True)
        binaries = elsewhere / "venv" / ("Scripts" if sys.platform == "win32" else "bin")
        constraints = ROOT / "constraints.txt"
        run(binaries / "python", "-m", "pip", "install", "-q", "-c", constraints, wheel, cwd=elsewhere)
        assert "MOVE-4" in run(binaries / "stagecheck", "requirements", "MOVE", cwd=elsewhere)
        printed = run(binaries / "stagecheck", "verify", "--profile", "quick", cwd=elsewhere)
        assert "conforming" in printed, printed
        assert (elsewhere / "reports" / "report.json").is_file()
        (fragment,) = elsewhere.glob("venv/**/stagecheck/openapi/deployment-stage.yaml")
        run(binaries / "stagecheck", "spec", "overlay", fragment, "-o", "strict.yaml", cwd=elsewhere)
        assert "0 errors" in run(binaries / "stagecheck", "spec", "check", "strict.yaml", cwd=elsewhere)
        assert "[foreign]" in run(binaries / "stagecheck", "serve", "--print-config", cwd=elsewhere)
        (elsewhere / "test_own.py").write_text(_OWN)
        page = "import json; from stagecheck.report.html import html_of; print(html_of(json.load(open('report.json'))))"
        assert "<h1>Conforming</h1>" in run(binaries / "python", "-c", page, cwd=elsewhere / "reports")
        printed = run(binaries / "pytest", "-q", "--stagecheck", "--stagecheck-profile", "quick", "-rs", cwd=elsewhere)
        assert " passed" in printed, printed
        assert "skipped" not in printed, printed
        sys.stdout.write("the wheel installs and runs in another directory: 1 passed, 0 failed\n")


if __name__ == "__main__":
    main()
