"""What the records of all images of a training set say, each read again only when it has changed."""

import contextlib
from collections import defaultdict
from pathlib import Path

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import names_in
from napari_leukocyte.core.training_set.images import SetImage, read_set_image, write_set_image
from napari_leukocyte.core.training_set.layout import Layout

__all__ = ["ImageRecords"]

_Signature = tuple[int, int, int]


class ImageRecords:
    """The records of all images; one that has not changed since the last time is not read again."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._known: dict[str, tuple[_Signature, SetImage]] = {}
        self._folder_then = -1  # when the folder was last changed, as far as we know
        self._with: defaultdict[tuple[str, str], set[str]] = defaultdict(set)  # ids by pixels and by slide

    def read(self) -> list[SetImage]:
        """List the images whose records can be read, by id; what is wrong with the others, the check says."""
        then = self._folder_time()
        known: dict[str, tuple[_Signature, SetImage]] = {}
        for name, path in self._files():
            with contextlib.suppress(LeukocyteError, OSError):
                signature = _signature(path)
                if self._known.get(name, (None,))[0] == signature:
                    known[name] = self._known[name]
                else:
                    known[name] = (signature, read_set_image(self._layout, name))
        self._known, self._folder_then = known, then
        self._with.clear()
        for _, image in known.values():
            self._index(image)
        return [image for _, image in known.values()]

    def prepare(self) -> None:
        """Make sure that what is known is what the folder holds; the caller has the lock of the set.

        A record is replaced, never written into, which changes the time of the folder. So a set that only we add to is
        read once, however many images come.
        """
        if self._folder_then != self._folder_time():
            self.read()

    def write(self, image: SetImage) -> None:
        """Write the record of an image, after `prepare` and still under the lock.

        Raises
        ------
        LeukocyteError
            When the system refuses.
        """
        write_set_image(self._layout, image)
        self._known[image.id] = (_signature(self._layout.image_record(image.id)), image)
        self._index(image)
        self._folder_then = self._folder_time()

    def linked(self, image: SetImage) -> list[SetImage]:
        """Return the other images with the pixels of an image, or of its slide, after `prepare`."""
        ids = {one for key in _keys(image) for one in self._with.get(key, ())} - {image.id}
        return [self._known[one][1] for one in sorted(ids)]

    def _index(self, image: SetImage) -> None:
        for key in _keys(image):
            self._with[key].add(image.id)

    def _folder_time(self) -> int:
        try:
            return self._layout.images.stat().st_mtime_ns
        except OSError:  # there is none yet
            return -1

    def _files(self) -> list[tuple[str, Path]]:
        folder = self._layout.images
        names = [name for name in names_in(folder) if name.endswith(".json") and not name.startswith(".")]
        return [(name[: -len(".json")], folder / name) for name in names]


def _signature(path: Path) -> _Signature:
    state = path.stat()
    # a record is replaced, never written into, so a new one is another file
    return state.st_ino, state.st_mtime_ns, state.st_size


def _keys(image: SetImage) -> list[tuple[str, str]]:
    return [("pixels", image.content), *[("slide", image.group)] * bool(image.group)]
