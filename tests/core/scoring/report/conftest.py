import sys
from pathlib import Path

import pytest

from napari_leukocyte.core.scoring.evaluation import EvaluationParameters, score_case
from napari_leukocyte.core.scoring.report import write_report

# the cases and the reader beside the tests are imported by name
sys.path.insert(0, str(Path(__file__).parent))

from report_cases import Page


@pytest.fixture
def report(tmp_path):
    """Write a report on cases, {method: [Case, ...]}, and read it back."""

    def write(cases, parameters=None, **options):
        parameters = EvaluationParameters() if parameters is None else parameters
        write_report(
            tmp_path / "report.html",
            {method: [score_case(case, parameters) for case in each] for method, each in cases.items()},
            lambda method, name: next(case for case in cases[method] if case.name == name),
            parameters,
            **options,
        )
        return Page((tmp_path / "report.html").read_text(encoding="utf-8"))

    return write
