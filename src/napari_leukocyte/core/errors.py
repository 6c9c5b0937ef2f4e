"""The one exception that carries a sentence meant for the user."""

__all__ = ["LeukocyteError"]


class LeukocyteError(ValueError):
    """Something the user can understand and act on.

    The message is one clear sentence that says what is wrong and what to do. The command line prints it and
    the widgets show it, both without a traceback; any other exception is a defect of ours.
    """
