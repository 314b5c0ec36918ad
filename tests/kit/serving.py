"""A mock over real HTTP, on 127.0.0.1, for tests that need a socket: curl, generated test files, replay."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from stagecheck.embedded import embedded_credentials
from stagecheck.mock.app import Call, Mock


@contextmanager
def serving(mock: Mock) -> Iterator[str]:
    """Serve a mock; yields its base URL. One request at a time is answered: a mock is not safe for threads."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def __getattr__(self, name: str) -> Any:
            if name.startswith("do_"):
                return self._answer
            raise AttributeError(name)

        def _answer(self) -> None:
            segments = tuple(unquote(part) for part in self.path.split("?", 1)[0].strip("/").split("/"))
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            with lock:
                answer = mock.locked(Call(self.command, segments, headers, body))
            content = answer.content()
            self.send_response(answer.status)
            for name, value in answer.all_headers().items():
                self.send_header(name, value)
            if answer.status not in (204, 304):
                self.send_header("content-length", str(len(content)))
            self.end_headers()
            if answer.status not in (204, 304):
                self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def secrets_for_a_shell() -> dict[str, str]:
    """The credentials of the embedded scenario, as the environment variables that reproducers read."""
    own = embedded_credentials()
    names = ("token", "jwt", "expired_jwt", "foreign_token")
    return {f"STAGECHECK_{name.upper()}": getattr(own, name) for name in names}


def config_for(mock: Mock, url: str, directory: Path) -> Path:
    """A stagecheck.toml for a served mock of the embedded scenario."""
    scenario, own = mock.scenario, embedded_credentials()
    tables = [f'[target]\nurl = "{url}"\nenvironment = "{scenario.environment}"', "[auth]"]
    tables += [f'{name} = "{getattr(own, name)}"' for name in ("token", "jwt", "expired_jwt", "foreign_token")]
    for table, environment in (("second", scenario.second_environment), ("foreign", scenario.foreign_environment)):
        stage, service = scenario.stages(environment)[0], scenario.services(environment)[0]
        tables.append(f'[{table}]\nenvironment = "{environment}"\nstage = "{stage}"\nservice = "{service}"')
    path = directory / "stagecheck.toml"
    path.write_text("\n".join(tables) + "\n")
    return path
