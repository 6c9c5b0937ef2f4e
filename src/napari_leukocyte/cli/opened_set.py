"""A training set as the commands on it open it, an image of it as they are told, and whose name its masks carry."""

from pathlib import Path
from typing import TYPE_CHECKING

from napari_leukocyte.cli.echo import echo
from napari_leukocyte.core.errors import LeukocyteError

if TYPE_CHECKING:  # heavy modules load when the command runs, so that --help is quick
    from napari_leukocyte.core.training_set.training_set import TrainingSet

__all__ = ["find_image", "open_set", "reader_of", "tell_reader"]


def open_set(folder: Path) -> "TrainingSet":
    """Open a set, and say on standard error what was passed over."""
    from napari_leukocyte.core.training_set.training_set import TrainingSet

    opened = TrainingSet.open(folder)
    for problem in opened.problems:
        echo(problem, err=True)
    return opened


def reader_of(given: str | None) -> str:
    """The name that masks carry."""
    from napari_leukocyte.core.training_set.reader import check_reader
    from napari_leukocyte.core.training_set.records import user_name

    return check_reader(given) if given is not None else user_name()


def tell_reader(name: str, given: str | None) -> None:
    """Say whose name they carry, and where it comes from."""
    account = "" if given is not None else ", the name of the account (--reader gives another)"
    echo(f"Their reader is {name or 'not known'}{account}.")


def find_image(opened: "TrainingSet", name: str) -> str:
    """Id of the image that is meant by an id, a file name or its stem."""
    images = opened.images()
    for matches in (
        [image.id for image in images if image.id == name],
        [image.id for image in images if image.name == name],
        [image.id for image in images if Path(image.name).stem == name],
    ):
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise LeukocyteError(f"Several images are called {name}: give one of the ids {', '.join(matches)}.")
    raise LeukocyteError(f"There is no image {name} in {opened.folder}: 'training-set list' has their names.")
