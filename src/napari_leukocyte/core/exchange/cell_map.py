"""The form that every format is written from and read to: an image's cells, with nucleus and cytoplasm together."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_leukocyte.core.cells.cell_types import check_type
from napari_leukocyte.core.cells.checks import check_cell_labels, check_class_map
from napari_leukocyte.core.cells.flags import NOT_A_WBC, Flag
from napari_leukocyte.core.cells.left_out import BESIDE
from napari_leukocyte.core.cells.measures import CellMeasure
from napari_leukocyte.core.cells.origin import MAKERS, maker_of_file
from napari_leukocyte.core.cells.shape import Shape, cell_shapes
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.results.mask_facts import MaskFacts
from napari_leukocyte.core.results.remarks import BESIDE_KEY, REMARKS, read_beside, remarks_text
from napari_leukocyte.core.results.segmentation import Segmentation
from napari_leukocyte.core.safe_text import printable

__all__ = ["CellMap", "cell_map_of", "read_flags", "read_type"]

_LONGEST_TYPE = 60  # characters
_FACTS_OF_ITS_OWN = ("image", "plane", "planes", "image_height", "image_width", "mode")


@dataclass(frozen=True, eq=False)
class CellMap:
    """The cells of one image, or of one plane of a stack.

    Attributes
    ----------
    image
        What tables call the image.
    classes
        Class map (Y, X) uint8: 0 background, 1 cytoplasm or (binary) cell, 2 nucleus.
    cells
        Cell labels (Y, X) int32 over the same pixels: 0 background, else the cell's number.
    pixel_size
        um per px, and how we know.
    binary
        Whether only whole cells are known.
    remarks
        What is known of cells beside their pixels, by number: marks as not a white cell, doubts, edits.
    types
        Free text by number, such as ``neutrophil``.
    provenance
        What made it, as text by key.
    plane, planes
        Place in a stack, from 0; 0 of 1 for a single image.
    beside
        Flags that cells have for neighbours which are not in the maps, see ``core.cells.left_out``.
    shapes
        The optional columns of tables, by cell, where they are known; None: they are not.
    """

    image: str
    classes: NDArray[np.uint8]
    cells: NDArray[np.int32]
    pixel_size: PixelSize = field(default_factory=lambda: PixelSize(None))
    binary: bool = False
    remarks: Mapping[int, frozenset[Flag]] = field(default_factory=dict)
    types: Mapping[int, str] = field(default_factory=dict)
    provenance: Mapping[str, str] = field(default_factory=dict)
    plane: int = 0
    planes: int = 1
    beside: Mapping[int, frozenset[Flag]] = field(default_factory=dict)
    shapes: Mapping[int, Shape] | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns, px."""
        return self.classes.shape[0], self.classes.shape[1]

    @property
    def label(self) -> str:
        """The image and, in a stack, the plane, as tables count it."""
        return self.image if self.planes == 1 else f"{self.image} [{self.plane}]"

    @cached_property
    def measures(self) -> list[CellMeasure]:
        """The cells in rising order, measured from the maps."""
        return self.segmentation().measure()

    @property
    def facts(self) -> dict[str, str]:
        """What every file says of the image as a whole, in plain text by key; `from_facts` reads it back."""
        height, width = self.shape
        own = (self.image, self.plane, self.planes, height, width, "binary" if self.binary else "three-class")
        facts = {
            **self.provenance,
            **self.pixel_size.facts,
            **dict(zip(_FACTS_OF_ITS_OWN, map(str, own), strict=True)),
            **remarks_text({}, beside=self.beside),
        }
        return {key: printable(text) for key, text in facts.items() if text}

    @classmethod
    def from_facts(
        cls,
        facts: Mapping[str, Any],
        *,
        classes: NDArray[np.uint8],
        cells: NDArray[np.int32],
        remarks: Mapping[int, frozenset[Flag]],
        types: Mapping[int, str],
        image: str,
    ) -> "CellMap":
        """Put one together from maps and `facts`; ``image`` counts where they name none."""
        text = {str(key): value for key, value in facts.items() if isinstance(value, str) and value}
        plane, planes = (_count(text.get(key, "")) for key in ("plane", "planes"))
        if not (plane is not None and planes is not None and plane < planes):
            plane, planes = 0, 1
        size = PixelSize.from_facts(text)
        numbers = frozenset(np.unique(cells[cells > 0]).tolist())
        beside = {number: flags for number, flags in read_beside(text).items() if number in numbers}
        provenance = {
            key: value
            for key, value in text.items()
            if key not in (*_FACTS_OF_ITS_OWN, BESIDE_KEY) and not key.startswith("pixel_size_")
        }
        return cls(
            image=printable(text.get("image", image)),
            classes=classes,
            cells=cells,
            pixel_size=size,
            binary=text["mode"] == "binary" if "mode" in text else not (classes == 2).any() and bool(classes.any()),
            remarks={number: flags for number, flags in remarks.items() if flags},
            types={number: name for number, name in types.items() if name},
            provenance=provenance,
            plane=plane,
            planes=planes,
            beside=beside,
        )

    def with_shapes(self) -> "CellMap":
        """Return the same with the optional columns that maps alone can tell."""
        flags = {measure.cell: measure.flags for measure in self.measures}
        size = self.pixel_size.for_areas
        shapes = cell_shapes(self.classes, self.cells, pixel_size=size, binary=self.binary, flags=flags)
        return replace(self, shapes=shapes)

    def segmentation(self) -> Segmentation:
        """Return the same as a result of this program, which the rest of it works with."""

        def having(flag: Flag) -> frozenset[int]:
            return frozenset(number for number, flags in self.remarks.items() if flag in flags)

        marks = {number: mark for number, flags in self.remarks.items() for mark in sorted(NOT_A_WBC) if mark in flags}
        mode = {"mode": "binary" if self.binary else "three-class"}
        return Segmentation(
            classes=self.classes,
            cells=self.cells,
            binary=self.binary,
            pixel_size=self.pixel_size,
            keep="all",
            notes=(),
            provenance={**self.provenance, **mode, **self.pixel_size.facts},
            unsure_cells=having(Flag.LOW_CONFIDENCE),
            blurred_cells=having(Flag.OUT_OF_FOCUS),
            edited_cells=having(Flag.EDITED),
            marks=marks,
            types=self.types,
            origin=self.mask_facts,
            makers=self._makers,
            beside=self.beside,
            shapes=self.shapes,
        )

    @property
    def mask_facts(self) -> MaskFacts:
        """What a hand did: all of a mask that no model of ours made."""
        return MaskFacts(
            model=self.provenance.get("model", ""),
            model_sha256=self.provenance.get("model_sha256", ""),
            labels_edited=any(Flag.EDITED in flags or flags & NOT_A_WBC for flags in self.remarks.values()),
            pixel_size=self.pixel_size,
            whole_cell=self.binary,
            remarks=self.remarks,
            types=self.types,
        )

    @property
    def _makers(self) -> NDArray[np.uint8] | None:
        """What made the pixels: of an edited mask, what hands did to it cannot be told from what they left."""
        facts = self.mask_facts
        if not facts.edited:
            return None
        made_with = self.provenance.get("made_with", "")
        maker = maker_of_file(model=facts.model, edited=facts.edited, made_with=made_with)
        return np.where(self.classes > 0, MAKERS.index(maker), 0).astype(np.uint8)


