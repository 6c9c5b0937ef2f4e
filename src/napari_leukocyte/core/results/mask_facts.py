"""What is known of a mask beside its maps: what made it, what hands changed, how large its pixels are."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from napari_leukocyte import __version__
from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.origin import Origin
from napari_leukocyte.core.imaging.pixel_size import PixelSize

__all__ = ["MaskFacts"]


@dataclass(frozen=True, kw_only=True)
class MaskFacts:
    """Facts that a mask keeps on its way from the screen through drafts and accepted versions, and back.

    Attributes
    ----------
    model
        The model whose output it is, or was before it was corrected; empty for a mask drawn or imported without one.
    model_sha256
        Hash of its weight file.
    pixels_changed
        How many pixels of the class map differ from the model's output, summed over versions.
    labels_edited
        Whether cells were split, joined or marked by hand.
    pixel_size
        um per px, where the number comes from, and what speaks against it.
    whole_cell
        Whether it knows only "cell" (values 0 and 1).
    difficulty
        Difficulty class 1-8; None: not judged.
    parent
        Number of the accepted version that it began with; None when there was none.
    remarks
        What is known of single cells, by cell number.
    made_with
        How much of it brush, gestures, an import and the model made; None: an old record, which does not say.
    types
        What type a person said that cells are, by cell number.
    """

    model: str = ""
    model_sha256: str = ""
    pixels_changed: int = 0
    labels_edited: bool = False
    pixel_size: PixelSize = field(default_factory=lambda: PixelSize(None))
    whole_cell: bool = False
    difficulty: int | None = None
    parent: int | None = None
    remarks: Mapping[int, frozenset[Flag]] = field(default_factory=dict)
    made_with: Origin | None = None
    types: Mapping[int, str] = field(default_factory=dict)

    @property
    def edited(self) -> bool:
        """Whether a hand drew, changed, split or joined something; if not, the mask is a model's own output."""
        return self.model == "" or self.pixels_changed > 0 or self.labels_edited

    @property
    def by_gestures(self) -> bool:
        """Whether the network's gestures made most of what was changed, so that it is no hand's truth."""
        return self.edited and self.made_with is not None and self.made_with.by_gestures

    @property
    def made_with_text(self) -> dict[str, str]:
        """What files of the mask as it is now say, beside `provenance`, of how it was made; empty where unknown."""
        return {} if self.made_with is None else {"made_with": self.made_with.text}

    @property
    def provenance(self) -> dict[str, str]:
        """What goes into every file of the mask."""
        return {
            "napari-leukocyte": __version__,
            "mode": "binary" if self.whole_cell else "three-class",
            "model": self.model,
            "model_sha256": self.model_sha256,
            "pixel_size_um": self.pixel_size.digits,
            "pixel_size_source": self.pixel_size.source,
        }
