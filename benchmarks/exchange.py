"""What the formats of other programs lose out and in again, and what other programs find in the files.

    python benchmarks/exchange.py [--images N] [--results DIR ...] [--imagej /usr/share/java/ij.jar]

Drawn fields of cells, or results folders, go out in each format and come in again; the pixels and areas that differ are
counted, and the time is taken. Then, where they are installed, ImageJ opens the ROI zips (on a display, or under
xvfb-run), measures and saves them, pycocotools draws the masks of the COCO files, and shapely judges the polygons of
the GeoJSON. None of the three is needed for anything else here.
"""

import argparse
import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from PIL import Image

from napari_leukocyte.core.cells.flags import Flag
from napari_leukocyte.core.cells.labels import label_cells
from napari_leukocyte.core.exchange.cell_map import CellMap
from napari_leukocyte.core.exchange.formats import MASK_FORMATS, ExportFormat
from napari_leukocyte.core.exchange.importing import Imported, find_masks, read_masks
from napari_leukocyte.core.exchange.results_folder import read_class_map, results_in
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.synthetic.smear import draw_field

UM = 0.098  # a pixel
MACRO = """
dir = getArgument();
setBatchMode(true);
list = getFileList(dir);
for (f = 0; f < list.length; f++) if (endsWith(list[f], ".zip")) {
  open(dir + replace(list[f], ".zip", ".png"));
  run("Set Scale...", "distance=0 known=0 unit=pixel");
  roiManager("reset");
  roiManager("open", dir + list[f]);
  for (i = 0; i < roiManager("count"); i++) {
    roiManager("select", i);
    getStatistics(area);
    print(list[f] + "\\t" + Roi.getName + "\\t" + area);
  }
  roiManager("save", dir + "saved/" + list[f]);
  close();
}
"""


def drawn(count: int) -> list[CellMap]:
    found = []
    for seed in range(count):
        smear = draw_field(seed=seed, size=(2000, 3000), px_per_um=1 / UM)
        cells = label_cells(smear.classes, pixel_size=UM)
        numbers = np.unique(cells[cells > 0]).tolist()
        found.append(
            CellMap(
                image=f"field {seed}.png",
                classes=smear.classes,
                cells=cells,
                pixel_size=PixelSize(UM, "drawn"),
                remarks={number: frozenset({Flag.EDITED}) for number in numbers[::3]},
                types=dict.fromkeys(numbers[1::3], "Lymphozyt (groß)"),
                provenance={"model": "drawn"},
            )
        )
    return found


def said_of(one: CellMap) -> Any:
    """All that a map of cells says beside its pixels."""
    return one.image, one.pixel_size, one.binary, dict(one.remarks), dict(one.types), repr(one.measures)


def round_trip(maps: Sequence[CellMap], to: ExportFormat, folder: Path) -> str:
    """A line of the table: pixels and areas that differ, what else does, and the times."""
    form = MASK_FORMATS[to]
    folder.mkdir()
    started = perf_counter()
    for number, one in enumerate(maps):
        form.write(one, folder / f"{number:04d}{form.end}")
    out = perf_counter() - started
    started = perf_counter()
    events = list(read_masks(find_masks([folder])))
    back = perf_counter() - started
    found = [event.reads[0].cell_map for event in events if isinstance(event, Imported)]
    assert len(found) == len(maps), events
    pixels = sum(
        np.count_nonzero((a.classes != b.classes) | (a.cells != b.cells)) for a, b in zip(found, maps, strict=True)
    )
    areas = [
        abs(a.cytoplasm_px + a.nucleus_px - b.cytoplasm_px - b.nucleus_px) / (b.cytoplasm_px + b.nucleus_px)
        for one, other in zip(found, maps, strict=True)
        for a, b in zip(one.measures, other.measures, strict=True)
    ]
    other = sum(said_of(a) != said_of(b) for a, b in zip(found, maps, strict=True))
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / len(maps) / 1000
    return (
        f"{to:9} {pixels} px differ, areas by at most {100 * max(areas):.3f} %, {other} images say something else; "
        f"{out / len(maps):.2f} s out, {back / len(maps):.2f} s in, {size:.0f} kB an image"
    )


