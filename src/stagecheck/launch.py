"""From what a front end was asked for to a finished run: everything that can be refused is refused before it begins.

Shared by the command line and the pytest plugin, so that both run the same thing and fail with the same words.
"""

from __future__ import annotations

import base64
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import httpx

from stagecheck import __version__, contract, spec
from stagecheck.config import AuthTable, Config, TargetTable, credentials_of, limits_of, load, plan_of, sources_of
from stagecheck.config_values import DEFAULT_FORMATS, checked_url
from stagecheck.embedded import EMBEDDED_URL, embedded_client, embedded_credentials, embedded_plan
from stagecheck.errors import ConfigError, SelectionError, UsageError
from stagecheck.exchange import Redactor
from stagecheck.expectations import entries
from stagecheck.expectations.judge import Judge
from stagecheck.keeping import Keeping
from stagecheck.mock.app import Mock
from stagecheck.mock.scenario import embedded
from stagecheck.model.state import Reading
from stagecheck.outcome import Grade, Replays, RunResult, Setting, Verdict
from stagecheck.spec.promised import fingerprint_of, promises_of
from stagecheck.suite.discover import discover, survey
from stagecheck.suite.findings import Findings
from stagecheck.suite.plan import PROFILES, Plan, ProfileName
from stagecheck.suite.put_back import WayHome
from stagecheck.suite.races.again import again
from stagecheck.suite.races.races import Races
from stagecheck.suite.registry import CHECKED
from stagecheck.suite.replay import Replay, Retold, bound
from stagecheck.suite.restoring import Restored
from stagecheck.suite.runner import Observer, Runner, told
from stagecheck.suite.session import Session
from stagecheck.target.account import Account
from stagecheck.target.client import Client, Limits
from stagecheck.target.credentials import Credentials
from stagecheck.target.hosts import check_host, is_loopback
from stagecheck.target.reach import live
from stagecheck.target.wallet import Wallet

