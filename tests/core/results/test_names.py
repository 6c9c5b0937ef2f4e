from pathlib import Path

from napari_leukocyte.core.results.names import OutputName, output_names


def test_stems_differ_also_where_case_does_not_count():
    paths = [Path("a.png"), Path("A.PNG"), Path("x/a.png"), Path("x_a.png"), Path("a.tif"), Path("a.png.tif")]
    names = output_names(paths)
    assert len({name.stem.casefold() for name in names.values()}) == len(paths)
    assert len({name.label for name in names.values()}) == len(paths)


def test_a_single_input_keeps_its_plain_stem():
    (name,) = output_names([Path("deep/folder/slide 3.v2.png")]).values()
    assert (name.label, name.stem) == ("slide 3.v2.png", "slide 3.v2")


def test_as_many_folders_as_needed():
    names = output_names([Path("p/1/a.png"), Path("q/1/a.png"), Path("q/2/a.png")])
    assert [name.label for name in names.values()] == ["p/1/a.png", "q/1/a.png", "2/a.png"]


def test_planes_of_one_file_are_one_input():
    assert list(output_names([Path("s.tif")] * 3).items()) == [(Path("s.tif"), OutputName("s.tif", "s"))]
