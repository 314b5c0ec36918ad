"""The command line: which commands there are, and how every error becomes one line and an exit code.

Commands are imported when they are called, so that `stagecheck --help` costs nothing. The exit codes are pinned in
DESIGN.md: 0 conforming, 1 a promise is broken, 2 usage or configuration, 3 unreachable or inconclusive.
"""

from __future__ import annotations

import errno
import importlib
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import click

from stagecheck import __version__
from stagecheck.errors import HarnessError, StagecheckError, closest

USAGE = 2
INCONCLUSIVE = 3

COMMANDS = {
    "verify": "Judge a target, requirement by requirement (no URL: the embedded mocked target).",
    "expect": "Write down the violations of a run as known ones, or remove those that are gone.",
    "compare": "Ask two targets the same, and say in what they differ.",
    "report": "Render the record of a run in another format.",
    "diff": "Say what changed between two runs.",
    "trend": "Say what changed over the runs that are remembered.",
    "replay": "Send a reproducer to a target: does the violation still happen?",
    "restore": "Put back what a run that was killed has left, by its ledger.",
    "serve": "Run the mock as an HTTP server, to develop and test clients against.",
    "requirements": "List the requirements of the contract.",
    "defects": "List the defects that the audit seeds.",
    "spec": "Hold an OpenAPI document against the contract or another one, or change it by an overlay.",
    "drift": "Tell who disagrees: two documents, and what a target did.",
    "audit": "Show that every check can fail: requirements against seeded defects.",
}
"""Every command with its line in the help; `stagecheck.commands.<name>` has it as `command`."""


@dataclass(slots=True)
class Settings:
    """What the error handling of `main` has to know of the command that runs (click's context object)."""

    verbose: bool = False
    redact: Callable[[str], str] = str


class _Lazy(click.Group):
    """A group that imports a command only to run it or to show its own help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        found = importlib.import_module(f"stagecheck.commands.{cmd_name}").command
        assert isinstance(found, click.Command)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            ctx.fail(f"there is no command {name!r}; {closest(name, COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    name="stagecheck",
    cls=_Lazy,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 conforming, 1 a MUST is violated (with --strict: a SHOULD too), 2 usage or configuration, "
    "3 target unreachable or inconclusive.",
)
@click.version_option(__version__, prog_name="stagecheck", message="%(prog)s %(version)s")
def group() -> None:
    """Tell whether a target keeps the contract of moving and skipping services among deployment stages."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code. Every error is one line on stderr, never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    if not sys.warnoptions:
        # Warnings of libraries are for their developers; -W shows them.
        warnings.simplefilter("ignore")
    settings = Settings()
    code = _run(list(sys.argv[1:] if arguments is None else arguments), settings)
    try:
        sys.stdout.flush()
    except OSError:
        _silence_stdout()
    return code


def _run(arguments: list[str], settings: Settings) -> int:
    try:
        with group.make_context("stagecheck", arguments, obj=settings) as context:
            code = group.invoke(context)
    except click.exceptions.Exit as wanted:
        return wanted.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return USAGE
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "stagecheck"
        return _failed(f"{error.format_message()} (see: {path} --help)", USAGE, settings)
    except click.ClickException as error:
        return _failed(error.format_message(), USAGE, settings)
    except (click.Abort, KeyboardInterrupt):
        return _failed("interrupted before anything could be judged", INCONCLUSIVE, settings)
    except HarnessError as error:
        return _failed(f"a fault of stagecheck, not of the target: {error}{_hint(settings)}", INCONCLUSIVE, settings)
    except StagecheckError as error:
        return _failed(str(error), error.exit_code, settings)
    except OSError as error:
        if error.errno == errno.EPIPE:
            # Whoever read our output has seen enough.
            _silence_stdout()
            return 0
        return _failed(f"{_named(error)}{_hint(settings)}", INCONCLUSIVE, settings)
    except Exception as error:  # noqa: BLE001 - the last resort: no traceback ever reaches a user who did not ask
        what = f"a fault of stagecheck, not of the target: {_named(error)}{_hint(settings)}"
        return _failed(what, INCONCLUSIVE, settings)
    return code if isinstance(code, int) else 0


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _hint(settings: Settings) -> str:
    return "" if settings.verbose else " (the traceback: --verbose)"


def _failed(message: str, code: int, settings: Settings) -> int:
    """Say what went wrong in one line, after the traceback where it was asked for; both without credentials."""
    if settings.verbose and code == INCONCLUSIVE:
        click.echo(settings.redact(traceback.format_exc().rstrip()), err=True)
    line = " ".join(settings.redact(message).split())
    shown = "".join(character if character.isprintable() else ascii(character)[1:-1] for character in line)
    with suppress(OSError):
        click.echo(f"stagecheck: error: {shown}", err=True)
    return code


def _silence_stdout() -> None:
    """Send what is still buffered nowhere: the interpreter would fail on flushing it."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
