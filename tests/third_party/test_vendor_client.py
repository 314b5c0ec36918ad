"""The vendor's published client, which no one here wrote, moves, skips and lists at the mock that `serve` starts."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import httpx

from install import PEERS
from kit.serving import served

CLIENT = Path(__file__).with_name("client.cjs")


def test_the_vendors_client_finds_what_it_expects() -> None:
    with served() as (_, ready):
        environment, secrets = ready["environments"]["main"], ready["auth"]
        service = environment["services"]["api"]
        now = httpx.get(ready["state"]).json()["environments"][0]["stages"]
        home = next(stage["id"] for stage in now if service in [entry["id"] for entry in stage["services"]])
        other = next(stage["id"] for stage in now if stage["id"] != home)
        arguments = [ready["url"], secrets["token"], secrets["jwt"], environment["id"], home, other, service]
        done = subprocess.run(
            ["node", CLIENT, PEERS.folder / "node_modules", *arguments], capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "moved": [other, False],
        "listedAfterMove": [other, False],
        "skipped": [other, True],
        "listedAfterSkip": [other, True],
        "movedBack": [home, False],
        "ofService": home,
        "ofStage": [home, False],
        "made": "made by a client",
        "deleted": 204,
        "unknown": 404,
        "nobody": 401,
    }
