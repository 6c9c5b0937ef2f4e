"""The pixel sizes of a list of images, decided once and before the first result."""

from collections.abc import Collection, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.imaging.convert import Conversion, find_conversion
from napari_leukocyte.core.imaging.image_list import BrokenImage, ImageSource
from napari_leukocyte.core.imaging.pixel_size import PixelSize
from napari_leukocyte.core.segmentation.method import Method
from napari_leukocyte.core.segmentation.parameters import SegmentParameters
from napari_leukocyte.core.segmentation.rulers import Rulers, pooled, sizes_apart
from napari_leukocyte.core.segmentation.stated_size import judged, measure_red_cells
from napari_leukocyte.core.segmentation.windowed import WindowDone

__all__ = ["LOOKED_AT", "SizeDecision", "SizeStep", "decide_pixel_sizes"]

Result = TypeVar("Result")

LOOKED_AT = 8  # images of a group at most, spread over it
_ONE_OF = ", one of the list's"  # how the source of a size ends where the list has several
_SNAP = 1.25  # an image within so many times of one of the list's sizes has that


class SizeStep(WindowDone):
    """``done`` of ``windows`` images are looked at for the pixel size; Cancel takes effect at each."""


@dataclass(frozen=True)
class SizeDecision:
    """What is decided for one image.

    Attributes
    ----------
    size
        None where the list has several sizes and the image was not looked at yet.
    several
        All sizes of such a list: `settle` finds the one of the image.
    note
        What the user should know of it.
    """

    size: PixelSize | None = None
    several: tuple[PixelSize, ...] = ()
    note: str = ""

    def settle(self, plane: Any, conversion: Conversion, method: Method) -> Generator[WindowDone, None, PixelSize]:
        """Yield progress and return the pixel size of the image with these pixels."""
        if self.size is not None:
            return self.size
        rulers = yield from method.find_rulers(plane, conversion)
        return _nearest(rulers, self.several, method)


def decide_pixel_sizes(
    images: Sequence[ImageSource | BrokenImage],
    parameters: SegmentParameters,
    method: Method,
    *,
    wanted: Collection[int] | None = None,
    known: Mapping[int, SizeDecision] | None = None,
) -> Generator[SizeStep, None, dict[int, SizeDecision]]:
    """Yield progress and return the decisions, by position in the list.

    Images that state no pixel size share one within a folder when they are equally large; it is estimated from at most
    eight of them, spread over the list. Where these have two sizes (two objectives), they are not averaged: each image
    gets the one that it comes nearest to by its own cells. The planes of a stack always share one. A size that is
    stated (by the file, the layer, the user or the preferences) is checked against red cells, in at most eight images
    of a folder that state the same.

    Parameters
    ----------
    images
        The whole list, also when only some of them are segmented now, so that the order makes no difference.
    wanted
        Positions of those that need a decision now; None: all.
    known
        What was decided for images of the list in an earlier run: their groups keep it, nothing is estimated anew.
    """
    known = known or {}
    stated = {i: _stated(image, parameters) for i, image in enumerate(images) if isinstance(image, ImageSource)}
    groups: dict[object, list[int]] = {}
    for i, size in stated.items():
        groups.setdefault(_group(images[i], size), []).append(i)
    if wanted is not None:
        groups = {key: members for key, members in groups.items() if not set(members).isdisjoint(wanted)}
    decisions: dict[int, SizeDecision] = {}
    for key, members in list(groups.items()):
        earlier = _earlier(members, stated[members[0]], known)
        if earlier is not None:
            decisions |= dict.fromkeys(members, earlier)
            del groups[key]
    looks = {key: _spread(members) for key, members in groups.items()}
    done, total = 0, sum(map(len, looks.values()))
    for key, members in groups.items():
        size = replace(stated[members[0]], shared=len(members) > 1)
        found: dict[int, Rulers] = {}
        for i in looks[key]:
            found[i] = yield from _look(images[i], size, method, SizeStep(done, total))
            done += 1
        if size.um is None:
            decisions |= _estimated(
                members, found, images, method, unused=next(filter(None, (stated[i].unused for i in members)), "")
            )
        else:
            decisions |= _judged(members, size, found)
    # what an image got alone stays with it, too
    return decisions | {i: known[i] for i in decisions if i in known and stated[i].um is None}


def _stated(image: ImageSource, parameters: SegmentParameters) -> PixelSize:
    """What is typed, else what the image states, else what the preferences say."""
    if parameters.pixel_size is not None:
        return PixelSize(parameters.pixel_size, parameters.pixel_size_source)
    if image.pixel_size.um is None and parameters.default_pixel_size is not None:
        return PixelSize(parameters.default_pixel_size, "default for images that state none")
    return image.pixel_size


