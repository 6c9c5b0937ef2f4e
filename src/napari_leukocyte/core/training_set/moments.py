"""Moments that only go forward, whatever the clock of the computer does."""

import threading
from datetime import UTC, datetime, timedelta

__all__ = ["Moments"]

_STEP = timedelta(microseconds=1)


class Moments:
    """Gives out moments by which the drafts of an image are put in order; from any thread."""

    def __init__(self) -> None:
        self._given = datetime.min.replace(tzinfo=UTC)
        self._latest: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def next(self, image_id: str | None) -> datetime:
        """Now, or just after whatever was given out before or seen of the image; None: of one that has no id yet."""
        with self._lock:
            self._given = max(datetime.now(UTC), self._given + _STEP)
            if image_id is None:
                return self._given
            latest = self._latest.get(image_id)
            self._latest[image_id] = self._given if latest is None else max(self._given, latest + _STEP)
            return self._latest[image_id]

    def seen(self, image_id: str, moment: datetime) -> None:
        """Note the moment of a draft of an image."""
        with self._lock:
            self._latest[image_id] = max(moment, self._latest.get(image_id, moment))
