from napari_leukocyte.core.segmentation.loaded import loaded_method


def test_the_method_that_was_used_last_stays_loaded_until_its_file_changes(model_files, tmp_path):
    path = tmp_path / "mine.safetensors"
    path.write_bytes(model_files.three.read_bytes())
    first = loaded_method(str(path), "cpu")
    assert loaded_method(str(path), "cpu") is first
    path.unlink()
    path.write_bytes(model_files.two.read_bytes())
    second = loaded_method(str(path), "cpu")
    assert (first.classes, second.classes) == (3, 2)
