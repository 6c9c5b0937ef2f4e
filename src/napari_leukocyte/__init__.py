"""White blood cells in stained smears: segmentation, cytoplasm-to-nucleus ratio, correction, training.

Everything in ``__all__`` loads when it is first used, so that importing the package costs next to nothing:

>>> import napari_leukocyte as nl
>>> nl.segment.__module__
'napari_leukocyte.api.segmenting'
"""

TYPE_CHECKING = False  # as in typing, which takes its time to load
if TYPE_CHECKING:  # the same names as in _HOMES, for type checkers and editors
    from napari_leukocyte.api.exchanging import export_results, import_masks
    from napari_leukocyte.api.refining import refine
    from napari_leukocyte.api.result import Failed, Result
    from napari_leukocyte.api.scores import Scores, score
    from napari_leukocyte.api.segmenting import load_model, segment, segment_many
    from napari_leukocyte.api.slides import SlideCells, segment_slide
    from napari_leukocyte.api.studying import Study, study
    from napari_leukocyte.core.cells.flags import Flag
    from napari_leukocyte.core.cells.measures import CellMeasure
    from napari_leukocyte.core.errors import LeukocyteError, NewerFormatError, UnreadableError
    from napari_leukocyte.core.imaging.mask_reading import DoubtfulMaskError
    from napari_leukocyte.core.interactive.session import GestureSession
    from napari_leukocyte.core.interactive.stroke import Stroke
    from napari_leukocyte.core.results.in_place import InTheWayError
    from napari_leukocyte.core.results.record_file import UnreadableRecordError

    __version__: str

__all__ = [
    "CellMeasure",
    "DoubtfulMaskError",
    "Failed",
    "Flag",
    "GestureSession",
    "InTheWayError",
    "LeukocyteError",
    "NewerFormatError",
    "Result",
    "Scores",
    "SlideCells",
    "Stroke",
    "Study",
    "UnreadableError",
    "UnreadableRecordError",
    "__version__",
    "export_results",
    "import_masks",
    "load_model",
    "refine",
    "score",
    "segment",
    "segment_many",
    "segment_slide",
    "study",
]

_HOMES = {
    "CellMeasure": "core.cells.measures",
    "DoubtfulMaskError": "core.imaging.mask_reading",
    "Failed": "api.result",
    "Flag": "core.cells.flags",
    "GestureSession": "core.interactive.session",
    "InTheWayError": "core.results.in_place",
    "LeukocyteError": "core.errors",
    "NewerFormatError": "core.errors",
    "Result": "api.result",
    "Scores": "api.scores",
    "SlideCells": "api.slides",
    "Stroke": "core.interactive.stroke",
    "Study": "api.studying",
    "UnreadableError": "core.errors",
    "UnreadableRecordError": "core.results.record_file",
    "export_results": "api.exchanging",
    "import_masks": "api.exchanging",
    "load_model": "api.segmenting",
    "refine": "api.refining",
    "score": "api.scores",
    "segment": "api.segmenting",
    "segment_many": "api.segmenting",
    "segment_slide": "api.slides",
    "study": "api.studying",
}

if not TYPE_CHECKING:  # a type checker would take every name for one of ours

    def __getattr__(name):
        from importlib import import_module, metadata

        if name == "__version__":
            value = metadata.version("napari-leukocyte")
        elif name in _HOMES:
            value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = value  # the next use finds it at once
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
