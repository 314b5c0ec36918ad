from __future__ import annotations

from pathlib import Path

import pytest

from stagecheck.config import checked_url, credentials_of, limits_of, load, plan_of
from stagecheck.errors import ConfigError, SpecError
from stagecheck.launch import Wanted, prepare
from stagecheck.mock.auth import issue_jwt
from stagecheck.suite.plan import PROFILES, ProfileName
from stagecheck.target.reach import is_loopback

ID = "3fa85f64-5717-4562-b3fc-2c963f66afa6"
OTHER = "3FA85F64-5717-4562-B3FC-2C963F66AFA7"
TARGET = f'[target]\nurl = "http://127.0.0.1:8080/"\nenvironment = "{ID}"\n'
QUICK, NIGHTLY, EXHAUSTIVE = (PROFILES[name] for name in ProfileName)


def _id(number: int) -> str:
    return f"3fa85f64-5717-4562-b3fc-{number:012d}"


def written(text: str) -> Path:
    place = Path("stagecheck.toml")
    place.write_text(text)
    return place


BAD = {
    "unknown key": (TARGET + 'stagse = ["x"]', "unknown key stagse in [target]; did you mean stages?"),
    "unknown table": (TARGET + '[aut]\ntoken = "x"', "unknown table [aut]; did you mean [auth]?"),
    "unlike anything": (TARGET + "[zzz]", "unknown table [zzz]; known are [target], [auth]"),
    "key of another table": (TARGET + 'token = "x"', "unknown key token in [target]; it belongs below [auth]"),
    "key outside of a table": (f'url = "x"\n{TARGET}', "url stands outside of any table; put it below [target]"),
    "unknown key outside": (f"nothing = 1\n{TARGET}", "unknown key nothing"),
    "no table": ("auth = 3\n" + TARGET, "auth is a whole number; write a table: [auth]"),
    "no url": (f'[target]\nenvironment = "{ID}"', "[target] url is missing"),
    "no target": ('[auth]\ntoken = "x"', "[target] url is missing"),
    "wrong scheme": ('[target]\nurl = "ftp://host"', "[target] url 'ftp://host' is no http or https URL"),
    "no scheme": ('[target]\nurl = "localhost:8080"', "is no http or https URL; give one such as http://"),
    "no host": ('[target]\nurl = "http://"', "is no http or https URL"),
    "bad port": ('[target]\nurl = "http://host:99999"', "[target] url is no URL (Port out of range"),
    "space in url": ('[target]\nurl = "http://a host"', "is no http or https URL"),
    "query": ('[target]\nurl = "http://host/?a=b"', "has a query or a fragment"),
    "url type": ("[target]\nurl = 8080", "[target] url is a whole number; give a URL"),
    "url a date": ("[target]\nurl = 2024-01-01", "[target] url is a date or time"),
    "environment no UUID": (
        '[target]\nurl = "http://h"\nenvironment = "prod"',
        "[target] environment is not a UUID: 'prod'",
    ),
    "stage no UUID": (TARGET + f'stages = ["{ID}", "b"]', "[target] stages[1] is not a UUID: 'b'"),
    "stages no list": (TARGET + f'stages = "{ID}"', "[target] stages is a string; give a list of UUIDs"),
    "stage type": (TARGET + "stages = [1]", "[target] stages[0] is a whole number; give a UUID"),
    "foreign no UUID": (TARGET + '[foreign]\nservice = "x"', "[foreign] service is not a UUID"),
    "second no UUID": (TARGET + '[second]\nstage = ""', "[second] stage is not a UUID"),
    "nothing to use": (
        '[target]\nurl = "http://h"',
        "[target] environment is missing; give it, or else both stages and services",
    ),
    "no services": (f'[target]\nurl = "http://h"\nstages = ["{ID}"]', "[target] services is missing or empty"),
    "no stages": (
        f'[target]\nurl = "http://h"\nstages = []\nservices = ["{ID}"]',
        "[target] stages is missing or empty",
    ),
    "empty token": (TARGET + '[auth]\ntoken = ""', "[auth] token is empty; give the credential, or remove the key"),
    "token with scheme": (TARGET + '[auth]\njwt = "Bearer abc"', "[auth] jwt holds white space"),
    "token type": (TARGET + "[auth]\ntoken = true", "[auth] token is a boolean; give a credential as a string"),
    "rate zero": (TARGET + "[limits]\nrate = 0", "[limits] rate is 0; give a number greater than 0"),
    "rate infinite": (TARGET + "[limits]\nrate = inf", "[limits] rate is inf; give a number greater than 0"),
    "seconds negative": (TARGET + "[limits]\nseconds = -1.5", "[limits] seconds is -1.5"),
    "timeout a string": (TARGET + '[limits]\ntimeout = "10"', "[limits] timeout is a string; give a number"),
    "timeout a boolean": (TARGET + "[limits]\ntimeout = true", "[limits] timeout is a boolean"),
    "requests a fraction": (TARGET + "[limits]\nrequests = 1.5", "[limits] requests is a number; give a whole number"),
    "requests zero": (TARGET + "[limits]\nrequests = 0", "[limits] requests is 0; give a whole number greater than 0"),
    "concurrency negative": (TARGET + "[limits]\nconcurrency = -8", "[limits] concurrency is -8"),
    "formats type": (TARGET + '[report]\nformats = "html"', "[report] formats is a string; give a list of html"),
    "formats name": (TARGET + '[report]\nformats = ["htm"]', "[report] formats names no format: 'htm'; did you mean"),
    "formats entry": (TARGET + "[report]\nformats = [3]", "[report] formats[0] is a whole number; give a name"),
    "document type": (TARGET + "[spec]\ndocument = 3", "[spec] document is a whole number; give a file"),
    "document nothing": (TARGET + '[spec]\ndocument = ""', "[spec] document names no file; give one such as openapi"),
    "unset variable": (TARGET + '[auth]\ntoken = "${SC_UNSET}"', "names the environment variable SC_UNSET, which"),
    "unset in a list": (TARGET + 'stages = ["${SC_UNSET}"]', "[target] stages[0] names the environment variable SC_U"),
    "no variable": (TARGET + '[auth]\ntoken = "${}"', "[auth] token has a ${ that names no environment variable"),
    "no TOML": ("[target\n", "stagecheck.toml is not TOML"),
    "twice": (TARGET + f'environment = "{ID}"', "stagecheck.toml is not TOML"),
}