def _group(image: ImageSource | BrokenImage, size: PixelSize) -> object:
    """Images with one key share a pixel size, or state one that is right or wrong for all of them."""
    assert isinstance(image, ImageSource)
    folder = None if image.path is None else image.path.parent
    if size.um is not None:
        return folder, size.um, size.source
    if image.planes > 1:
        return folder, image.path or image.name
    return folder, image.shape


def _spread(members: Sequence[int]) -> list[int]:
    """At most eight of them, evenly spread, the first and the last among them."""
    at = np.linspace(0, len(members) - 1, min(len(members), LOOKED_AT))
    return [members[round(float(i))] for i in at]


def _earlier(members: Sequence[int], stated: PixelSize, known: Mapping[int, SizeDecision]) -> SizeDecision | None:
    """What the group got before; None where it got nothing, or the stated size is another one now."""
    before = [known[i] for i in members if i in known]
    sizes = [(one.size, one.note) for one in before if one.size is not None and one.size.um is not None]
    if stated.um is not None:
        same = [(size, note) for size, note in sizes if (size.um, size.estimated) == (stated.um, stated.estimated)]
        if not same:
            return None
        return SizeDecision(replace(stated, shared=len(members) > 1, doubt=same[0][0].doubt), note=same[0][1])
    open_ = next((one for one in before if one.several), None)
    if open_ is not None:
        return SizeDecision(several=open_.several, note=open_.note)
    of_list = {size: note for size, note in sizes if size.estimated and size.shared}
    if any(size.source.endswith(_ONE_OF) for size in of_list) or len(of_list) != 1:
        return None  # another one of the list's may be that of the rest
    ((size, note),) = of_list.items()
    return SizeDecision(size, note=note)


def _look(
    image: ImageSource | BrokenImage, size: PixelSize, method: Method, step: SizeStep
) -> Generator[SizeStep, None, Rulers]:
    """What one image says; nothing when it cannot be read, which is said when it has its turn."""
    yield step
    assert isinstance(image, ImageSource)
    try:
        plane = image.read()
        conversion = find_conversion(plane, rgb=image.rgb)
    except LeukocyteError:
        return Rulers()
    if size.um is None:
        return (yield from _as_steps(method.find_rulers(plane, conversion), step))
    red = yield from _as_steps(measure_red_cells(plane, conversion, method, stated=size.um), step)
    return Rulers(red=red)


def _as_steps(job: Generator[WindowDone, None, Result], step: SizeStep) -> Generator[SizeStep, None, Result]:
    """Run a job, and let Cancel take effect at each of its windows."""
    while True:
        try:
            next(job)
        except StopIteration as end:
            result: Result = end.value
            return result
        yield step


def _judged(members: Sequence[int], size: PixelSize, found: Mapping[int, Rulers]) -> dict[int, SizeDecision]:
    judgement, note = judged(size, [rulers.red for rulers in found.values() if rulers.red is not None])
    return dict.fromkeys(members, SizeDecision(judgement, note=note))


def _estimated(
    members: Sequence[int],
    found: Mapping[int, Rulers],
    images: Sequence[ImageSource | BrokenImage],
    method: Method,
    *,
    unused: str,
) -> dict[int, SizeDecision]:
    """``unused``: why what they state is not used, in words; empty where they state nothing."""
    looked, said = list(found), list(found.values())
    parts = sizes_apart(said)
    one = images[members[0]]
    if not parts or (isinstance(one, ImageSource) and one.planes > 1):
        size = pooled(said, working=method.pixel_size, shared=len(members) > 1)
        if parts:
            size = replace(size, doubt="; ".join(filter(None, [size.doubt, "the planes say different sizes"])))
        return dict.fromkeys(members, SizeDecision(size, note=unused))
    sizes = tuple(pooled([said[i] for i in part], working=method.pixel_size, shared=True) for part in parts)
    sizes = tuple(replace(size, source=size.source + _ONE_OF) for size in sizes)
    note = f"the list has {len(sizes)} pixel sizes, " + " and ".join(f"{size.um:.3g}" for size in sizes) + " µm/px"
    note = "; ".join(filter(None, [note, unused]))
    own = {
        i: SizeDecision(_nearest(rulers, sizes, method), sizes, note) for i, rulers in zip(looked, said, strict=True)
    }
    return {i: own.get(i, SizeDecision(several=sizes, note=note)) for i in members}


def _nearest(rulers: Rulers, sizes: Sequence[PixelSize], method: Method) -> PixelSize:
    """The size of the list that an image comes near to, else its own; doubtful when the image alone is."""
    own = pooled([rulers], working=method.pixel_size)
    if not rulers.used:
        return own
    nearest = min(sizes, key=lambda size: _apart(size, own))
    return replace(nearest, doubt=own.doubt) if _apart(nearest, own) < np.log(_SNAP) else own


def _apart(one: PixelSize, other: PixelSize) -> float:
    assert one.um is not None
    assert other.um is not None
    return abs(float(np.log(one.um / other.um)))
