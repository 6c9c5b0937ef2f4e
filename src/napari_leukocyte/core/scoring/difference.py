"""The difference image: what kind of error, if any, each pixel of a prediction is (thesis section 4.2.3)."""

from enum import IntEnum

import numpy as np
import numpy.typing as npt

from napari_leukocyte.core.cells.checks import check_class_map, check_same_shape

__all__ = ["Difference", "difference_classes"]


class Difference(IntEnum):
    """The codes of a difference image.

    Examples
    --------
    >>> [f"{code}: {code.words}" for code in Difference][1:3]
    ['1: false positive', '2: false negative']
    """

    CORRECT = 0
    FALSE_POSITIVE = 1
    FALSE_NEGATIVE = 2
    WRONG_CLASS = 3
    IN_BAND = 4

    @property
    def words(self) -> str:
        """What keys and legends say."""
        return _WORDS[self]


_WORDS = {
    Difference.CORRECT: "correct",
    Difference.FALSE_POSITIVE: "false positive",
    Difference.FALSE_NEGATIVE: "false negative",
    Difference.WRONG_CLASS: "wrong class",
    Difference.IN_BAND: "error inside the border band",
}


def difference_classes(
    prediction: npt.ArrayLike,
    truth: npt.ArrayLike,
    band: npt.ArrayLike | None = None,
    *,
    whole_cell: bool = False,
) -> npt.NDArray[np.uint8]:
    """Tell for each pixel whether it is correct, and if not, how it is wrong.

    Parameters
    ----------
    prediction, truth : (Y, X) arrays of integers
        Class maps.
    band : (Y, X) bool array, optional
        From `border_band`; an error inside it has a code of its own, whatever its kind. None: no band, as
        the thesis's two colour schemes need it.
    whole_cell : bool
        Compare cell and background only, as `count_image` does: cytoplasm taken for nucleus is correct then.

    Returns
    -------
    (Y, X) uint8 array
        The values of `Difference`. False positive: cell where the truth has background; false negative:
        background where it has cell; wrong class: cytoplasm and nucleus taken for each other.

    Raises
    ------
    LeukocyteError
        If a map is none, or the shapes differ.

    Examples
    --------
    >>> difference_classes([[0, 1, 0, 2, 1]], [[0, 0, 1, 1, 1]])
    array([[0, 1, 2, 3, 0]], dtype=uint8)
    >>> difference_classes([[0, 1, 0, 2, 1]], [[0, 0, 1, 1, 1]], [[0, 1, 1, 0, 0]])
    array([[0, 4, 4, 3, 0]], dtype=uint8)
    """
    predicted = check_class_map(prediction, name="prediction")
    true = check_class_map(truth, name="ground truth")
    check_same_shape(predicted.shape, true.shape, names=("The prediction", "the ground truth"))
    codes = np.zeros(true.shape, np.uint8)
    codes[(predicted > 0) & (true == 0)] = Difference.FALSE_POSITIVE
    codes[(predicted == 0) & (true > 0)] = Difference.FALSE_NEGATIVE
    if not whole_cell:
        codes[(predicted > 0) & (true > 0) & (predicted != true)] = Difference.WRONG_CLASS
    if band is not None:
        inside = np.asarray(band, bool)
        check_same_shape(inside.shape, true.shape, names=("The border band", "the ground truth"))
        codes[inside & (codes > 0)] = Difference.IN_BAND
    return codes
