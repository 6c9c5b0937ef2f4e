"""Folders as analysers export them: one for a slide, in it one for each class of cells."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from napari_leukocyte.core.exchange.cell_map import CellMap, read_type

__all__ = ["Place", "place_of"]

# How the names of classes begin on analysers; a folder so called is a class and no slide.
_CLASSES = (
    *(
        "neutro",
        "segmented",
        "seg",
        "band",
        "lympho",
        "mono",
        "eosino",
        "baso",
        "blast",
        "promyelo",
        "myelo",
        "metamyelo",
    ),
    *("plasma", "smudge", "erythroblast", "nrbc", "megakaryo", "giant", "reactive", "variant", "atypical", "abnormal"),
    *("large granular", "promono", "prolympho", "immature", "hairy", "sezary", "artefact", "artifact", "unidentified"),
    *("platelet", "thrombo", "not classed", "unsure", "other"),
)
_NUMBERED = re.compile(r"^[0-9]+[ _.-]+")  # how some put their classes in order


@dataclass(frozen=True)
class Place:
    """What the folders of a file say: slide (or patient) and type of cell; empty where they say nothing."""

    slide: str = ""
    type: str = ""

    def given_to(self, cell_map: CellMap) -> CellMap:
        """Give the slide to a map of cells, and the type to those of its cells that have none."""
        provenance = {**cell_map.provenance, **({"slide": self.slide} if self.slide else {})}
        types = {measure.cell: self.type for measure in cell_map.measures} if self.type else {}
        return replace(cell_map, provenance=provenance, types={**types, **cell_map.types})


def place_of(path: Path, root: Path) -> Place:
    """Read slide and type from the folders between ``root`` and a file; ``root`` itself counts where there are none.

    The folder next to the file is its class when its name is that of one; the folder around it, or a single folder
    of any other name, is the slide.

    Examples
    --------
    >>> root = Path("export")
    >>> place_of(root / "slide 7" / "Neutrophils" / "1.png", root)
    Place(slide='slide 7', type='Neutrophils')
    >>> place_of(root / "slide 7" / "1.png", root), place_of(root / "Blast_cells" / "1.png", root)
    (Place(slide='slide 7', type=''), Place(slide='', type='Blast cells'))
    """
    try:
        inner: Sequence[str] = path.parent.relative_to(root).parts
    except ValueError:
        inner = ()
    folders = list(inner) or [root.resolve().name]
    kind = ""
    if _is_class(folders[-1]):
        kind = read_type(_NUMBERED.sub("", folders.pop()).replace("_", " "))
    return Place(read_type(folders[-1]) if folders else "", kind)


def _is_class(folder: str) -> bool:
    name = _NUMBERED.sub("", folder).replace("_", " ").lower()
    return name.startswith(_CLASSES)
