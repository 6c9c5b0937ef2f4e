"""The folder of a slide's results: what lies in it, what an interrupted run left, and what may be replaced."""

import contextlib
import hashlib
import json
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from napari_leukocyte import __version__
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import atomic_path, folder_hash, make_folder, names_in, refusal
from napari_leukocyte.core.results.in_place import hash_of
from napari_leukocyte.core.results.record import SLIDE_MAPS, ImageRecord, PlaneRecord, ResultsRecord
from napari_leukocyte.core.results.settings import ResultSettings
from napari_leukocyte.core.results.writer import ResultWriter
from napari_leukocyte.core.slides.journal import finish
from napari_leukocyte.core.slides.opening import is_address

__all__ = ["MAP", "RESULTS", "SLIDE_JSON", "SlideFolder", "read_slide_json", "slide_fingerprint", "slide_in"]

SLIDE_JSON, MAP, RESULTS = "slide.json", "overview.png", SLIDE_MAPS
_WORK, _TILES = ".work", "tiles.jsonl"
_HEAD = 2**20  # bytes
_NO_MATTER = ("model", "engine", "windows")  # results do not depend on them: of a model its weights count
_WORDS = {
    **dict.fromkeys(("slide", "bytes", "begin", "size"), "the slide"),
    **{key: f"--{key.replace('_', '-')}" for key in ("mode", "keep", "whole_film", "crops", "pixel_size")},
    "default_pixel_size": "--default-pixel-size",
    "model_sha256": "the model",
    "precision": "the precision",
}