T = TypeVar("T")
LEDGERS = Path("reports")
"""Where ledgers are kept, where neither the config nor the front end says it."""
ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""Signals that ask a run to end: Ctrl-C, a job that is cancelled, a terminal that is closed."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a front end was asked for.

    `allow_option`, `production_option`: how its options for writes and for production are spelled, for the mend.
    `otherwise`: what else can be done about a target that may not be written to. `dry`: nothing will be sent, so no
    credential is fetched. `ledgers`: the directory that ledgers are kept in where the config names none.
    """

    url: str | None = None
    config: Path | None = None
    spec: Path | None = None
    profile: str = ProfileName.NIGHTLY
    only: tuple[str, ...] = ()
    seed: int = 0
    reading: str | None = None
    allow_writes: bool = False
    allow_option: str = "--allow-writes"
    production: bool = False
    production_option: str = "--production"
    read_only: bool = False
    otherwise: str = ""
    dry: bool = False
    expect: Path | None = None
    strict: bool = False
    ledgers: Path = LEDGERS


@dataclass(slots=True)
class Launch:
    """A run that can begin. `history`: where it is kept, or whether.

    `formats`: what its record is to be rendered in. `ledgers`: where its ledger is kept; None for a target that is gone
    when the process is. `tell`: told of what was put back for an earlier run.
    `interrupted` is set when it was cut short by Ctrl-C or SIGTERM. Use once.
    """

    url: str
    plan: Plan
    limits: Limits
    credentials: Credentials
    document: spec.Document
    mocked: bool = False
    expectations: entries.Expectations | None = None
    interrupted: bool = False
    formats: tuple[str, ...] = DEFAULT_FORMATS
    wallet: Wallet | None = None
    proxy: str | None = field(default=None, repr=False)
    ca: Path | None = None
    history: Path | bool = True
    setting: Setting = field(default_factory=Setting)
    ledgers: Path | None = None
    tell: Callable[[str], None] = lambda _: None
    redactor: Redactor = field(init=False)
    judge: Judge | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.redactor = Redactor([*self.credentials.secrets(), *_proxy_secrets(self.proxy)])
        if self.wallet is not None:
            self.wallet.learned.append(lambda credentials: self.redactor.learn(credentials.secrets()))
        if self.expectations is not None:
            self.judge = Judge(self.expectations, today(), self.redactor.text)
            self.plan = replace(self.plan, expects=self.judge.knows)

    def run(self, observer: Observer | None = None) -> RunResult:
        """Run it. Raises what `Runner.run` raises; KeyboardInterrupt only when nothing could be judged yet.

        An observer that fails does not stop the run (things have to be put back): it becomes a note.
        """
        failures: list[str] = []
        setting = replace(self.setting, started=datetime.now(tz=UTC))
        watched = _guarded(observer or Observer(), failures)
        with self.open() as http, self.kept(http) as keeping:
            client = Client(self.url, http, self.limits, wallet=self.wallet)
            runner = Runner(client, self.document, self.credentials, self.plan, self.mocked, watched)
            if keeping is not None:
                runner.attend = keeping.attend
                runner.notes += keeping.earlier
            try:
                with self.interruptible(client):
                    result = runner.run()
            finally:
                if keeping is not None:
                    keeping.close(finished=not runner.astray)
        settled = replace(_settled(result, failures, interrupted=self.interrupted), setting=setting)
        return self.judge.judged(settled) if self.judge else settled

    def replay(self, reproducer: Mapping[str, Any], times: int) -> tuple[Retold, list[str]]:
        """Send a reproducer's steps to the target that many times; what they show, and what could not be put back.

        Raises ConfigError where the target has not enough to bind to, and what `survey` raises.
        """

        def tell(session: Session) -> Retold:
            stages, services, _ = survey(session, self.plan)
            ids = bound(reproducer["bindings"], stages, services, self.plan, session)
            session.client.phase = "replay"
            return Replay(session, reproducer, ids).tell(times)

        return self._with_session(tell)

    def race(self, history: Mapping[str, Any], times: int) -> tuple[Replays, list[str], list[str]]:
        """Send a kept round that many times: how often its promise broke again, in which words, and what is not back.

        Raises UsageError, ConfigError where the target has not what the round was about, and what `discover` raises.
        """

        def tell(session: Session) -> tuple[Replays, list[str]]:
            ground = discover(session, self.plan)
            session.client.phase = "races"
            replays, said = again(Races(session, ground, self.plan), history, times)
            return replays, list(said)

        (replays, said), left = self._with_session(tell)
        return replays, said, left

    def _with_session(self, work: Callable[[Session], T]) -> tuple[T, list[str]]:
        """Do something in a session that judges nothing; then everything goes home, and what could not is told."""
        with self.open() as http, self.kept(http) as keeping:
            session = self._session(http)
            if keeping is not None:
                keeping.attend(session)
            with self.interruptible(session.client):
                try:
                    done = work(session)
                except BaseException as error:  # noqa: BLE001 - whatever it is, services go home first
                    raise told(error, _put_back(session, keeping)) from None
                left = _put_back(session, keeping)
                return done, [*(keeping.earlier if keeping else ()), *left]

    def restore(self, ledger: Path) -> Restored:
        """Put back what the run of that ledger has left; nothing where it is finished.

        Raises UsageError for what is no ledger of this target, and what `suite.restoring.restore` raises.
        """
        keeping = Keeping(ledger, self.url, self.plan, self.redactor)
        account = Account.read(ledger)
        with self.open() as http, keeping.locked():
            if account.finished or not account.writes:
                return Restored()
            session = self._session(http)
            with self.interruptible(session.client):
                return keeping.restored(session, account)

    @property
    def ledger(self) -> Path | None:
        """The file that its ledger is, or would be."""
        return self._keeping(self.ledgers).path if self.ledgers is not None else None

    def _keeping(self, directory: Path) -> Keeping:
        return Keeping.beside(directory, self.url, self.plan, self.redactor)

    @contextmanager
    def kept(self, http: httpx.Client) -> Iterator[Keeping | None]:
        """The ledger of the target under its lock, once what an earlier run has left was put back; None without one."""
        if self.ledgers is None:
            yield None
            return
        keeping = self._keeping(self.ledgers)
        with keeping.locked():
            keeping.catch_up(lambda: self._session(http), self.tell)
            yield keeping

    def _session(self, http: httpx.Client) -> Session:
        """A session that judges nothing."""
        client = Client(self.url, http, self.limits, wallet=self.wallet)
        return Session(client, self.document, self.credentials, Findings(()))

    def open(self) -> AbstractContextManager[httpx.Client]:
        """A client of the target."""
        if self.mocked:
            return embedded_client(Mock(embedded()))
        return live(self.url, self.limits.timeout, proxy=self.proxy, ca=self.ca)

    @contextmanager
    def interruptible(self, client: Client) -> Iterator[None]:
        """Ctrl-C and SIGTERM end the exploring before the next request, and never the putting back.

        Not at once: an exception that a signal raises is lost where it hits a callback of the garbage collector, and
        one that hits a PUT on its way leaves nobody knowing where the service is. Whoever asks twice is obeyed.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        asked = False

        def on_signal(number: int, frame: FrameType | None) -> None:
            nonlocal asked
            del number, frame
            again, asked = asked, True
            if again or client.phase == "ask":
                # Nobody waits for an answer to a question in vain.
                stop()

        def stop() -> None:
            if asked and client.phase != "restore":
                self.interrupted = True
                raise KeyboardInterrupt

        client.http.event_hooks["request"].append(lambda _: stop())
        before = {number: signal.signal(number, on_signal) for number in ENDING}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _put_back(session: Session, keeping: Keeping | None) -> list[str]:
    """Everything goes home, which no signal interrupts; what could not be put back."""
    session.client.phase = "restore"
    way_home = WayHome(session, session.journal, sure=False)
    left = way_home.go() if hasattr(session, "oracle") else []
    if keeping is not None:
        keeping.close(finished=not (left and way_home.astray))
    return left


