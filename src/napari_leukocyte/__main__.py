"""The program ``napari-leukocyte``, also as ``python -m napari_leukocyte``."""

from napari_leukocyte import stopping

__all__ = ["main"]


def main() -> None:
    """Entry point of the installed program."""
    stopping.begin()  # before the command line loads, so that Ctrl+C shows no traceback at any moment
    from napari_leukocyte.cli import main as run

    run()


if __name__ == "__main__":
    main()
