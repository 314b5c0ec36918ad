"""The client on real sockets of 127.0.0.1: what breaks on the way, TLS, own CAs, proxies."""

from __future__ import annotations

import base64
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from front.samples import Called
from kit.patience import Skipping, skipping
from kit.serving import config_for, serving
from stagecheck.cli import main
from stagecheck.errors import ConfigError, Unreachable
from stagecheck.exchange import HttpRequest
from stagecheck.mock.app import Mock
from stagecheck.mock.scenario import embedded
from stagecheck.target.client import Client, Limits
from stagecheck.target.credentials import NONE
from stagecheck.target.reach import live

Answering = Callable[[socket.socket, bytes], None]
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> Skipping:
    return skipping(monkeypatch)


@contextmanager
def listening(answer: Answering, context: ssl.SSLContext | None = None) -> Iterator[tuple[str, list[bytes]]]:
    """A server that reads one request of each connection; yields its address and the heads of the requests."""
    heads: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                try:
                    connection.settimeout(20)
                    wrapped = context.wrap_socket(connection, server_side=True) if context else connection
                    with closing(wrapped):
                        head = _head(wrapped)
                        if head:
                            heads.append(head)
                            answer(wrapped, head)
                except OSError:
                    connection.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}", heads
        server.shutdown(socket.SHUT_RDWR)
    thread.join(20)


def _head(connection: socket.socket) -> bytes:
    head = b""
    # A TLS greeting (RFC 8446 5.1: its records begin with 22) has no end like that.
    while b"\r\n\r\n" not in head and head[:1] != b"\x16":
        part = connection.recv(65536)
        if not part:
            break
        head += part
    return head


def get(method: str = "GET") -> HttpRequest:
    return HttpRequest(method, "/x", (), None, NONE)


def ok(connection: socket.socket, head: bytes) -> None:
    connection.sendall(OK)


def reset(connection: socket.socket, head: bytes) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def half(connection: socket.socket, head: bytes) -> None:
    connection.sendall(OK.replace(b"Length: 2", b"Length: 2000"))