def prepare(wanted: Wanted) -> Launch:
    """Check everything that can be checked without the target.

    Raises ConfigError, SpecError, SelectionError or UsageError, each one line with its mend.
    """
    profile = PROFILES[ProfileName(wanted.profile)]
    reading = Reading(wanted.reading) if wanted.reading else None
    selected = _selected(wanted.only)
    url = checked_url(wanted.url, "URL") if wanted.url is not None else None
    expected = _expectations(wanted)
    if wanted.config is None and url is None:
        scenario = embedded()
        plan = embedded_plan(scenario, profile, selected=selected, seed=wanted.seed, reading=reading)
        plan = replace(plan, read_only=wanted.read_only)
        limits = Limits(requests=profile.requests, seconds=float("inf"))
        document = spec.load(wanted.spec, strict=wanted.strict)
        own = embedded_credentials()
        setting = _setting(wanted, document, wanted.spec, __version__)
        return Launch(EMBEDDED_URL, plan, limits, own, document, mocked=True, expectations=expected, setting=setting)
    if wanted.config is None:
        raise ConfigError(
            "a URL alone is not enough: put [target] environment (or stages and services) and [auth] token into "
            "stagecheck.toml, and give --config stagecheck.toml"
        )
    config = load(wanted.config, url=url)
    url = config.target.url
    _allowed(url, wanted, config.target.allow_hosts)
    plan = replace(plan_of(config, profile, selected, seed=wanted.seed, reading=reading), read_only=wanted.read_only)
    named = wanted.spec or config.spec.document
    document = spec.load(named, strict=wanted.strict)
    held, sources = credentials_of(config), sources_of(config)
    if wanted.dry:
        # Something that is not there is shown by its name alone.
        wallet, credentials = None, replace(held, **dict.fromkeys(sources, "fetched when a run begins"))
    else:
        wallet = Wallet(held, sources)
        credentials = wallet.credentials
    launch = Launch(
        url,
        plan,
        limits_of(config, profile),
        credentials,
        document,
        expectations=expected,
        wallet=wallet,
        proxy=config.target.proxy,
        ca=config.target.ca,
        setting=_setting(wanted, document, named, config.target.version),
    )
    launch.formats, launch.history = config.report.formats, config.report.history
    launch.ledgers = None if wanted.read_only or wanted.dry else config.storage.ledgers or wanted.ledgers
    return launch


def prepare_restore(ledger: Path, wanted: Wanted, environ: Mapping[str, str]) -> Launch:
    """The same for a ledger alone: its target, and the credential that `environ` holds.

    Raises UsageError for what is no ledger.
    """
    account = Account.read(ledger)
    if not account.url:
        raise UsageError(
            f"{ledger} names no target: nothing was noted in it; give a ledger-*.jsonl that a run has left"
        )
    url = checked_url(account.url, f"{ledger}: its url")
    _allowed(url, wanted)
    auth = AuthTable(environ.get("STAGECHECK_TOKEN") or None, environ.get("STAGECHECK_JWT") or None)
    config = Config(TargetTable(url, account.environment), auth)
    profile = PROFILES[ProfileName.QUICK]
    plan = plan_of(config, profile, frozenset())
    return Launch(url, plan, limits_of(config, profile), credentials_of(config), spec.load())


