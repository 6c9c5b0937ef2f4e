"""Which formats there are, what their files are called, and what writes each."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from napari_leukocyte.core.exchange.cell_map import CellMap
from napari_leukocyte.core.exchange.cellpose import write_cellpose
from napari_leukocyte.core.exchange.coco import write_coco
from napari_leukocyte.core.exchange.geojson import write_geojson
from napari_leukocyte.core.exchange.imagej_rois import write_rois
from napari_leukocyte.core.exchange.label_images import CELL_LABELS, write_label_pngs, write_label_tiffs
from napari_leukocyte.core.exchange.ome_tiff import write_ome_tiff
from napari_leukocyte.core.exchange.ome_zarr import write_ome_zarr
from napari_leukocyte.core.exchange.tables import TABLES

__all__ = ["FORMATS", "MASK_FORMATS", "WORDS", "ExportFormat", "MaskFormat"]

ExportFormat = Literal[
    "geojson", "roi", "ome-tiff", "ome-zarr", "coco", "cellpose", "tiff", "png", "csv", "tsv", "xlsx", "parquet"
]
FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)


@dataclass(frozen=True)
class MaskFormat:
    """A format with a file for each image.

    Attributes
    ----------
    words
        What it is.
    end
        What is appended to the stem.
    write
        Writes a map of cells to a path.
    """

    words: str
    end: str
    write: Callable[[CellMap, Path], None]


MASK_FORMATS: dict[ExportFormat, MaskFormat] = {
    "geojson": MaskFormat("QuPath GeoJSON", ".geojson", write_geojson),
    "roi": MaskFormat("ImageJ ROI zip", ".zip", write_rois),
    "ome-tiff": MaskFormat("OME-TIFF", ".ome.tif", write_ome_tiff),
    "ome-zarr": MaskFormat("OME-Zarr", ".ome.zarr", write_ome_zarr),
    "coco": MaskFormat("COCO JSON", ".coco.json", write_coco),
    "cellpose": MaskFormat("Cellpose _seg.npy", "_seg.npy", write_cellpose),
    "tiff": MaskFormat("Label images, TIFF", f"{CELL_LABELS}.tif", write_label_tiffs),
    "png": MaskFormat("Label images, PNG", f"{CELL_LABELS}.png", write_label_pngs),
}
WORDS: dict[ExportFormat, str] = {
    **{to: form.words for to, form in MASK_FORMATS.items()},
    "csv": "Table, CSV",
    "tsv": "Table, TSV",
    "xlsx": "Table, Excel",
    "parquet": "Table, Parquet",
}
"""What each format is, for a menu."""

assert {*MASK_FORMATS, *TABLES} == set(FORMATS)
