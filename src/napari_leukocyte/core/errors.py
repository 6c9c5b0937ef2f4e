"""The exceptions that carry a sentence meant for the user."""

__all__ = ["LeukocyteError", "NewerFormatError", "UnreadableError", "reason_in"]


class LeukocyteError(ValueError):
    """Something the user can understand and act on.

    The message is one clear sentence that says what is wrong and what to do. The command line prints it and
    the widgets show it, both without a traceback; any other exception is a defect of ours.
    """


class UnreadableError(LeukocyteError):
    """The system does not let a file be read (rights, a share that is away); nothing need be wrong with it."""


class NewerFormatError(LeukocyteError):
    """A newer version of the plugin wrote it; nothing is wrong with it."""


def reason_in(error: BaseException) -> str:
    r"""What another library's error says, as a part of a sentence.

    >>> reason_in(OSError("unexpected end of file.\nSee the manual.")), reason_in(IndexError())
    ('unexpected end of file', 'IndexError')
    """
    return str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