def cut_in_chunks(connection: socket.socket, head: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{}")


def garbage(connection: socket.socket, head: bytes) -> None:
    connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")


def silence(connection: socket.socket, head: bytes) -> None:
    connection.settimeout(5)
    connection.recv(1)


@pytest.mark.parametrize("fault", [reset, half, cut_in_chunks, garbage, silence])
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_what_breaks_once_is_asked_for_again_only_where_that_is_safe(fault: Answering, method: str) -> None:
    answers = iter([fault, *[ok] * 9])

    def answering(connection: socket.socket, head: bytes) -> None:
        next(answers)(connection, head)

    with listening(answering) as (host, heads):
        with live(f"http://{host}", 0.3) as http:
            client = Client(f"http://{host}", http, Limits(timeout=0.3))
            exchange = client.send(get(method))
        if method == "GET":
            assert (exchange.status, len(heads), client.sent) == (200, 2, 2)
        else:
            assert (exchange.status, len(heads), client.sent) == (None, 1, 1)
            assert "no answer within 0.3 s" in str(exchange.failure) or "connection lost" in str(exchange.failure)
        assert client.troubles.total() == 1


def test_what_breaks_always_has_no_answer_in_the_end() -> None:
    with listening(reset) as (host, heads), live(f"http://{host}", 2.0) as http:
        exchange = Client(f"http://{host}", http, Limits()).send(get())
    assert (exchange.status, exchange.failure) == (None, "connection lost: ReadError")
    assert len(heads) == 5


def test_a_target_that_was_there_is_waited_for_and_whatever_was_not_taken_is_sent_again(patience: Skipping) -> None:
    """Nobody listens for a moment: the request was never taken, so a PUT may be sent again as well."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    calls: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        calls.append(request.method)
        if len(calls) in (2, 3):
            raise httpx.ConnectError("Connection refused")
        return httpx.Response(200, json={})

    client = Client(f"http://127.0.0.1:{port}", httpx.Client(transport=httpx.MockTransport(handler)), Limits())
    assert client.send(get()).status == 200
    assert client.send(get("PUT")).status == 200
    assert calls == ["GET", "PUT", "PUT", "PUT"]
    assert patience.slept >= 0.2


def test_a_target_that_was_never_there_is_not_waited_for(patience: Skipping) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
    with live(url, 1.0) as http, pytest.raises(Unreachable, match="is the target running"):
        Client(url, http, Limits()).send(get())
    assert patience.slept == 0


# ---------------------------------------------------------------------- TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def _context(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


def test_a_certificate_of_nobody_is_refused_and_the_mend_is_named(authority: trustme.CA) -> None:
    with listening(ok, _context(authority, "127.0.0.1")) as (host, heads):
        with live(f"https://{host}", 2.0) as http, pytest.raises(Unreachable, match=r"give the CA .* as \[target\] ca"):
            Client(f"https://{host}", http, Limits()).send(get())
        assert heads == []


def test_a_ca_of_ones_own_is_trusted_where_the_config_names_it(authority: trustme.CA, tmp_path: Path) -> None:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with (
        listening(ok, _context(authority, "127.0.0.1")) as (host, heads),
        live(f"https://{host}", 2.0, ca=tmp_path / "ca.pem") as http,
    ):
        assert Client(f"https://{host}", http, Limits()).send(get()).status == 200
    assert len(heads) == 1


def test_a_certificate_for_another_name_is_refused_all_the_same(authority: trustme.CA, tmp_path: Path) -> None:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with (
        listening(ok, _context(authority, "elsewhere.example.com")) as (host, heads),
        live(f"https://{host}", 2.0, ca=tmp_path / "ca.pem") as http,
        pytest.raises(Unreachable, match="is not trusted"),
    ):
        Client(f"https://{host}", http, Limits()).send(get())
    assert heads == []


def test_https_where_http_is_spoken_is_told() -> None:
    with (
        listening(garbage) as (host, _),
        live(f"https://{host}", 2.0) as http,
        pytest.raises(Unreachable, match="is it https, and the port right"),
    ):
        Client(f"https://{host}", http, Limits()).send(get())


@pytest.mark.parametrize(("content", "said"), [("no certificate", "holds no certificates"), (None, "cannot read")])
def test_a_ca_that_is_none_is_a_mistake(content: str | None, said: str, tmp_path: Path) -> None:
    place = tmp_path / "ca.pem"
    if content is not None:
        place.write_text(content)
    with pytest.raises(ConfigError, match=said), live("https://127.0.0.1:1", 2.0, ca=place):
        pass


def test_nothing_in_the_config_turns_the_checking_off(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for key in ("verify", "insecure", "tls_verify"):
        place = config_for(Mock(embedded()), "https://127.0.0.1:1", tmp_path)
        place.write_text(place.read_text().replace("[target]", f"[target]\n{key} = false"))
        assert main(["verify", "--config", str(place)]) == 2
        assert f"unknown key {key} in [target]" in capsys.readouterr().err


# ---------------------------------------------------------------------- proxies


class Proxy:
    """Forwards plain requests; lets in whoever has the password."""

    def __init__(self) -> None:
        self.seen = 0

    def __call__(self, connection: socket.socket, head: bytes) -> None:
        wanted = base64.b64encode(b"somebody:the-proxys-password")
        if b"Proxy-Authorization: Basic " + wanted not in head:
            connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        self.seen += 1
        line, _, rest = head.partition(b"\r\n")
        method, url, version = line.split(b" ")
        host, _, path = url.removeprefix(b"http://").partition(b"/")
        name, _, port = host.partition(b":")
        lines = [one for one in rest.split(b"\r\n") if not one.lower().startswith((b"proxy-", b"connection:"))]
        with socket.create_connection((name.decode(), int(port)), 10) as upstream:
            upstream.sendall(b"\r\n".join([b" ".join((method, b"/" + path, version)), b"Connection: close", *lines]))
            while part := upstream.recv(65536):
                connection.sendall(part)


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    monkeypatch.chdir(tmp_path)

    def called(*arguments: str | Path) -> Called:
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Called(code, captured.out, captured.err)

    return called


def _with_proxy(place: Path, proxy: str) -> Path:
    place.write_text(place.read_text().replace("[target]", f'[target]\nproxy = "{proxy}"'))
    return place


def test_a_run_goes_through_the_proxy_that_the_config_names(call: Any, tmp_path: Path) -> None:
    proxy, mock = Proxy(), Mock(embedded())
    with listening(proxy) as (host, _), serving(mock) as url:
        place = _with_proxy(config_for(mock, url, tmp_path), f"http://somebody:the-proxys-password@{host}")
        called = call("verify", "--config", place, "--read-only", "-v")
    assert called.code == 0, called.out + called.err
    assert proxy.seen > 50
    texts = [
        called.out,
        called.err,
        *(one.read_bytes().decode("utf-8", "replace") for one in Path("reports").rglob("*") if one.is_file()),
    ]
    assert not [text for text in texts if "the-proxys-password" in text]


def test_a_proxy_that_is_not_there_is_told_without_its_password(call: Any, tmp_path: Path) -> None:
    mock = Mock(embedded())
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    place = config_for(mock, "http://127.0.0.1:1", tmp_path)
    called = call("verify", "--config", _with_proxy(place, f"http://somebody:the-proxys-password@127.0.0.1:{port}"))
    assert called.code == 3
    assert "cannot connect" in called.err
    assert "the-proxys-password" not in called.err


@pytest.mark.parametrize("proxy", ["socks5://h:1", "h:3128", "http://", "http://secret@ h", 3])
def test_a_proxy_that_is_none_is_a_mistake_that_shows_nothing(proxy: str | int, call: Any, tmp_path: Path) -> None:
    place = config_for(Mock(embedded()), "http://127.0.0.1:1", tmp_path)
    shown = proxy if isinstance(proxy, int) else f'"{proxy}"'
    place.write_text(place.read_text().replace("[target]", f"[target]\nproxy = {shown}"))
    called = call("verify", "--config", place)
    assert called.code == 2
    assert "[target] proxy is" in called.err
    assert "secret" not in called.err
