"""Make the pictures of the documentation: napari on drawn smears, worked with real mouse clicks and keys.

    xvfb-run -a -s "-screen 0 1600x1400x24" python docs/pictures.py [SCENE ...]

Writes into docs/images; without a scene, all of them. Only drawn images appear. ``course`` makes those of
docs/tutorial.md, with a training of some minutes, and writes there how long it took and what came of it; ``correct``
makes those of its pictures that need no training, of Measure and Correct. The others take half a minute together.
"""

import argparse
import os
import tempfile
from pathlib import Path


def main() -> None:
    """Make the scenes that are named."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NAPARI_CONFIG"] = str(Path(folder, "settings.yaml"))  # napari as new, not as its owner left it
        from scenes import correcting, course, docks, drawn, slide

        scenes = {
            "synthetic": drawn.synthetic,
            "blends": drawn.blends,
            "segment": docks.segment,
            "measure": docks.measure,
            "compare": docks.compare,
            "correcting": correcting.correcting,
            "slide": slide.slide,
            "course": course.course,
            "correct": course.correct,
        }
        parser = argparse.ArgumentParser(description="Make the pictures of the documentation.")
        parser.add_argument("scene", nargs="*", help=f"{', '.join(scenes)}; none: all of them")
        wanted = parser.parse_args().scene or [name for name in scenes if name != "correct"]  # course makes them, too
        if unknown := set(wanted) - set(scenes):
            parser.error(f"there is no scene {', '.join(sorted(unknown))}; there are {', '.join(scenes)}")
        for name in wanted:
            scenes[name]()


if __name__ == "__main__":
    main()
