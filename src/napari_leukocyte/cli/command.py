"""How every command ends: one sentence for the user, and the rest in the log file if there is one."""

import errno
import os
from typing import Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from napari_leukocyte import stopping
from napari_leukocyte.cli.echo import echo
from napari_leukocyte.cli.log import logging_to
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import unreadable

__all__ = ["Command", "Group"]


class Group(TyperGroup):
    """The program; its option ``--log FILE`` may stand before or after the command."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the options that all commands share."""
        return super().parse_args(ctx, _log_first(args))


class Command(TyperCommand):
    """A command that never shows a traceback.

    A `LeukocyteError` is its own sentence. Any other exception is a defect of ours, and is called that.
    """

    def invoke(self, ctx: Any) -> Any:
        """Run the command; exit status 1 after an error, 130 after Ctrl+C, 143 when the system ends it."""
        log = ctx.find_root().params.get("log")
        stopping.interruptible()
        try:
            with logging_to(log, ctx.command_path, ctx.params):
                return super().invoke(ctx)
        except LeukocyteError as error:
            if stopping.requested():  # processes at work heard the signal first
                _end("Stopped.", stopping.status())
            _end(str(error), 1)
        except KeyboardInterrupt:
            _end("Stopped.", stopping.status())
        except MemoryError:
            _end("The computer's memory ran out: close other programs, or give smaller or fewer images.", 1)
        except (typer.Exit, typer.Abort):
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno == errno.EPIPE:
                raise  # the reader of a pipe has gone, which typer ends quietly
            # the system's doing, not ours
            if isinstance(error, OSError) and error.errno and isinstance(error.filename, str | bytes):
                _end(str(unreadable(os.fsdecode(error.filename), error)), 1)
            where = f"the traceback is in {log}" if log else "run again with --log FILE to keep the traceback"
            _end(f"This is a defect of napari-leukocyte ({_in_short(error)}): please report it; {where}.", 1)


def _log_first(args: list[str]) -> list[str]:
    """Move ``--log FILE`` to the front, where the options of the program stand.

    >>> _log_first(["segment", "a.png", "--log", "x.txt", "--out", "b"])
    ['--log', 'x.txt', 'segment', 'a.png', '--out', 'b']
    """
    end = args.index("--") if "--" in args else len(args)
    for i, arg in enumerate(args[:end]):
        if arg == "--log" or arg.startswith("--log="):
            after = i + (2 if arg == "--log" else 1)
            return [*args[i:after], *args[:i], *args[after:]]
    return args


def _in_short(error: Exception) -> str:
    first, *_ = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {first[:200]}" if first else type(error).__name__


def _end(sentence: str, status: int) -> NoReturn:
    echo(sentence, err=True)
    raise typer.Exit(status)
