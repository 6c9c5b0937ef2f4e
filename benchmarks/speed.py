"""Time from array to class map and cell labels, warm, without reading files.

    python benchmarks/speed.py [--model default] [--device auto] [--engine torch] [--threads N] [--quick]
    python benchmarks/speed.py --everything

Each time is also given as a multiple of the floor: what the network's floating-point operations take on this machine
as a large matrix product of the same precision, measured in the same run. The second figure is the ratio to a floor
that stays whatever processor and network there are: 200 GFLOP a second, what one thread of a Zen 4 core did in
bfloat16.

``--crops`` adds a folder of 200 crops, whose pixel size is stated or not. ``--busy`` runs all of it beside a program
that keeps one core busy. ``--everything`` runs each engine with one thread and with two, alone and beside a busy core:
an idle machine of two cores or more takes about half an hour.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from napari_leukocyte.core.imaging.image_list import BrokenImage, ImageSource, sources_from_array, sources_from_files
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.results.segmentation import Segmentation
from napari_leukocyte.core.segmentation.parameters import Engine, Mode, SegmentParameters
from napari_leukocyte.core.segmentation.predictor import Predictor
from napari_leukocyte.core.segmentation.segment import (
    ImageSegmented,
    segment_images,
)
from napari_leukocyte.core.synthetic.smear import draw_field, draw_stack

PIXEL_SIZE = PixelSize(1 / 10.2, "drawn")
FIXED = 200e9  # floating-point operations a second, see above
CROPS = 200


def segment_all(
    sources: Sequence[ImageSource | BrokenImage], predictor: Predictor, *, pixel_size: float | None = None
) -> list[Segmentation]:
    mode: Mode = "binary" if predictor.info.classes == 2 else "three-class"
    events = segment_images(sources, SegmentParameters(mode=mode, pixel_size=pixel_size), predictor)
    results = [event.result for event in events if isinstance(event, ImageSegmented)]
    assert len(results) == len(sources)
    return results


def count_flop(predictor: Predictor, job: Callable[[], Any]) -> float:
    """Floating-point operations of the convolutions while the job runs once."""
    total = 0.0

    def count(module: nn.Module, _: Any, output: torch.Tensor) -> None:
        nonlocal total
        assert isinstance(module, nn.Conv2d)
        per_value = 2 * module.in_channels // module.groups * module.kernel_size[0] * module.kernel_size[1]
        total += per_value * output.numel()

    convolutions = [m for m in predictor.network.modules() if isinstance(m, nn.Conv2d)]
    hooks = [convolution.register_forward_hook(count) for convolution in convolutions]
    job()
    for hook in hooks:
        hook.remove()
    return total


def matrix_rate(predictor: Predictor, *, size: int = 2048, repeats: int = 5) -> float:
    """Floating-point operations per second of a large matrix product in the network's precision; the best run."""
    dtype = torch.bfloat16 if predictor.bfloat16 else torch.float32
    a, b = (torch.rand(size, size, device=predictor.device).to(dtype) for _ in range(2))
    times = timed(lambda: torch.mm(a, b), predictor.device, repeats)
    return 2 * size**3 / min(times)


def timed(job: Callable[[], Any], device: torch.device, repeats: int) -> list[float]:
    """Seconds of each repeat, after one that does not count."""
    times = []
    for _ in range(repeats + 1):
        start = perf_counter()
        job()
        if device.type == "cuda":
            torch.cuda.synchronize()
        times.append(perf_counter() - start)
    return times[1:]


def jobs(planes: int) -> dict[str, list[ImageSource]]:
    drawn = draw_stack(seed=1, n=min(planes, 8), size=(480, 480), px_per_um=10.2)
    stack: NDArray[np.uint8] = np.stack([drawn[i % len(drawn)].image for i in range(planes)])
    field = draw_field(seed=1, size=(2000, 3000), px_per_um=10.2, n_cells=20).image
    arrays = {"one image 480x480": stack[0], f"stack of {planes} x 480x480": stack, "field 2000x3000": field}
    return {
        name: sources_from_array(array, name=name, rgb=True, pixel_size=PIXEL_SIZE) for name, array in arrays.items()
    }


