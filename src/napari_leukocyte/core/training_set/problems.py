"""Something that is not as it should be in a training set."""

from dataclasses import dataclass

__all__ = ["Problem"]


@dataclass(frozen=True)
class Problem:
    """``what`` is wrong, a sentence, and ``advice`` how to put it right; ``harmless`` leftovers lose nothing."""

    what: str
    advice: str
    harmless: bool = False

    def __str__(self) -> str:
        return f"{self.what} {self.advice}"
