"""Completion of commands, options and files in shells."""

import argparse
from typing import Any

SHELLS = ("bash", "zsh", "tcsh")


class _PrintCompletion(argparse.Action):
    """Print the completion script of a shell and end."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:  # noqa: ARG002
        # imported here so that --help is quick
        import shtab

        for command in [parser, *_commands(parser)]:
            for action in command._actions:
                # what is read or written is a file, and nothing that argparse gives choices of
                if action.type is not None and getattr(action.type, "__name__", "") in ("Path", "PosixPath"):
                    action.complete = shtab.FILE
        print(shtab.complete(parser, shell=values))
        parser.exit()


def add_completion(parser: argparse.ArgumentParser) -> None:
    """Add the option that prints the completion script of a shell."""
    parser.add_argument(
        "--print-completion", action=_PrintCompletion, choices=SHELLS, metavar="SHELL",
        help=f"print the script that completes commands and options in {', '.join(SHELLS)}",
    )  # fmt: skip


def _commands(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    """Return the parsers of the commands."""
    groups = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return [command for group in groups for command in group.choices.values()]
