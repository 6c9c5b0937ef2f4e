"""Results of a list of images as files: class maps, cell labels, one table of cells, and the record of all of it."""

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Self

from napari_leukocyte.core.cells.measures import CellMeasure
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import make_folder
from napari_leukocyte.core.imaging.image_list import BrokenImage, ImageSource
from napari_leukocyte.core.outputs import spare_inputs
from napari_leukocyte.core.results.in_place import InTheWayError, Places, hash_of
from napari_leukocyte.core.results.listing import content_of, list_inputs
from napari_leukocyte.core.results.maps import PlaneResult, map_names, write_maps
from napari_leukocyte.core.results.mask_facts import MaskFacts
from napari_leukocyte.core.results.names import input_path
from napari_leukocyte.core.results.record import RECORD, ImageRecord, ListedImage, ResultsRecord, SizesRecord
from napari_leukocyte.core.results.record_file import RecordFile
from napari_leukocyte.core.results.record_json import image_line, list_line, sizes_line, table_line
from napari_leukocyte.core.results.segmentation import Segmentation
from napari_leukocyte.core.results.settings import ResultSettings
from napari_leukocyte.core.text import counted

__all__ = ["ResultWriter"]

_TABLE, _TABLE_JSON = "cells.csv", "cells.json"
_TABLE_S, _TABLE_SHARE = 5.0, 0.05  # a table is written again after so long at the earliest, and in so much of the time


