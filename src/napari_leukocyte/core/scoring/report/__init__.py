"""The evaluation report as one HTML page."""

from napari_leukocyte.core.scoring.report.page import write_report

__all__ = ["write_report"]
