"""Train the thesis's recipe on the same data as the default model: the photographs and the drawn smears.

    python benchmarks/thesis_with_drawn.py DATA --out runs/thesis-with-drawn.safetensors
    python benchmarks/difficulty.py --models default runs/thesis-with-drawn.safetensors active-contour

An interrupted training goes on.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.model.recipes import default_recipe, thesis_recipe
from unseen_source import train_lists


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--split", type=Path, default=Path("benchmarks/split.json"))
    parser.add_argument("--out", type=Path, default=Path("runs/thesis-with-drawn.safetensors"))
    parser.add_argument("--epochs", type=int, default=25, help="as many steps as the shipped thesis models have")
    given = parser.parse_args()
    ours = default_recipe()
    recipe = replace(thesis_recipe(), epochs=given.epochs, drawn=ours.drawn, blended_stains=ours.blended_stains)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    train_lists(given.data, given.split, given.out, recipe, seed=0)


if __name__ == "__main__":
    try:
        main()
    except LeukocyteError as error:
        raise SystemExit(str(error)) from None
