"""Blind readings: the images of a set in a random order, some of them twice, without anything that tells which."""

import random
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import make_folder, names_in
from napari_leukocyte.core.training_set.json_files import read_json, write_json
from napari_leukocyte.core.training_set.layout import Layout
from napari_leukocyte.core.training_set.locks import held_lock
from napari_leukocyte.core.training_set.reader import Reader, check_reader
from napari_leukocyte.core.training_set.training_set import TrainingSet

__all__ = [
    "SHARE",
    "Reading",
    "ReadingItem",
    "begin_reading",
    "end_reading",
    "left_to_read",
    "order_of",
    "readings",
]

SHARE = 0.1
"""How many of the images are read twice unless something else is asked for."""

_APART = 5  # images that lie between the two readings of one, where there are so many
_SEEDS = 2**32


@dataclass(frozen=True)
class ReadingItem:
    """One image of a reading, by its id in the set, and whether it comes for the second time."""

    image: str
    repeat: bool = False


@dataclass(frozen=True)
class Reading:
    """A blind reading.

    Attributes
    ----------
    name
        What it is called in the set: the reader's folder and a number. Masks made in it carry it.
    reader
        Who reads.
    seed, share
        What the order was drawn from, and how many of the images come twice (0-1).
    begun, ended
        Moments with their time zone; ``ended`` is None while it goes on.
    items
        The images in the order in which they are read.
    """

    name: str
    reader: str
    seed: int
    share: float
    begun: datetime
    items: tuple[ReadingItem, ...]
    ended: datetime | None = None

    @property
    def images(self) -> list[str]:
        """Ids of the images, each once."""
        return [item.image for item in self.items if not item.repeat]

    def who(self, *, repeat: bool) -> Reader:
        """The reader as the set knows the person in this reading."""
        return Reader(self.reader, self.name, repeat)


def order_of(images: Sequence[str], *, share: float = SHARE, seed: int) -> tuple[ReadingItem, ...]:
    """Draw the order of a reading: every image once, and a share of them again later on.

    The same images, share and seed give the same order, however the images are sorted. At least one image comes twice
    unless the share is 0, and at least five others lie between, where there are so many.

    Examples
    --------
    >>> items = order_of(["a", "b", "c"], share=0.3, seed=1)
    >>> len(items), sum(item.repeat for item in items)
    (4, 1)
    """
    if not 0 <= share <= 1:
        raise LeukocyteError(f"A share of {share:g} cannot be read twice: give 0 to 1, for instance 0.1.")
    draw = random.Random(seed)
    order = sorted(set(images))
    draw.shuffle(order)
    times = 0 if not order or share == 0 else min(len(order), max(1, round(share * len(order))))
    items = [ReadingItem(one) for one in order]
    apart = min(_APART, len(order) - 1)
    # one of the last few has no room behind it while others have
    for one in draw.sample(order[: max(times, len(order) - apart)], times):
        at = next(place for place, item in enumerate(items) if item.image == one)
        items.insert(draw.randint(min(at + 1 + apart, len(items)), len(items)), ReadingItem(one, repeat=True))
    return tuple(items)


def begin_reading(
    training_set: TrainingSet, reader: str, images: Sequence[str], *, share: float = SHARE, seed: int | None = None
) -> Reading:
    """Begin a reading of images of a set; without a seed one is drawn. Its order is on the disk when this returns.

    Raises
    ------
    LeukocyteError
        When the reader has no name, there is no image, the share is none, or the system refuses.
    """
    name = check_reader(reader)
    for image in images:
        training_set.image(image)
    if not images:
        raise LeukocyteError("There is no image to read: open a folder, or a training set with images, first.")
    drawn = secrets.randbelow(_SEEDS) if seed is None else seed
    layout, folder = Layout(training_set.folder), Reader(name).folder
    items = order_of(images, share=share, seed=drawn)
    with held_lock(layout.lock):
        make_folder(layout.readings)
        numbers = [int(own.rpartition("-")[2]) for own in _names(layout) if own.rpartition("-")[0] == folder]
        begun = Reading(
            f"{folder}-{max(numbers, default=0) + 1:03d}", name, drawn, share, datetime.now(UTC).astimezone(), items
        )
        _write(layout, begun)
    return begun


def readings(training_set: TrainingSet, reader: str = "") -> list[Reading]:
    """List the readings of a reader, or of all, the oldest first; one whose file is damaged is not among them."""
    found, layout = [], Layout(training_set.folder)
    for name in _names(layout):
        try:
            one = _read(layout, name)
        except LeukocyteError:
            continue
        if not reader or Reader(one.reader).folder == Reader(reader).folder:
            found.append(one)
    return found


def end_reading(training_set: TrainingSet, reading: Reading) -> Reading:
    """Note that a reading is over: its names may be shown from now on.

    Raises
    ------
    LeukocyteError
        When the system refuses.
    """
    layout = Layout(training_set.folder)
    with held_lock(layout.lock):
        ended = replace(_read(layout, reading.name), ended=datetime.now(UTC).astimezone())
        _write(layout, ended)
    return ended


def left_to_read(training_set: TrainingSet, reading: Reading) -> list[ReadingItem]:
    """The items that have no mask yet, in their order; an image that was taken out of the set is not asked for."""
    sets = {again: training_set.as_reader(reading.who(repeat=again)) for again in (False, True)}
    there = set(training_set.image_ids())
    return [item for item in reading.items if item.image in there and sets[item.repeat].current(item.image) is None]


def _names(layout: Layout) -> list[str]:
    return [name.removesuffix(".json") for name in names_in(layout.readings) if _is_name(name)]


def _is_name(file: str) -> bool:
    stem, _, number = file.removesuffix(".json").rpartition("-")
    return file.endswith(".json") and not file.startswith(".") and bool(stem) and number.isdecimal()


def _path(layout: Layout, name: str) -> Path:
    return layout.readings / f"{name}.json"


def _write(layout: Layout, reading: Reading) -> None:
    write_json(
        _path(layout, reading.name),
        {
            "reader": reading.reader,
            "seed": reading.seed,
            "share": reading.share,
            "begun": reading.begun.isoformat(),
            **({} if reading.ended is None else {"ended": reading.ended.isoformat()}),
            "images": [item.image for item in reading.items],
            "second_time": [place for place, item in enumerate(reading.items, start=1) if item.repeat],
        },
    )


def _read(layout: Layout, name: str) -> Reading:
    fields = read_json(_path(layout, name))
    again = set(fields.wholes("second_time", most=10**9))
    return Reading(
        name=name,
        reader=check_reader(fields.text("reader")),
        seed=fields.whole("seed", low=0),
        share=fields.number("share", low=0, high=1),
        begun=fields.moment("begun"),
        ended=fields.moment("ended") if "ended" in fields else None,
        items=tuple(ReadingItem(image, place in again) for place, image in enumerate(fields.texts("images"), start=1)),
    )
