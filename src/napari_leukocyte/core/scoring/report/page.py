"""The evaluation report: one page that needs nothing but itself."""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from os import PathLike
from types import MappingProxyType

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.files import atomic_path
from napari_leukocyte.core.scoring.evaluation import Case, EvaluationParameters, ImageScore
from napari_leukocyte.core.scoring.report.cnr_table import cnr_table
from napari_leukocyte.core.scoring.report.facts import facts
from napari_leukocyte.core.scoring.report.figures import cnr_scatters, histograms
from napari_leukocyte.core.scoring.report.gallery import gallery, key, typical
from napari_leukocyte.core.scoring.report.image_table import image_table
from napari_leukocyte.core.scoring.report.line_up import Comparison, line_up
from napari_leukocyte.core.scoring.report.markup import NOT_FOR_DIAGNOSIS, page, words
from napari_leukocyte.core.scoring.report.tables import cell_table, class_table, difficulty_table, worst_table

__all__ = ["write_report"]

_PARTS = ("nucleus", "cytoplasm")  # in the thesis's order

_DIFFERENCES = (
    "The first difference image is the thesis's and shows every wrong pixel, with their share. The second one "
    "tells kinds of error apart; errors in the border band, which IoU_b forgives, are grey."
)


def write_report(
    path: str | PathLike[str],
    methods: Mapping[str, Sequence[ImageScore]],
    cases: Callable[[str, str], Case],
    parameters: EvaluationParameters,
    *,
    title: str = "Evaluation of white blood cell segmentation",
    made_by: Mapping[str, str] = MappingProxyType({}),
    worst: int = 6,
    chosen: Sequence[str] | None = None,
) -> None:
    """Write the report on one or more methods as a single HTML file.

    Parameters
    ----------
    path : str or PathLike
        The file; an old one is replaced in one step.
    methods : mapping of str to sequence of ImageScore
        Names of methods and their scores on the same truth. Only images that all of them have are compared.
    cases : callable
        Reads the maps of an image again, for the pictures: from method and image name to `Case`.
    parameters : EvaluationParameters
        What the scores were made with.
    title : str
        The heading.
    made_by : mapping of str to str, optional
        What made the predictions of a method, for the head: model and its hash, folder.
    worst : int
        How many of the worst images are shown.
    chosen : sequence of str, optional
        Images to be shown besides. None: of each difficulty class the one in the middle of the ranking.

    Raises
    ------
    LeukocyteError
        When the file cannot be written, or a chosen image is not among those compared.
    ValueError
        If a method has two scores under one name.
    """
    comparison = line_up(methods)
    if unknown := set(chosen or ()).difference(comparison.images):
        names = ", ".join(sorted(unknown))
        raise LeukocyteError(f"No pictures can be shown of {names}: choose images that every method has.")
    sections = [
        f"<header><h1>{escape(title)}</h1><p class='warning'>{NOT_FOR_DIAGNOSIS}</p>"
        f"{facts(comparison, parameters, made_by)}</header>"
    ]
    if comparison.images:
        shown = comparison.images[:worst], typical(comparison) if chosen is None else tuple(chosen)
        sections += [
            _section("Cell", _cell(comparison)),
            _section("Nucleus and cytoplasm", _parts(comparison)),
            _section("Cytoplasm-to-nucleus ratio", _cnr(comparison)),
            _section("Pictures", _pictures(comparison, *shown, cases, parameters, middle=chosen is None)),
            _section("Images", image_table(comparison)),
        ]
    else:
        sections.append("<p>There is no image to compare, so there are no figures.</p>")
    sections.append(f"<footer><p>{NOT_FOR_DIAGNOSIS}</p></footer>")
    with atomic_path(path) as temporary:
        temporary.write_text(page(title, "\n".join(sections)), encoding="utf-8")


def _section(title: str, content: str) -> str:
    return f"<section><h2>{title}</h2>\n{content}</section>"


def _cell(comparison: Comparison) -> str:
    parts = [
        cell_table(comparison),
        histograms(comparison, ["cell"]),
        difficulty_table(comparison, "cell"),
        worst_table(comparison),
    ]
    return "".join(parts)


def _parts(comparison: Comparison) -> str:
    if not comparison.three_class:
        return "<p>The truth or the predictions know whole cells only, so nucleus and cytoplasm are not scored.</p>"
    return "".join(
        [
            *(class_table(comparison, cls) for cls in _PARTS),
            histograms(comparison, _PARTS),
            *(difficulty_table(comparison, cls) for cls in _PARTS),
        ]
    )


def _cnr(comparison: Comparison) -> str:
    if all(score.whole_cell for score in comparison.first_method):
        return "<p>The truth knows whole cells only, so it has no CNR.</p>"
    return cnr_table(comparison) + cnr_scatters(comparison)


def _pictures(
    comparison: Comparison,
    worst: Sequence[str],
    chosen: Sequence[str],
    cases: Callable[[str, str], Case],
    parameters: EvaluationParameters,
    *,
    middle: bool,
) -> str:
    also = "Typical images" if middle else "Chosen images"
    reading = (
        "From each difficulty class (from all images, where none is known) the one in the middle of the ranking."
        if middle
        else "Chosen for this report."
    )
    return "".join(
        [
            f"<p>{words(_DIFFERENCES)}</p>",
            key(comparison),
            gallery(
                "The worst images", "By the lowest IoU_b of any class and method.", comparison, worst, cases, parameters
            ),
            gallery(also, reading, comparison, [name for name in chosen if name not in worst], cases, parameters),
        ]
    )
