"""The log file: what a maintainer needs to understand a run on another computer."""

import contextlib
import logging
import platform
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter
from typing import Any

import typer

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.outputs import LOG, spare_foreign

__all__ = ["logger", "logging_to"]

logger = logging.getLogger("napari_leukocyte")
# without --log nothing goes anywhere, nor what others say of a damaged file: our own sentence names it
_OTHERS = (logging.getLogger("py.warnings"), logging.getLogger("tifffile"))
for _logger in (logger, *_OTHERS):
    _logger.addHandler(logging.NullHandler())

_PACKAGES = (
    "napari-leukocyte",
    "numpy",
    "scipy",
    "scikit-image",
    "torch",
    "safetensors",
    "tifffile",
    "pillow",
    "typer",
    "napari",
)


class _LogFile(logging.FileHandler):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Say nothing: a full disk is reported where it stops the work, not once for each line of the log."""


@contextlib.contextmanager
def logging_to(path: Path | None, command: str, arguments: Mapping[str, Any]) -> Iterator[None]:
    """Add the record of one command to a file, its end and a traceback included; None records nothing.

    Raises
    ------
    LeukocyteError
        When the file cannot be opened for writing, or holds something else than such records.
    """
    if path is None:
        yield
        return
    spare_foreign({path: LOG})
    try:
        handler = _LogFile(path, encoding="utf-8")
    except OSError as error:
        raise LeukocyteError(
            f"The log file {path} cannot be written ({error.strerror}): choose another one."
        ) from error
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    for one in (logger, *_OTHERS):
        one.addHandler(handler)
    logging.captureWarnings(True)
    logger.setLevel(logging.DEBUG)
    started = perf_counter()
    try:
        logger.info("%s %s", command, {key: str(value) for key, value in arguments.items()})
        logger.info("Python %s, %s, arguments %s, in %s", sys.version, platform.platform(), sys.argv[1:], Path.cwd())
        logger.info("%s", ", ".join(f"{name} {_version(name)}" for name in _PACKAGES))
        yield
        logger.info("done after %.1f s", perf_counter() - started)
    except typer.Exit as error:
        logger.info("exit status %s after %.1f s", error.exit_code, perf_counter() - started)
        raise
    except BaseException:
        logger.exception("ended after %.1f s", perf_counter() - started)
        raise
    finally:
        logging.captureWarnings(False)
        for one in (logger, *_OTHERS):
            one.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
        with contextlib.suppress(OSError):
            handler.close()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"