def ask_imagej(maps: Sequence[CellMap], jar: Path, folder: Path) -> str:
    """Areas of all ROIs in ImageJ, and what comes back after ImageJ has saved them."""
    (folder / "saved").mkdir(parents=True)
    for number, one in enumerate(maps):
        MASK_FORMATS["roi"].write(one, folder / f"{number:04d}.zip")
        Image.new("L", one.shape[::-1]).save(folder / f"{number:04d}.png")
    macro = folder / "measure.ijm"
    macro.write_text(MACRO)
    display = ["xvfb-run", "-a"] if shutil.which("xvfb-run") else []
    command = [*display, "java", "-cp", str(jar), "ij.ImageJ", "-batch", str(macro), f"{folder}/"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600).stdout
    wanted = {}
    for number, one in enumerate(maps):
        for measure in one.measures:
            wanted[f"{number:04d}.zip", f"{measure.cell}-cell"] = measure.cytoplasm_px + measure.nucleus_px
            if measure.nucleus_px:
                wanted[f"{number:04d}.zip", f"{measure.cell}-nucleus"] = measure.nucleus_px
    rows = [line.split("\t") for line in said.splitlines() if line.count("\t") == 2]
    areas = {(file, name): float(area) for file, name, area in rows}
    assert areas.keys() == wanted.keys()
    worst = max(abs(area - wanted[key]) / wanted[key] for key, area in areas.items())
    events = list(read_masks(find_masks([folder / "saved"])))
    saved = [event.reads[0].cell_map for event in events if isinstance(event, Imported)]
    pixels = sum(
        np.count_nonzero((a.classes != b.classes) | (a.cells != b.cells)) for a, b in zip(saved, maps, strict=True)
    )
    other = sum(said_of(a) != said_of(b) for a, b in zip(saved, maps, strict=True))
    return (
        f"ImageJ: {len(areas)} ROIs, areas differ by at most {100 * worst:.3f} %; saved by ImageJ and read again, "
        f"{pixels} px differ, and {other} images say something else"
    )


def ask_pycocotools(maps: Sequence[CellMap], folder: Path) -> str:
    from pycocotools.coco import COCO

    folder.mkdir()
    masks = wrong = 0
    for one in maps:
        MASK_FORMATS["coco"].write(one, folder / "a.json")
        coco = COCO(str(folder / "a.json"))
        for annotation in coco.loadAnns(coco.getAnnIds()):
            own = one.cells == annotation["attributes"]["cell"]
            wanted = own & ((one.classes == 2) | (annotation["category_id"] == 1))
            masks += 1
            wrong += int(np.count_nonzero(coco.annToMask(annotation) != wanted))
    return f"pycocotools: {masks} masks, {wrong} px differ"


def ask_shapely(maps: Sequence[CellMap], folder: Path) -> str:
    import shapely

    folder.mkdir()
    shapes = invalid = wrong = 0
    for one in maps:
        MASK_FORMATS["geojson"].write(one, folder / "a.geojson")
        for feature in json.loads((folder / "a.geojson").read_text())["features"]:
            own = one.cells == int(feature["properties"]["name"])
            for key, wanted in (("geometry", own), ("nucleusGeometry", own & (one.classes == 2))):
                if key in feature:
                    shape = shapely.from_geojson(json.dumps(feature[key]))
                    shapes += 1
                    invalid += not shape.is_valid
                    wrong += shape.area != np.count_nonzero(wanted)
    return f"shapely: {shapes} polygons, {invalid} invalid, {wrong} of another area"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=6, help="how many fields are drawn")
    parser.add_argument("--results", nargs="*", type=Path, default=[], help="results folders, in place of drawn fields")
    parser.add_argument("--imagej", type=Path, default=Path("/usr/share/java/ij.jar"))
    given = parser.parse_args()
    maps = (
        [read.cell_map for path in results_in(given.results) for read in read_class_map(path)]
        if given.results
        else drawn(given.images)
    )
    cells = sum(len(one.measures) for one in maps)
    print(f"{len(maps)} images of {maps[0].shape[1]} x {maps[0].shape[0]} px, {cells} cells")
    with tempfile.TemporaryDirectory() as scratch:
        for to in MASK_FORMATS:
            print(round_trip(maps, to, Path(scratch) / to), flush=True)
        print(
            ask_imagej(maps, given.imagej, Path(scratch) / "imagej")
            if given.imagej.is_file() and shutil.which("java")
            else "ImageJ is not installed"
        )
        for name, ask in (("pycocotools", ask_pycocotools), ("shapely", ask_shapely)):
            print(ask(maps, Path(scratch) / name) if find_spec(name) else f"{name} is not installed")


if __name__ == "__main__":
    main()
