"""Where a fine-tuning keeps what lets the same call go on: a folder beside the weight file."""

import json
import shutil
from pathlib import Path

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import atomic_path, make_folder

__all__ = ["ProgressFile", "is_resumable"]


def _folder(out: Path) -> Path:
    return out.with_name(out.name + ".fine-tuning")


def is_resumable(out: Path) -> bool:
    """Whether a run that writes ``out`` was cut off and can go on."""
    return (_folder(Path(out)) / "run.json").is_file()


class ProgressFile:
    """The finished stages of one run, and the weights of its folds.

    Parameters
    ----------
    out
        The run's weight file.
    fingerprint
        What makes a run the same run.

    Raises
    ------
    LeukocyteError
        When another run's files lie there, or ``out`` exists and is no run's that could go on.
    """

    def __init__(self, out: Path, fingerprint: str) -> None:
        self.folder = _folder(out)
        self._path = self.folder / "run.json"
        self._fingerprint = fingerprint
        self._finished: list[str] = []
        if is_resumable(out):
            self._read()
        elif out.exists():
            raise LeukocyteError(f"{out} exists already: choose another name, or delete it to train anew.")
        else:
            make_folder(out.parent)
            make_folder(self.folder)
            self._write()

    def finished(self, stage: str) -> bool:
        """Whether a stage is done."""
        return stage in self._finished

    def finish(self, stage: str) -> None:
        """Record that a stage is done."""
        self._finished.append(stage)
        self._write()

    def weights(self, fold: int) -> Path:
        """Weight file of a fold, counted from 1."""
        return self.folder / f"fold-{fold}.safetensors"

    def remove(self) -> None:
        """The run is complete."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _read(self) -> None:
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
            same, finished = content["fingerprint"] == self._fingerprint, list(content["finished"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise LeukocyteError(
                f"{self._path} is damaged: delete {self.folder} to start this training anew."
            ) from error
        if not same:
            raise LeukocyteError(
                f"{self.folder} belongs to another training run (other masks or parameters): delete it and its "
                "weight file, or choose another output."
            )
        self._finished = finished

    def _write(self) -> None:
        content = {"fingerprint": self._fingerprint, "finished": self._finished}
        with atomic_path(self._path) as temporary:
            temporary.write_text(json.dumps(content), encoding="utf-8")