def crops(folder: Path) -> list[Path]:
    """Files that state no pixel size, each another one."""
    rng = np.random.default_rng(0)
    drawn = draw_stack(seed=1, n=8, size=(480, 480), px_per_um=10.2)
    paths = [folder / f"{i}.png" for i in range(CROPS)]
    for i, path in enumerate(paths):
        image = drawn[i % len(drawn)].image.copy()
        image[rng.integers(480), rng.integers(480)] = 0
        Image.fromarray(image).save(path, compress_level=1)
    return paths


def folder_of_crops(predictor: Predictor, repeats: int) -> list[str]:
    """Lines on a folder of crops, from the file to the class map, without and with a stated pixel size."""
    with tempfile.TemporaryDirectory() as name:
        paths = crops(Path(name))

        def job(pixel_size: float | None) -> None:
            segment_all(list(sources_from_files(paths, by_heads=True)), predictor, pixel_size=pixel_size)

        known, unknown = (
            float(np.median(timed(partial(job, size), predictor.device, repeats))) for size in (1 / 10.2, None)
        )
    return [
        f"{CROPS} files 480x480, size stated   {1000 * known / CROPS:7.1f} ms each",
        f"{CROPS} files 480x480, size unknown  {1000 * unknown / CROPS:7.1f} ms each, {unknown / known:.2f} times",
    ]


def everything(given: Sequence[str]) -> None:
    """Each engine with one thread and with two, alone and beside a busy core, each in a process of its own."""
    for engine in ("torch", "fast", "fast-int8"):
        for threads in (1, 2):
            for busy in ([], ["--busy"]):
                # threads that wait for each other sleep, as in the program
                print(f"\n== {engine}, {threads} thread(s){', beside a busy core' if busy else ''}", flush=True)
                options = ["--engine", engine, "--threads", str(threads), "--crops", *busy]
                environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
                subprocess.run([sys.executable, __file__, *options, *given], env=environment, check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", default="default")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--engine", choices=get_args(Engine), default="torch")
    parser.add_argument("--threads", type=int, help="of the CPU; default: torch's own choice")
    parser.add_argument("--quick", action="store_true", help="few repeats and a stack of 20")
    parser.add_argument("--crops", action="store_true", help=f"also a folder of {CROPS} crops")
    parser.add_argument("--busy", action="store_true", help="beside a program that keeps a core busy")
    parser.add_argument("--everything", action="store_true", help="all engines, one and two threads, alone and not")
    given = parser.parse_args()
    if given.everything:
        everything([f"--model={given.model}", *["--quick"] * given.quick])
        return
    with ExitStack() as held:
        if given.busy:
            busy = held.enter_context(subprocess.Popen([sys.executable, "-c", "while True: pass"]))
            held.callback(busy.kill)
        measure(given)


def measure(given: argparse.Namespace) -> None:
    """Print the lines of one engine and one number of threads."""
    if given.threads:
        torch.set_num_threads(given.threads)
    predictor = Predictor(given.model, device=given.device, engine=given.engine)
    counted = Predictor(given.model, device=given.device)  # other engines do not say what they do
    made_by = "{engine}, {precision}".format(**predictor.provenance)
    print(f"{predictor.info.name} on {predictor.used}, {made_by}; torch {torch.__version__}")
    for name, sources in jobs(20 if given.quick else 200).items():
        single = len(sources) == 1
        repeats = (3 if given.quick else 50 if name.startswith("one") else 10) if single else (1 if given.quick else 3)

        def job(sources: Sequence[ImageSource] = sources) -> list[Segmentation]:
            return segment_all(sources, predictor)

        flop = count_flop(counted, partial(segment_all, sources, counted))
        floor = flop / matrix_rate(predictor)
        times = timed(job, predictor.device, repeats)
        median, high = np.median(times), np.quantile(times, 0.95)
        print(
            f"{name:24s} median {1000 * median:9.1f} ms  95 % {1000 * high:9.1f} ms  ({repeats} repeats)  "
            f"{flop / 1e9:8.1f} GFLOP  floor {1000 * floor:8.1f} ms  ratio {median / floor:.2f}  "
            f"fixed {median / (flop / FIXED):.2f}"
        )
    if given.crops:
        print("\n".join(folder_of_crops(predictor, 1 if given.quick else 3)), flush=True)


if __name__ == "__main__":
    main()