class ResultWriter:
    """Writes each image's results as soon as its last plane is there, its line of the record, and the table.

    Used as a context (``with``): its end, also by an exception, leaves the table of all that is done, no file in the
    making, and the folder to others. While it runs the table is written again every few seconds, so that after a kill
    it may be that much behind; `ResultsRecord.table` and the next run have the rest from the record.

    Nothing is replaced that a hand has changed or somebody else made; our own results that nobody has touched are.

    Parameters
    ----------
    folder
        Made when it is not there.
    inputs
        As `core.results.names.input_path` gives them, in the order of the list.
    contents
        Those of them without a file, with a hash of what they show (or nothing).
    settings
        What was asked for; None when each result says for itself what made it.
    overwrite
        Replace whatever is in the way; a record that cannot be gone on with is set aside under another name.
    going_on
        Only some of the inputs will be written: what is in the way of one is found when it has its turn.
    trusted
        Hashes by file name of what may be replaced as well.
    advice
        The end of sentences that refuse to replace something.

    Attributes
    ----------
    listed
        What each input is called, by the same paths.
    notes
        Sentences on the record: damaged lines, and where it was set aside.
    images
        How many images were written.
    written
        Hashes of their files by name.

    Raises
    ------
    InTheWayError
        When something is in the way.
    UnreadableRecordError
        When the folder has a record that cannot be gone on with.
    LeukocyteError
        When the folder cannot be made, another program writes to it, or results would replace one of the inputs.
    """

    def __init__(
        self,
        folder: Path,
        inputs: Sequence[Path],
        *,
        contents: Mapping[Path, str] | None = None,
        settings: ResultSettings | None = None,
        overwrite: bool = False,
        going_on: bool = False,
        trusted: Mapping[str, str] | None = None,
        advice: str = "choose another folder",
    ) -> None:
        self.folder, self.settings = folder, settings
        self.images, self.written = 0, dict[str, str]()
        self._contents = contents or {}
        self._planes: dict[str, list[PlaneResult]] = {}  # of stacks that are not whole yet, by stem
        self._read: dict[str, str] = {}  # hashes of their files
        self._table_at, self._table_took = perf_counter(), 0.0
        make_folder(folder)
        self._file = RecordFile(folder, anew=overwrite)
        try:
            self._places = Places(folder, overwrite=overwrite, trusted=trusted, advice=advice)
            self._places.finish(self.record)  # what a kill interrupted
            self.listed = list_inputs(self.record, folder, inputs, self._contents)
            self._paths = {one.stem: path for path, one in self.listed.items()}
            self._unlisted = [one for one in self.listed.values() if self.record.listed.get(one.stem) != one]
            planned = [name for one in self.listed.values() for name in map_names(one.stem)]
            files = [path for path in self.listed if path not in self._contents]
            spare_inputs([folder / name for name in (*planned, _TABLE, _TABLE_JSON, RECORD)], files)
            self._places.check([*planned] * (not going_on) + [_TABLE, _TABLE_JSON], self.record)
        except BaseException:
            self._file.close()
            raise
        self.notes = [
            *self.record.problems,
            *([f"the record that was there is {self._file.set_aside} now"] if self._file.set_aside else []),
        ]

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave everything whole, however the block ended."""
        try:
            if error is not None:  # it may have come between a line and the files that it names
                self._file.reread()
                self._places.finish(self.record)
            self.write_table()
        finally:
            self._places.clear()
            self._file.close()

    @property
    def record(self) -> ResultsRecord:
        """All that is known of the folder."""
        return self._file.record

    @property
    def cells(self) -> int:
        """How many cells the written images have."""
        own = {name for name in self.written if name.endswith("_cells.tif")}
        return sum(len(plane.cells) for one in self.record.each_done() if own & set(one.files) for plane in one.planes)

    def check(self, *names: str) -> None:
        """Refuse when a file, or folder of Zarr, of these names may not be replaced.

        Raises
        ------
        InTheWayError
            It names the first.
        """
        self._places.check(names, self.record)

    def made_otherwise(self) -> list[str]:
        """Sentences when the table holds images that were done with other settings, or by another engine."""
        if self.settings is None:
            return []
        slides = [one.image.label for one in self.record.each_done() if one.is_slide]
        if slides:
            return [f"cells.csv also holds the cells of {slides[0]}, a whole slide, with coordinates of the slide"]
        said = []
        found = [one.settings for one in self.record.each_done() if one.settings]
        others = [differences for one in found if (differences := self.settings.differences(one))]
        if others:
            images = counted(len(others), "image")
            said.append(f"cells.csv also holds {images} done in another way: now {'; '.join(others[0])}")
        engines = [one.engine for one in found if not self.settings.differences(one) and one.engine]
        engines = [engine for engine in engines if engine != self.settings.engine]
        if engines:
            images, names = counted(len(engines), "image"), " and ".join(sorted(set(engines)))
            said.append(
                f"cells.csv also holds {images} that {names} computed, as precisely: now {self.settings.engine}"
            )
        return said

    def add(
        self,
        source: ImageSource,
        result: Segmentation | None,
        *,
        measures: Sequence[CellMeasure] | None = None,
        facts: MaskFacts | None = None,
        reason: str = "",
        content: str = "",
    ) -> None:
        """Take the result of the next plane.

        Parameters
        ----------
        source
            The planes of a stack come one after the other, none left out; other images may come between.
        result
            None where there is none (it failed), which leaves an empty plane in a stack. Of a map that was edited
            since, ``dataclasses.replace(result, classes=..., cells=...)``.
        measures
            Of the cells as they are now, with what a user marked; None measures them here.
        facts
            What hands changed of it.
        reason
            Why it failed.
        content
            Hash of the file, as `listing.content_of` gives it, with its first plane and from before that was read: if
            it changes meanwhile, the next run does it again. Empty: it is hashed here.

        Raises
        ------
        LeukocyteError
            When a file cannot be written, or another one is in the way.
        """
        if result is not None and measures is None:
            measures = result.measure()
        listed = self._listed(source)
        self._planes.setdefault(listed.stem, []).append(PlaneResult(result, measures or (), facts, reason))
        content = self._read.setdefault(listed.stem, content)
        if source.plane + 1 < source.planes:
            return
        del self._read[listed.stem]
        planes = self._planes.pop(listed.stem)
        if any(plane.result for plane in planes):
            self._write(listed, planes, content)
        elif any(plane.reason for plane in planes):
            self.fail(source, next(plane.reason for plane in planes if plane.reason))

    def fail(self, source: ImageSource | BrokenImage, reason: str) -> None:
        """Record that an image has no result, and why; a full disk keeps that from nobody who hears it elsewhere."""
        with contextlib.suppress(LeukocyteError):
            self._append(self._image(self._listed(source), reason=reason))

    def keep(self, image: ImageRecord) -> None:
        """Record an image whose files are in place already, for instance a map that was corrected there.

        Raises
        ------
        LeukocyteError
            When the record cannot be written.
        """
        self._append(image)

    def decide(self, decisions: Iterable[tuple[SizesRecord, Sequence[str]]]) -> None:
        """Record pixel sizes that were decided for images together, each with their stems, before the first result.

        Raises
        ------
        LeukocyteError
            When the record cannot be written.
        """
        decisions = list(decisions)
        if decisions:
            self._append_listed()
            self._file.append(sizes_line(decisions))
            for sizes, stems in decisions:
                self.record.add_sizes(sizes, stems)

    def label(self, source: ImageSource | BrokenImage) -> str:
        """What tables and messages call an image or the plane of a stack."""
        label = self._listed(source).label
        return f"{label} [{source.plane}]" if isinstance(source, ImageSource) and source.planes > 1 else label

    def write_table(self) -> None:
        """Write ``cells.csv``, of all images of the record; without any result an older table stays as it is.

        Raises
        ------
        LeukocyteError
            When it cannot be written, or was changed by somebody meanwhile.
        """
        started = perf_counter()
        table = self.record.table(with_rows=False)
        if not table.images:
            return
        with self._staged() as stage:
            table.write(stage / _TABLE, self.record.rows(), self.record.columns())
            files = self._places.staged()
            if any(hash_of(self.folder / name) != code for name, code in files.items()):
                self._places.check(files, self.record, new=files)
                self._file.append(table_line(files))
                self.record.add_written(files)
                self._places.put()
        self._table_at = perf_counter()
        self._table_took = self._table_at - started

    def _write(self, listed: ListedImage, planes: Sequence[PlaneResult], content: str) -> None:
        try:
            with self._staged() as stage:
                write_maps(stage, listed, planes)
                files = self._places.staged()
                self._places.check(files, self.record, new=files)
                self._append(self._image(listed, planes, files, content=content))
                self._places.put()
        except InTheWayError:
            raise
        except LeukocyteError as error:
            with contextlib.suppress(LeukocyteError):
                self._append(self._image(listed, reason=str(error)))
            raise
        self.images += 1
        self.written |= files
        if perf_counter() - self._table_at > max(_TABLE_S, self._table_took / _TABLE_SHARE):
            with contextlib.suppress(LeukocyteError):  # what is wrong with it is said in the end
                self.write_table()

    @contextlib.contextmanager
    def _staged(self) -> Iterator[Path]:
        stage = self._places.stage()
        try:
            yield stage
        except LeukocyteError as error:
            if str(stage) in str(error):  # the place that the user knows
                raise LeukocyteError(str(error).replace(f"{stage}{os.sep}", f"{self.folder}{os.sep}")) from error
            raise

    def _append(self, image: ImageRecord) -> None:
        self._append_listed()
        self._file.append(image_line(image))
        self.record.add_image(image)

    def _append_listed(self) -> None:
        if self._unlisted:
            self._file.append(list_line(self._unlisted))
            self.record.add_listed(self._unlisted)
            self._unlisted = []

    def _image(
        self,
        listed: ListedImage,
        planes: Sequence[PlaneResult] = (),
        files: Mapping[str, str] | None = None,
        reason: str = "",
        content: str = "",
    ) -> ImageRecord:
        path = self._paths[listed.stem]
        return ImageRecord(
            image=listed,
            input_sha256=self._contents[path] if path in self._contents else content or content_of(path),
            settings=self.settings,
            planes=tuple(plane.record() for plane in planes),
            files=files or {},
            corrected=any(plane.by_hand for plane in planes),
            reason=reason,
            moment=datetime.now(UTC).isoformat(timespec="seconds"),
        )

    def _listed(self, source: ImageSource | BrokenImage) -> ListedImage:
        return self.listed[input_path(source.path, source.name)]
