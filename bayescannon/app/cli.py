"""The command line: its options, its exit status, and what is printed where a verb fails."""

import logging
import shlex
import sys
import traceback
import warnings
from collections.abc import Sequence
from typing import Any

from bayescannon import __version__
from bayescannon.app.cli_parser import build_parser
from bayescannon.app.cli_verbs import VERBS
from bayescannon.app.console import complain, print_foreign, set_quiet
from bayescannon.app.interrupts import AGAIN, Interrupted, interrupts
from bayescannon.app.log_file import PACKAGE_LOGGER, log_file, verbose_log
from bayescannon.app.verb_files import check_files
from bayescannon.numerics.errors import BayesCannonError, BayesCannonWarning

_REPORT = """
bayescannon: this is a fault of bayescannon {version}, not of your input. Please report it to the developers, with the
lines above, the command below and, if you can, the file it was working on. What is finished is kept, so the same
command goes on from there once the fault is mended.
    {command}"""
# exit statuses: see main
UNUSABLE, WRONG_USAGE, FAULT = 1, 2, 70


def main(args: Sequence[str] | None = None) -> int:
    """
    Run the command line; return the exit status.

    0 is success, 1 an input or output that cannot be used (one line on standard error says why), 2 wrong usage, 70 a
    fault of bayescannon itself (a traceback, and a request to report it), and 128 + n that signal n ended the command:
    130 Ctrl-C, 143 SIGTERM, 129 SIGHUP. After 70 and 128 + n the same command goes on from what is finished.
    """
    _print_any_text()
    parser = build_parser()
    args = sys.argv[1:] if args is None else args
    if not args:
        parser.print_help(sys.stderr)
        return WRONG_USAGE
    options = parser.parse_args(args)
    command = shlex.join(["bayescannon", *map(str, args)])
    was_quiet = set_quiet(options.quiet)
    try:
        with interrupts(), warnings.catch_warnings():
            warnings.simplefilter("once", BayesCannonWarning)
            warnings.showwarning = _show_warning
            check_files(options)
            with log_file(options.log_file, command), verbose_log(options.verbose):
                status = VERBS[options.verb](options)
    except MemoryError:
        complain("there is not enough memory; give fewer stars, or a machine with more")
        return UNUSABLE
    except (BayesCannonError, OSError) as error:
        if options.traceback:
            raise
        complain(str(error))
        return UNUSABLE
    except UnicodeEncodeError as error:
        if sys.getfilesystemencoding() == "utf-8" or options.traceback:
            raise
        complain(f"the name {error.object!r} cannot be written in this locale; set PYTHONUTF8=1 or LC_ALL=C.UTF-8")
        return UNUSABLE
    except KeyboardInterrupt as stop:
        complain(f"interrupted; {AGAIN}")
        return stop.status if isinstance(stop, Interrupted) else 130
    except Exception:
        print_foreign(traceback.format_exc())
        print_foreign(_REPORT.format(version=__version__, command=command))
        return FAULT
    finally:
        set_quiet(was_quiet)
    return status or 0


def _print_any_text() -> None:
    """Let a terminal that lacks a letter, of a path for instance, print its number instead of raising an error."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: Any = None,  # noqa: ARG001
    line: str | None = None,
) -> None:
    """Print a warning of bayescannon as one line, and any other with its place, as Python does."""
    if issubclass(category, BayesCannonWarning):
        complain(f"warning: {message}")
        logging.getLogger(PACKAGE_LOGGER).warning("%s", message)
    else:
        print_foreign(warnings.formatwarning(message, category, filename, lineno, line))


if __name__ == "__main__":
    sys.exit(main())
