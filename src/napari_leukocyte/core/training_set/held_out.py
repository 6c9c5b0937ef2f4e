"""The part of a training set that is held out: images that never train, noted where no single file can lose them."""

from collections.abc import Collection
from dataclasses import replace

from napari_leukocyte.core.training_set.groups import groups_of, share_of, together_with
from napari_leukocyte.core.training_set.image_records import ImageRecords
from napari_leukocyte.core.training_set.images import SetImage, write_set_image
from napari_leukocyte.core.training_set.layout import Layout
from napari_leukocyte.core.training_set.manifest import read_manifest, write_manifest

__all__ = ["HeldOut"]


class HeldOut:
    """The images of a set that never train, with all that are of their slides or have their pixels.

    Both the record of the image and that of the set say so. Whoever changes it has the lock of the set.
    """

    def __init__(self, layout: Layout, records: ImageRecords) -> None:
        self._layout, self._records = layout, records

    def ids(self) -> frozenset[str]:
        """Ids of all of them, also of such as have lost their records."""
        images = self._records.read()
        stated = read_manifest(self._layout).held_out | {image.id for image in images if image.held_out}
        return together_with(stated, groups_of(images))

    def add(self, ids: Collection[str]) -> frozenset[str]:
        """Hold out images, too; returns the ids of those that were not held out before."""
        before = self.ids()
        after = together_with(before.union(ids), groups_of(self._records.read()))
        self._note(after)
        return after - before

    def draw(self, share: float, seed: int) -> frozenset[str]:
        """Draw whole groups until about a share (0-1) of all images is held out; returns the ids of those drawn."""
        before = self.ids()
        drawn = share_of(groups_of(self._records.read()), before, share, seed)
        self._note(before | drawn)
        return drawn

    def follow(self, image: SetImage) -> None:
        """Hold out what an image that has come, or has learnt its slide, links to held-out ones."""
        stated = read_manifest(self._layout).held_out
        family = [image, *self._records.linked(image)]
        held = [one.held_out or one.id in stated for one in family]
        # the set is looked through only where something is held out: adding thousands takes no more than their number
        if any(held) and not (all(one.held_out for one in family) and stated.issuperset(one.id for one in family)):
            self._note(self.ids())

    def _note(self, ids: frozenset[str]) -> None:
        for image in self._records.read():
            if image.id in ids and not image.held_out:
                write_set_image(self._layout, replace(image, held_out=True))
        manifest = read_manifest(self._layout)
        if manifest.held_out != ids:
            write_manifest(self._layout, replace(manifest, held_out=ids))
