import numpy as np
import pytest
from cell_tables import cell, write_results
from PIL import Image
from typer.testing import CliRunner

from napari_leukocyte.cli import app
from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.study.samples import Sample, group_images
from napari_leukocyte.core.study.tables import StudyImage, images_of, read_results


def images(*paths):
    return [StudyImage("cells.csv", path, path) for path in paths]


def of(samples):
    return {image.path: sample for image, sample in samples.of.items()}


def test_folders_are_group_and_patient():
    found = group_images(images("ill/P1/a.png", "ill/P2/a.png", "well/P3/b.png"), "folder")
    assert of(found)["ill/P2/a.png"] == Sample("P2", "", "ill")
    assert found.groups == ["ill", "well"]
    assert of(group_images(images("ill/a.png"), "folder"))["ill/a.png"] == Sample(group="ill")


def test_a_pattern_fits_the_end_of_the_path():
    names = images("x/ill/P1_2.png", "x/well/P10_1.tif", "x/well/other.png")
    found = group_images(names, "{group}/{patient}_{slide}")
    assert of(found) == {"x/ill/P1_2.png": Sample("P1", "2", "ill"), "x/well/P10_1.tif": Sample("P10", "1", "well")}
    assert found.left_out == ("x/well/other.png",)
    dotted = group_images(images("r/P1_2.5 h (a).png"), "{patient}_{hours-to film}*")
    assert of(dotted)["r/P1_2.5 h (a).png"].facts == {"hours to film": "2"}


def test_an_expression_with_named_groups():
    found = group_images(images("r/ctl-07.png", "r/mds-12.png"), r"(?P<group>ctl|mds)-(?P<patient>\d+)")
    assert [sample.patient for sample in found.of.values()] == ["07", "12"]


def test_a_sheet_as_a_german_excel_writes_it(tmp_path):
    sheet = tmp_path / "sheet.csv"
    sheet.write_text(
        "File;Patient;Slide;Group;Hours_to_film;Scanner\r\na.png;Müller;1;A2;2,5;X\r\nill/b*;'-7;;A10;;Y\r\nz.png;9;;A2;;\r\n",
        encoding="utf-8-sig",
    )
    found = group_images(images("r/a.png", "r/ill/b1.png", "r/ill/b2.png", "r/c.png"), sheet)
    assert of(found)["r/a.png"] == Sample("Müller", "1", "A2", {"hours to film": "2,5", "scanner": "X"})
    assert of(found)["r/ill/b2.png"].patient == "-7"
    assert (found.left_out, found.unused) == (("r/c.png",), ("z.png",))
    assert found.groups == ["A2", "A10"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("patient,group\nP,A\n", "no column 'file'"),
        ("file,patient,Patient\na.png,1,2\n", "column patient 2 times"),
        ("file,group\na.png,A\nr/a.png,B\n", "line 3, says something else of r/a.png than"),
        ("file,group\n,A\n", "line 2, names no file"),
        ("file,group\na.png,A,3\n", "line 2, has more fields"),
        ("file,patient,group\na.png,P,A\nb.png,P,B\n", r"1 patient stands in several groups: P \(A, B\)"),
        ("file,group\nq.png,A\n", "fit none of 2 images"),
    ],
)
def test_a_sheet_that_cannot_be_meant_is_refused(tmp_path, text, said):
    sheet = tmp_path / "sheet.csv"
    sheet.write_text(text, encoding="utf-8")
    with pytest.raises(LeukocyteError, match=said):
        group_images(images("r/a.png", "r/b.png"), sheet)


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        ("a group", "cannot be read from 'a group'"),
        ("{patient}_{patient}", "one name twice"),
        ("{patient}_{}", "a brace without its name"),
        ("(?P<group>", "no regular expression"),
        ("{group}-{patient}", "fit none of 1 image, such as r/a.png"),
        ("no-such-sheet.csv", "no-such-sheet.csv"),
    ],
)
def test_groups_that_cannot_be_meant_are_refused(groups, said):
    with pytest.raises(LeukocyteError, match=said):
        group_images(images("r/a.png"), groups)


def test_tables_are_read_as_they_were_written(tmp_path):
    own = [cell(1, 0.8, cell_type="plasma cell"), cell(2, np.nan)]
    found = read_results([write_results(tmp_path / "r", {"=a.png": own})])
    assert [one.measure.cell_type for one in found] == ["plasma cell", ""]
    assert found[0].measure.cnr == pytest.approx(own[0].cnr)
    assert found[1].measure.flags == own[1].flags
    assert [image.path for image in images_of(found)] == ["r/=a.png"]
    assert found[0].made_by["model"] == "default"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("cut_by_edge", "cut_by_hand"), "line 3, states the flag 'cut_by_hand'"),
        (("0.8", "-0.8"), "line 2, states '-0.8' as cnr"),
        (("cnr_low", "low"), "no column cnr_low"),
        (("a.png,0,2", "a.png,0,1"), "line 3, states a cell that another line has"),
        (("a.png,0,2", "a.png,0,x"), "line 3, states 'x' as cell"),
        (("plasma cell", "a;b"), "line 2, has a type that is none: 'a;b'"),
    ],
)
def test_a_table_that_cannot_be_understood_is_not_passed_over(tmp_path, change, said):
    folder = write_results(tmp_path / "r", {"a.png": [cell(1, 0.8, cell_type="plasma cell"), cell(2, np.nan)]})
    text = (folder / "cells.csv").read_text(encoding="utf-8")
    assert change[0] in text
    (folder / "cells.csv").write_text(text.replace(*change, 1), encoding="utf-8")
    with pytest.raises(LeukocyteError, match=said):
        read_results([folder])


def test_results_that_are_not_there_are_named(tmp_path):
    write_results(tmp_path / "r", {"a.png": [cell()]})
    write_results(tmp_path / "none", {"a.png": []})
    for results, said in (
        ([], "No results"),
        ([tmp_path], "has no cells.csv"),
        ([tmp_path / "x"], "does not exist"),
        ([tmp_path / "r", tmp_path / "r" / "cells.csv"], "given twice"),
        ([tmp_path / "none"], "There is no cell"),
    ):
        with pytest.raises(LeukocyteError, match=said):
            read_results(results)


def test_images_that_came_in_by_slides_lie_in_the_folder_of_their_slide(tmp_path):
    classes = np.zeros((40, 60), np.uint8)
    classes[5:30, 5:30], classes[10:22, 10:22] = 1, 2
    for folder in ("slide 7/Neutrophils", "slide 7/12_Blast_cells", "slide 8/Neutrophils"):
        (tmp_path / "export" / folder).mkdir(parents=True)
        Image.fromarray(classes).save(tmp_path / "export" / folder / "1.png")
    command = ["import", str(tmp_path / "export"), "--folders", "--out", str(tmp_path / "res"), "--pixel-size", "0.2"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    cells = read_results([tmp_path / "res"])
    found = group_images(images_of(cells), "{slide}/*")
    assert sorted((sample.slide, cell.measure.cell_type) for cell in cells for sample in [found.of[cell.image]]) == [
        ("slide 7", "Blast cells"),
        ("slide 7", "Neutrophils"),
        ("slide 8", "Neutrophils"),
    ]