class SlideFolder:
    """Holds the folder while a run writes to it, by the one writer of its record; used as a context.

    Parameters
    ----------
    path
        Made when it is not there.
    slide
        The slide's file, folder or address.
    about
        What results depend on: slide, model, choices. A run that asks for the same can go on with an earlier one.
    settings
        The choices, as the record keeps them.
    resume
        Go on with what an earlier run left.
    overwrite
        Replace whatever is in the way.

    Attributes
    ----------
    done
        The slide's line in the record, when an earlier run was gone on with that left nothing to do.

    Raises
    ------
    LeukocyteError
        When another program writes there, somebody else's files are in the way, or a hand changed ours.
    """

    def __init__(
        self,
        path: Path,
        slide: str,
        about: Mapping[str, Any],
        settings: ResultSettings,
        *,
        resume: bool,
        overwrite: bool,
    ) -> None:
        self.path, self.work = path, path / _WORK
        self._about = json.loads(json.dumps(dict(about)))
        self._input = Path(slide)
        known = is_address(slide) or self._input.exists()
        make_folder(path)
        self._earlier(overwrite=overwrite)
        self._writer = ResultWriter(
            path,
            [self._input],
            contents={} if known else {self._input: ""},  # a layer of another reader
            settings=settings,
            overwrite=overwrite,
            going_on=True,
            advice="move it away, choose another folder, or give --overwrite",
        )
        try:
            finish(path, self._writer)  # corrections that a kill interrupted
            earlier = self._earlier(overwrite=overwrite)
            differences = [] if earlier is None else self._differences(earlier)
            if resume and differences:
                raise LeukocyteError(
                    f"The results in {path} were made in another way ({', '.join(differences)} differ"
                    f"{'s' if len(differences) == 1 else ''}): ask for the same, or choose another folder."
                )
            written = slide_in(self._writer.record)
            whole = written is not None and hash_of(path / RESULTS) == written.files[RESULTS]
            self.done = written if resume and earlier is not None and whole else None
            if self.done is None:
                self._spare(earlier, written, overwrite=overwrite)
                self._begin(resume=resume)
        except BaseException:
            self._close()
            raise

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let others write; what an interrupted run left stays."""
        self._writer.__exit__(kind, error, trace)

    def _close(self) -> None:
        with contextlib.suppress(LeukocyteError):  # something else is being said
            self._writer.__exit__(None, None, None)

    # ---- tiles --------------------------------------------------------------------------------------------

    def tiles_done(self) -> set[tuple[int, int]]:
        """Keys of the tiles that are on the disk."""
        done = set()
        for line in self._lines()[1:]:
            if isinstance(line, list) and len(line) == 2:
                done.add((int(line[0]), int(line[1])))
        return done

    def forget_tiles(self) -> None:
        """None is on the disk after all."""
        (self.work / _TILES).write_text(json.dumps(self._about) + "\n", encoding="ascii")

    def note_tile(self, key: tuple[int, int]) -> None:
        """A tile is on the disk."""
        with (self.work / _TILES).open("a", encoding="ascii") as file:
            file.write(json.dumps(list(key)) + "\n")

    # ---- the end ------------------------------------------------------------------------------------------

    def put(self, plane: PlaneRecord) -> None:
        """Record what was found, put the label maps in their place, and write the table."""
        made = self.work / RESULTS
        (listed,) = self._writer.listed.values()
        self._writer.keep(
            ImageRecord(
                image=listed,
                settings=self._writer.settings,
                planes=(plane,),
                files={RESULTS: folder_hash(made)},
                moment=datetime.now(UTC).isoformat(timespec="seconds"),
            )
        )
        target, old = self.path / RESULTS, self.path / f".old-{RESULTS}"
        try:
            shutil.rmtree(old, ignore_errors=True)
            if target.exists():
                target.rename(old)
            made.rename(target)
        except OSError as error:
            raise LeukocyteError(f"{target} could not be written: {refusal(error)}.") from error
        shutil.rmtree(old, ignore_errors=True)
        self._writer.write_table()

    def finish(self, content: Mapping[str, Any]) -> None:
        """Write what was done, last of all, and clear the work away."""
        said = {
            "format": "napari-leukocyte slide",
            "version": 1,
            "program": __version__,
            **content,
            "about": self._about,
        }
        with atomic_path(self.path / SLIDE_JSON) as temporary:
            temporary.write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        shutil.rmtree(self.work, ignore_errors=True)

    # ---- what is there ------------------------------------------------------------------------------------

    def _earlier(self, *, overwrite: bool) -> dict[str, Any] | None:
        try:
            return read_slide_json(self.path)
        except LeukocyteError:
            if overwrite:
                return None
            raise

    def _differences(self, earlier: Mapping[str, Any]) -> list[str]:
        """What an earlier run was asked for otherwise, in words."""
        before = earlier.get("about")
        before = before if isinstance(before, dict) else {}
        keys = [key for key in self._about if key not in _NO_MATTER and before.get(key) != self._about[key]]
        return list(dict.fromkeys(_WORDS.get(key, key) for key in keys))

    def _spare(self, earlier: Mapping[str, Any] | None, written: ImageRecord | None, *, overwrite: bool) -> None:
        names = [name for name in names_in(self.path) if not name.startswith(".")]
        ours = self.work.is_dir() or earlier is not None or written is not None
        if names and not ours and not overwrite:
            raise LeukocyteError(
                f"{self.path} holds files that are no results of a slide ({', '.join(names[:3])}): choose another "
                "folder, or give --overwrite."
            )
        self._writer.check(RESULTS)

    def _lines(self) -> list[Any]:
        """What the list of tiles says; what a kill tore off is left out."""
        try:
            text = (self.work / _TILES).read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError):
            return []
        lines = []
        for line in text.splitlines():
            try:
                lines.append(json.loads(line))
            except ValueError:
                break
        return lines

    def _begin(self, *, resume: bool) -> None:
        lines = self._lines()
        try:
            if resume and lines[:1] == [self._about]:  # a line that was torn goes
                (self.work / _TILES).write_text("".join(f"{json.dumps(one)}\n" for one in lines), encoding="ascii")
                return
            shutil.rmtree(self.work, ignore_errors=True)
            self.work.mkdir()
            (self.work / _TILES).write_text(json.dumps(self._about) + "\n", encoding="ascii")
        except OSError as error:
            raise LeukocyteError(f"{self.path} cannot be written to: {refusal(error)}.") from error


def read_slide_json(folder: Path) -> dict[str, Any] | None:
    """What an earlier run says of a slide's results; None where there is none.

    Raises
    ------
    LeukocyteError
        When the file is damaged, none of ours, or of a newer version.
    """
    path = folder / SLIDE_JSON
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise LeukocyteError(f"{path} cannot be read: move it away, or give --overwrite.") from error
    try:
        content = json.loads(text)
    except ValueError:
        content = None
    if not isinstance(content, dict) or content.get("format") != "napari-leukocyte slide":
        raise LeukocyteError(f"{path} is damaged, or none of this program's: move it away, or give --overwrite.")
    if content.get("version") != 1:
        raise LeukocyteError(f"{path} was written by a newer version of the program: update it.")
    return content


def slide_fingerprint(path: str) -> dict[str, Any]:
    """What tells whether a slide is the one that it was: its size, time and beginning, not all of its gigabytes."""
    if is_address(path):
        return {"slide": path}
    file = Path(path)
    head = next((file / name for name in ("zarr.json", ".zattrs", ".zgroup") if (file / name).is_file()), file)
    try:
        found = head.stat()
        with head.open("rb") as stream:
            begin = hashlib.sha256(stream.read(_HEAD)).hexdigest()
    except OSError:
        return {"slide": file.name}
    return {"slide": file.name, "bytes": found.st_size, "begin": begin}


def slide_in(record: ResultsRecord) -> ImageRecord | None:
    """The line of the whole slide that a results folder is of; None where it is of images."""
    return next((image for image in record.done.values() if image.is_slide), None)
