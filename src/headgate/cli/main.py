"""The command line: finds the verb, prints errors in one shape, returns the exit code."""

from __future__ import annotations

import difflib
import importlib
import os
import sys
import traceback
from collections.abc import Mapping
from typing import Any

import click

from headgate import __version__
from headgate.cli.verbs import VERBS, find
from headgate.kit.errors import Broken, Exit, HeadgateError, Refused


class LazyGroup(click.Group):
    """A group whose commands are imported only when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the signature is click's
        """Names of all verbs in the order of the table."""
        return [verb.name for verbs in VERBS.values() for verb in verbs]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Imports the module of a verb and returns its command."""
        verb = find(cmd_name)
        if verb is None:
            return None
        command = importlib.import_module(verb.module).command
        command.name = verb.name
        return command  # type: ignore[no-any-return]

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Names the nearest verb when there is none of that name."""
        if args and find(args[0]) is None and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"no verb {args[0]!r}.{hint} 'headgate --help' lists them.")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Prints the table of verbs without importing any."""
        for title, verbs in VERBS.items():
            with formatter.section(title):
                formatter.write_dl([(verb.name, verb.help) for verb in verbs])


EPILOG = """\b
Examples:
  headgate check train.jsonl --eval test.jsonl
  headgate run

Exit codes: 0 pass, 1 fail, 2 wrong use or bad input, 3 unsure, 4 broken."""


@click.group(cls=LazyGroup, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "--version", prog_name="headgate")
def headgate() -> None:
    """Decides what reaches a fine-tune, remembers it, and says no with a number."""


def main(arguments: list[str] | None = None) -> None:
    """Runs a command line and ends the process with its exit code."""
    argv = sys.argv[1:] if arguments is None else arguments
    sys.exit(_outcome(argv))


def _outcome(argv: list[str]) -> int:
    try:
        code = headgate.main(argv, prog_name="headgate", standalone_mode=False)
        sys.stdout.flush()
        return int(code or 0)
    except click.exceptions.Exit as ended:
        return int(ended.exit_code)
    except click.ClickException as error:
        _print_error(argv, {"kind": Refused.title, "what": error.format_message()})
        error.show()
        return int(Exit.WRONG_USE)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted; what was acknowledged is kept, run the same command again to go on", err=True)
        return 130
    except BrokenPipeError:
        # The reader closed the pipe (`headgate ... | head`); silence Python's own complaint at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except HeadgateError as error:
        _print_error(argv, error.as_json())
        click.echo(str(error), err=True)
        return int(error.exit_code)
    except Exception as error:  # noqa: BLE001 - the last door: anything else is our fault and says so
        traceback.print_exc()
        _print_error(argv, {"kind": Broken.title, "what": f"{type(error).__name__}: {error}"})
        click.echo("\nbroken: this is a fault of headgate. Please report it with the lines above.", err=True)
        return int(Exit.BROKEN)


def _print_error(argv: list[str], error: Mapping[str, Any]) -> None:
    if "--json" in argv:
        from headgate.cli.output import answer, print_json

        print_json(answer(_command(argv), {"error": error}, "error"))


def _command(argv: list[str]) -> str:
    """The verb and its subcommands, as the answer of a command that came to its end names them."""
    words = [word for word in argv if not word.startswith("-")]
    command: Any = headgate.get_command(click.Context(headgate), words[0]) if words else None
    path = words[:1]
    while isinstance(command, click.Group) and len(path) < len(words) and words[len(path)] in command.commands:
        command = command.commands[words[len(path)]]
        path.append(words[len(path)])
    return " ".join(path)
