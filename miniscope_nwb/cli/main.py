"""The front door: finds the command, runs it, and turns our errors into one clear message.

Exit codes: 0 done; 1 a problem in the data or the request; 2 wrong usage; 130 interrupted.
`share` has more: see its help.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from difflib import get_close_matches

import click

from miniscope_nwb import __version__
from miniscope_nwb.cli import interrupt
from miniscope_nwb.errors import MiniscopeError

# In the order of a laboratory's work; a command's module is imported only when it is needed.
COMMANDS = {
    "inspect": "inspect",
    "init": "init",
    "convert": "convert",
    "verify": "verify",
    "plan": "plan",
    "process": "process",
    "import": "import_",
    "curate": "curate",
    "show": "show",
    "methods": "methods",
    "validate": "validate",
    "split": "split",
    "join": "join",
    "share": "share",
    "simulate": "simulate",
    "demo": "demo",
    "doctor": "doctor",
}


_NO_MEMORY = (
    "there is not enough memory: close other programs, or take less at a time (process: "
    "--max-memory, --threads 1, --crop). The NWB file is as it was."
)


class LazyGroup(click.Group):
    """A group of commands, each in a module of its own that holds a command of the same name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of the work, not of the alphabet."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command, or None where there is no such command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"miniscope_nwb.cli.{COMMANDS[cmd_name]}")
        command: click.Command = getattr(module, COMMANDS[cmd_name])
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that was written; of a slip of the pen name the nearest."""
        near = get_close_matches(args[0].lower(), COMMANDS, n=1)
        if near and args[0] not in COMMANDS and not ctx.resilient_parsing:
            ctx.fail(f"No such command {args[0]!r}; did you mean {near[0]}?")
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="miniscope-nwb")
def miniscope_nwb() -> None:
    """Raw miniscope recordings to one complete, verified, processed NWB file each.

    \b
    Example:
      miniscope-nwb inspect  my_recording/
      miniscope-nwb init     my_recording/ > session.yaml     (then fill in what is marked)
      miniscope-nwb convert  my_recording/ -m session.yaml
      miniscope-nwb verify   sub-m06/sub-m06_ses-....nwb --raw my_recording/
      miniscope-nwb process  sub-m06/sub-m06_ses-....nwb
      miniscope-nwb validate sub-m06/sub-m06_ses-....nwb
    """


def _fail(message: str, *, wants_json: bool) -> None:
    if wants_json:
        with suppress(OSError):  # the answer goes to a full disk: the sentence below still tells
            click.echo(json.dumps({"error": message}, ensure_ascii=False))
    click.echo(f"Error: {message}", err=True)


def _interrupted(arguments: Sequence[str]) -> str:
    """Say what is left of a command that was interrupted."""
    if arguments[:1] in (["process"], ["import"]):
        return "Interrupted; finished stages are kept: the same command goes on where it stood."
    return "Interrupted; no unfinished output was kept."


def _describe(error: OSError) -> str:
    """One sentence for an error of the operating system that no command has foreseen."""
    what = error.strerror or str(error)
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{what}. Check that the path exists, is readable and that the disk has room."


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code.

    Parameters
    ----------
    arguments
        What stands behind the program's name.
    """
    arguments = list(arguments)
    wants_json = "--json" in arguments
    try:
        result = miniscope_nwb.main(args=arguments, standalone_mode=False)
    except click.exceptions.Exit as stop:
        return int(stop.exit_code)
    except click.exceptions.Abort:
        interrupt.seen()
        click.echo(_interrupted(arguments), err=True)
        return 130
    except click.ClickException as wrong:
        if wants_json:
            click.echo(json.dumps({"error": wrong.format_message()}, ensure_ascii=False))
        wrong.show()
        return int(wrong.exit_code)
    except KeyboardInterrupt:
        interrupt.seen()
        click.echo(_interrupted(arguments), err=True)
        return 130
    except MiniscopeError as problem:
        _fail(str(problem), wants_json=wants_json)
        return problem.exit_code
    except BrokenPipeError:  # the reader of a pipe has seen enough: `| head`
        sys.stderr.close()
        return 1
    except OSError as problem:
        _fail(_describe(problem), wants_json=wants_json)
        return 1
    except MemoryError:
        _fail(_NO_MEMORY, wants_json=wants_json)
        return 1
    return result if isinstance(result, int) else 0


def main() -> None:
    """Run the command line of this process."""
    for stream in (sys.stdout, sys.stderr):
        # A Windows console with a narrow code page must not turn a name into a traceback.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    interrupt.install()
    code = run(sys.argv[1:])
    interrupt.seen()
    sys.exit(code)