@pytest.mark.parametrize(("text", "said"), BAD.values(), ids=BAD.keys())
def test_a_mistake_is_one_line_that_names_it(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(written(text), environ={})
    assert said in str(caught.value)
    assert "stagecheck.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_named() -> None:
    with pytest.raises(ConfigError, match=r"cannot read the config nowhere.toml: No such file"):
        load(Path("nowhere.toml"))


def test_a_file_that_is_no_text_is_named() -> None:
    Path("stagecheck.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load(Path("stagecheck.toml"))


@pytest.mark.parametrize("text", [TARGET + '[auth]\ntoken = "a secret"', '[target]\nurl = "http://me:sekret@host"'])
def test_no_secret_is_repeated(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(written(text))
    assert "sekret" not in str(caught.value)
    assert "a secret" not in str(caught.value)


FULL = f"""{TARGET}
stages = ["{_id(1)}", "{_id(2)}"]
services = ["{OTHER}"]
[auth]
token = "${{SC_TOKEN}}"
jwt = "head.${{SC_TOKEN}}.tail"
expired_jwt = "old"
foreign_token = "other"
[foreign]
environment = "{_id(3)}"
stage = "{_id(4)}"
service = "{_id(5)}"
[second]
environment = "{_id(6)}"
[limits]
rate = 5
requests = 200
seconds = 30
timeout = 2.5
concurrency = 3
"""


def test_a_whole_config_becomes_what_a_run_needs() -> None:
    config = load(written(FULL), environ={"SC_TOKEN": "t0ken"})
    plan = plan_of(config, NIGHTLY, frozenset({"MOVE-1"}), seed=4)
    assert config.target.url == "http://127.0.0.1:8080"
    assert (plan.environment, plan.stages, plan.services) == (ID, (_id(1), _id(2)), (OTHER,))
    assert (plan.foreign.stage, plan.second.environment, plan.second.stage) == (_id(4), _id(6), None)
    assert (plan.selected, plan.seed, plan.profile) == (frozenset({"MOVE-1"}), 4, NIGHTLY)
    limits = limits_of(config, NIGHTLY)
    assert (limits.rate, limits.requests, limits.seconds) == (5.0, 200, 30.0)
    assert (limits.timeout, limits.concurrency) == (2.5, 3)
    credentials = credentials_of(config)
    assert (credentials.token, credentials.jwt) == ("t0ken", "head.t0ken.tail")
    assert (credentials.expired_jwt, credentials.foreign_token) == ("old", "other")
    assert "t0ken" not in repr(config)


@pytest.mark.parametrize(
    ("tables", "mend"),
    [
        (f'[second]\nstage = "{ID.upper()}"', "stands in [target] environment and in [second] stage"),
        (f'[second]\nservice = "{OTHER}"\n[foreign]\nservice = "{OTHER}"', "[second] service and in [foreign] service"),
        ('[auth]\ntoken = "same"\nforeign_token = "same"', "foreign_token is the same as [auth] token"),
        (f'[auth]\nexpired_jwt = "{issue_jwt("own", expires_at=4102444800)}"', "has not expired yet"),
    ],
)
def test_what_cannot_be_true_together(tables: str, mend: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(written(TARGET + tables))
    assert mend in str(caught.value)


@pytest.mark.parametrize(
    ("configured", "profile", "cap"),
    [(None, QUICK, 260), (None, NIGHTLY, 4000), (100, QUICK, 100), (9000, NIGHTLY, 4000), (9000, EXHAUSTIVE, 9000)],
)
def test_of_two_caps_the_smaller_holds(configured: int | None, profile: object, cap: int) -> None:
    text = TARGET + (f"[limits]\nrequests = {configured}" if configured else "")
    assert limits_of(load(written(text)), profile).requests == cap  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("url", "rate"), [("http://127.0.0.1:1", None), ("http://localhost", None), ("https://api.example.com", 20.0)]
)
def test_a_host_that_is_not_loopback_is_spared(url: str, rate: float | None) -> None:
    assert limits_of(load(written(TARGET), url=url), NIGHTLY).rate == rate


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://127.0.0.1", True),
        ("http://127.8.9.10:80/x", True),
        ("http://[::1]:8080", True),
        ("http://LOCALHOST:1", True),
        ("http://128.0.0.1", False),
        ("http://localhost.example.com", False),
        ("http://127.0.0.1.example.com", False),
        ("http://[::2]", False),
        ("http://0.0.0.0", False),
        ("https://api.example.com", False),
    ],
)
def test_what_loopback_is(url: str, *, loopback: bool) -> None:
    assert is_loopback(url) is loopback


def test_a_url_given_beside_the_config_takes_the_place_of_its_own() -> None:
    place = written(f'[target]\nenvironment = "{ID}"')
    assert load(place, url=checked_url("http://127.0.0.1:9/api/", "URL")).target.url == "http://127.0.0.1:9/api"


def test_a_document_is_looked_for_beside_the_config(tmp_path: Path) -> None:
    place = tmp_path / "elsewhere" / "stagecheck.toml"
    place.parent.mkdir()
    place.write_text(TARGET + '[spec]\ndocument = "own.yaml"')
    assert load(place).spec.document == place.parent / "own.yaml"
    place.write_text(TARGET + f'[spec]\ndocument = "{tmp_path / "own.yaml"}"')
    assert load(place).spec.document == tmp_path / "own.yaml"
    assert load(written(TARGET)).spec.document is None
    place.write_text(TARGET + '[spec]\ndocument = "own.yaml"')
    with pytest.raises(SpecError, match=r"elsewhere/own\.yaml: cannot be read"):
        prepare(Wanted(config=place))
    with pytest.raises(SpecError, match=r"option\.yaml: cannot be read"):
        prepare(Wanted(config=place, spec=tmp_path / "option.yaml"))