def _allowed(url: str, wanted: Wanted, hosts: tuple[str, ...] | None = None) -> None:
    """Raise UsageError where a run may not go, or where services would be moved that nobody has said may be moved."""
    writes = not wanted.read_only
    check_host(url, hosts, writes=writes, production=wanted.production, option=wanted.production_option)
    if writes and not wanted.allow_writes and not is_loopback(url):
        raise UsageError(
            f"{url} is not on this machine, and a run moves services there (and puts them back): "
            f"give {wanted.allow_option} if it may{wanted.otherwise}"
        )


def _setting(wanted: Wanted, document: spec.Document, named: Path | None, version: str | None) -> Setting:
    """What is recorded of the order for the run; a document is named as seen from here, where that can be."""
    whole, here = named.absolute() if named else None, Path.cwd()
    inside = whole is not None and whole.is_relative_to(here)
    return Setting(
        only=wanted.only,
        strict=wanted.strict,
        version=version,
        document=None if whole is None else (whole.relative_to(here) if inside else whole).as_posix(),
        fingerprint=fingerprint_of(document),
        places=promises_of(document, contract.CATALOGUE),
    )


def _proxy_secrets(proxy: str | None) -> Iterator[tuple[str, str]]:
    """What has to be taken out of texts for the proxy's sake: its password, and what it is sent as."""
    parts = urlsplit(proxy) if proxy else None
    if parts is not None and parts.password:
        user, password = unquote(parts.username or ""), unquote(parts.password)
        yield password, "$PROXY_PASSWORD"
        yield base64.b64encode(f"{user}:{password}".encode()).decode(), "$PROXY_CREDENTIAL"


def today() -> date:
    """The day by which entries expire: that of UTC, so that it is the same one on every machine."""
    return datetime.now(tz=UTC).date()


def _expectations(wanted: Wanted) -> entries.Expectations | None:
    """The file that was named, else the one next to the config, if there is one."""
    if wanted.expect is not None:
        return entries.load(wanted.expect)
    beside = wanted.config.with_name(entries.FILE_NAME) if wanted.config is not None else None
    return entries.load(beside) if beside is not None and beside.exists() else None


def _selected(only: tuple[str, ...]) -> frozenset[str]:
    """The ids that the prefixes select. Raises SelectionError when there is no check for any of them."""
    selected = frozenset(entry.id for entry in contract.select(only))
    if not selected & CHECKED:
        names = ", ".join(sorted(selected))
        raise SelectionError(f"this version has no check for {names}; select others (see: stagecheck requirements)")
    return selected


def _guarded(observer: Observer, failures: list[str]) -> Observer:
    def guard(tell: Callable[[T], None]) -> Callable[[T], None]:
        def told(value: T) -> None:
            try:
                tell(value)
            except Exception as error:  # noqa: BLE001 - whatever it is, services that were moved must go home first
                if not failures:
                    failures.append(f"the display of the run failed: {type(error).__name__}: {error}")

        return told

    return Observer(guard(observer.phase), guard(observer.exchange), guard(observer.violation))


def _settled(result: RunResult, failures: list[str], *, interrupted: bool) -> RunResult:
    """The result with what only the front end knows: that it was interrupted, that its display failed."""
    result = replace(result, notes=(*result.notes, *failures))
    if not interrupted:
        return result
    verdict = result.verdict if result.verdict is Verdict.NON_CONFORMING else Verdict.INCONCLUSIVE
    cut_short = result.cut_short or "the run was interrupted"
    return replace(result, verdict=verdict, broken_off=True, cut_short=cut_short)


def exit_code(result: RunResult, *, strict: bool) -> int:
    """The pinned exit code of a verdict: a MUST is broken 1 (strict: a SHOULD too), inconclusive 3, else 0.

    An entry of expect.toml that has to go is 1 as well, whatever the verdict.
    """
    if result.verdict is Verdict.NON_CONFORMING:
        return 1
    if result.expectations is not None and (result.expectations.gone or result.expectations.expired):
        return 1
    if strict and any(entry.grade is Grade.NON_STRICT for entry in result.requirements):
        return 1
    return 3 if result.verdict is Verdict.INCONCLUSIVE else 0