def cell_map_of(
    result: Segmentation,
    *,
    image: str,
    plane: int = 0,
    planes: int = 1,
    remarks: Mapping[int, Collection[Flag]] | None = None,
) -> CellMap:
    """Take over a result of this program; pixels of cells that were not kept are left out.

    Parameters
    ----------
    result
        Of one plane.
    remarks
        What is known of the cells now, by number; None takes what the result says.

    Raises
    ------
    LeukocyteError
        When a map holds values that are none, or their shapes differ.
    """
    classes = check_class_map(result.classes, name=f"class map of {image}")
    cells = check_cell_labels(result.cells, shape=classes.shape)
    known = result.remarks if remarks is None else remarks
    return CellMap(
        image=image,
        classes=np.where(cells > 0, classes, 0).astype(np.uint8),
        cells=np.where(classes > 0, cells, 0).astype(np.int32),
        pixel_size=result.pixel_size,
        binary=result.binary,
        remarks={number: kept for number, flags in known.items() if (kept := REMARKS.intersection(flags))},
        types=dict(result.types),
        provenance={key: value for key, value in result.provenance.items() if not key.startswith("pixel_size_")},
        plane=plane,
        planes=planes,
        beside={number: kept for number, flags in result.beside.items() if (kept := BESIDE.intersection(flags))},
        shapes=result.shapes,
    )


def read_flags(values: Iterable[Any]) -> frozenset[Flag]:
    """Read the remarks among the flags that a file gives a cell; those that follow from the maps come anew.

    >>> sorted(read_flags(["edited", "touching", "not_a_wbc_smudge", "no flag of ours"]))
    [<Flag.EDITED: 'edited'>, <Flag.NOT_A_WBC_SMUDGE: 'not_a_wbc_smudge'>]
    """
    return REMARKS.intersection(Flag(value) for value in values if value in list(Flag))


def read_type(value: Any) -> str:
    """Read a type from a file: what separates types in files becomes a blank, and too long a one is cut.

    >>> read_type(" Large granular  Lymphocyte"), read_type("Neutrophil, toxic"), read_type(None)
    ('large granular lymphocyte', 'Neutrophil toxic', '')
    """
    if not isinstance(value, str):
        return ""
    return check_type(" ".join(re.sub(r"[,;\s]+", " ", printable(value)).split())[:_LONGEST_TYPE].rstrip())


def _count(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) else None
