"""Reasons as lines of a dock."""

from collections.abc import Sequence

__all__ = ["bullets"]


def bullets(heading: str, reasons: Sequence[str]) -> list[str]:
    """A heading and up to five reasons as lines; no lines when there is no reason."""
    if not reasons:
        return []
    more = [f"• and {len(reasons) - 5} more"] if len(reasons) > 5 else []
    return [heading, *(f"• {reason}" for reason in reasons[:5]), *more]
