"""The command line: one small file for each command; the work itself is in ``core``."""

from napari_leukocyte.cli.app import app, main

__all__ = ["app", "main"]
