import numpy as np
import pytest
from scipy import ndimage as ndi

from napari_leukocyte.core.errors import LeukocyteError
from napari_leukocyte.core.synthetic.leukocytes import CELL_TYPES
from napari_leukocyte.core.synthetic.smear import Smear, draw_cell, draw_field, draw_stack
from napari_leukocyte.core.synthetic.stain import STAINS

# Equivalent diameters on a dried smear, um.
CELL_DIAMETER = {
    "neutrophil": (12, 14.5),
    "eosinophil": (12, 15),
    "basophil": (11, 14),
    "lymphocyte": (8, 12),
    "monocyte": (14, 19),
}
CROP_UM = 24.0
FIELD_UM = (70, 90)


def crop(seed: int, cell_type: str, px_per_um: float = 5) -> Smear:
    side = round(CROP_UM * px_per_um)
    return draw_cell(seed=seed, cell_type=cell_type, size=(side, side), px_per_um=px_per_um)


def field(seed: int, px_per_um: float = 4, n_cells: int | None = 5) -> Smear:
    height, width = (round(side * px_per_um) for side in FIELD_UM)
    return draw_field(seed=seed, size=(height, width), px_per_um=px_per_um, n_cells=n_cells)


def diameter(mask: np.ndarray, smear: Smear) -> float:
    return float(np.sqrt(4 * np.count_nonzero(mask) / np.pi)) * smear.pixel_size


def at_edge(mask: np.ndarray) -> bool:
    return bool(mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any())


def assert_agrees(smear: Smear) -> None:
    shape = smear.classes.shape
    assert smear.image.dtype == np.uint8
    assert smear.image.shape == (*shape, 3)
    assert smear.classes.dtype == np.uint8
    assert smear.cells.dtype == np.int32
    assert smear.cells.shape == shape
    assert set(np.unique(smear.classes)) <= {0, 1, 2}
    np.testing.assert_array_equal(smear.classes > 0, smear.cells > 0)
    ids = np.unique(smear.cells[smear.cells > 0])
    np.testing.assert_array_equal(ids, np.arange(1, ids.size + 1))
    for number in ids:
        mask = smear.cells == number
        if not at_edge(mask):
            assert set(np.unique(smear.classes[mask])) == {1, 2}


def assert_same(a: Smear, b: Smear) -> None:
    np.testing.assert_array_equal(a.image, b.image)
    np.testing.assert_array_equal(a.classes, b.classes)
    np.testing.assert_array_equal(a.cells, b.cells)
    assert a.pixel_size == b.pixel_size


@pytest.mark.parametrize("cell_type", CELL_TYPES)
@pytest.mark.parametrize("px_per_um", [5, 10])
def test_one_cell_agrees_and_has_a_physiological_size(cell_type, px_per_um):
    for seed in range(3):
        smear = crop(seed, cell_type, px_per_um)
        assert_agrees(smear)
        assert smear.cells.max() == 1
        assert smear.pixel_size == 1 / px_per_um
        low, high = CELL_DIAMETER[cell_type]
        assert 0.97 * low <= diameter(smear.cells == 1, smear) <= 1.03 * high
        nucleus = diameter(smear.classes == 2, smear)
        if cell_type == "lymphocyte":
            assert 0.9 * 7 <= nucleus <= 1.03 * 9.5


@pytest.mark.parametrize("cell_type", CELL_TYPES)
def test_one_cell_is_in_the_middle_and_in_one_piece(cell_type):
    smear = crop(11, cell_type)
    y, x = ndi.center_of_mass(smear.cells > 0)
    assert np.hypot(y - smear.cells.shape[0] / 2, x - smear.cells.shape[1] / 2) * smear.pixel_size < 2
    labels, _ = ndi.label(smear.cells > 0, structure=np.ones((3, 3)))
    assert np.bincount(labels.ravel())[1:].max() >= 0.995 * np.count_nonzero(smear.cells)


def test_same_seed_same_smear_other_seed_other_smear():
    assert_same(crop(5, "monocyte"), crop(5, "monocyte"))
    other = crop(6, "monocyte")
    assert (crop(5, "monocyte").classes != other.classes).any()
    assert (crop(5, "monocyte").image != other.image).any()


@pytest.mark.parametrize("cell_type", CELL_TYPES)
def test_geometry_does_not_depend_on_the_resolution(cell_type):
    coarse, fine = crop(21, cell_type, 5), crop(21, cell_type, 10)
    for mask_coarse, mask_fine in (
        (coarse.cells > 0, fine.cells > 0),
        (coarse.classes == 2, fine.classes == 2),
    ):
        mask_fine = mask_fine.reshape(mask_coarse.shape[0], 2, -1, 2).mean(axis=(1, 3)) >= 0.5
        overlap = np.count_nonzero(mask_coarse & mask_fine) / np.count_nonzero(mask_coarse | mask_fine)
        assert overlap > 0.95


def test_image_does_not_depend_on_the_resolution_but_for_sharpness_and_noise():
    coarse, fine = crop(22, "eosinophil", 5).image, crop(22, "eosinophil", 10).image
    small = fine.reshape(coarse.shape[0], 2, -1, 2, 3).mean(axis=(1, 3))
    assert np.abs(ndi.gaussian_filter(small - coarse, (2, 2, 0))).mean() < 4


@pytest.mark.parametrize("stain", STAINS)
@pytest.mark.parametrize("cell_type", CELL_TYPES)
def test_nucleus_takes_more_stain_than_cytoplasm_and_cytoplasm_more_than_glass(stain, cell_type):
    smear = draw_cell(seed=3, cell_type=cell_type, size=(110, 110), px_per_um=5, stain=stain)
    assert smear.stain == stain
    green = smear.image[..., 1].astype(float)
    glass = np.percentile(green[smear.classes == 0], 95)
    cytoplasm, nucleus = (np.log10(glass / np.median(green[smear.classes == number])) for number in (1, 2))
    assert cytoplasm > 0.05
    assert nucleus > 0.15
    # granules of eosinophils and basophils are dark as well
    assert nucleus > {"basophil": 1.1, "eosinophil": 1.2}.get(cell_type, 1.5) * cytoplasm


@pytest.mark.parametrize("seed", range(4))
def test_field_has_a_touching_pair_and_a_cut_cell(seed):
    smear = field(seed)
    assert_agrees(smear)
    assert smear.cells.max() == 5
    cut = [number for number in range(1, 6) if at_edge(smear.cells == number)]
    assert cut == [1]
    touching = {
        (a, b)
        for a in range(1, 6)
        for b in range(a + 1, 6)
        if (ndi.binary_dilation(smear.cells == a) & (smear.cells == b)).any()
    }
    assert touching == {(2, 3)}


def test_field_is_deterministic_and_keeps_its_geometry_at_another_resolution():
    assert_same(field(8), field(8))
    coarse, fine = field(8, 4), field(8, 8)
    small = fine.cells[::2, ::2]
    assert np.mean(coarse.cells == small) > 0.99


def test_field_chooses_how_many_cells_by_its_area():
    smear = draw_field(seed=1, size=(420, 500), px_per_um=4)
    assert_agrees(smear)
    assert smear.cells.max() == 5


def test_field_of_fewer_than_four_cells_has_none_cut():
    smear = field(2, n_cells=3)
    assert smear.cells.max() == 3
    assert not at_edge(smear.cells > 0)


def test_each_cell_has_its_type_and_its_exact_ratio():
    smear = field(4)
    assert len(smear.cell_types) == smear.cells.max() == len(smear.cnrs())
    assert set(smear.cell_types) <= set(CELL_TYPES)
    for number, ratio in enumerate(smear.cnrs(), start=1):
        own = smear.cells == number
        if at_edge(own):
            assert np.isnan(ratio)
        else:
            counts = np.bincount(smear.classes[own])
            assert ratio == counts[1] / counts[2]
    assert 1 <= np.count_nonzero(np.isnan(smear.cnrs())) < 5


def test_stack_mixes_types_and_is_deterministic():
    planes = draw_stack(seed=4, n=6, size=(100, 110), px_per_um=5)
    assert len(planes) == 6
    for plane, again in zip(planes, draw_stack(seed=4, n=6, size=(100, 110), px_per_um=5), strict=True):
        assert plane.image.shape == (100, 110, 3)
        assert_agrees(plane)
        assert_same(plane, again)
    assert len({plane.image.tobytes() for plane in planes}) == 6


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: draw_cell(seed=0, size=(0, 10)), "size"),
        (lambda: draw_cell(seed=0, size=(10, -1)), "size"),
        (lambda: draw_field(seed=0, size=(0, 0)), "size"),
        (lambda: draw_stack(seed=0, size=(0, 10)), "size"),
        (lambda: draw_cell(seed=0, px_per_um=0), "resolution"),
        (lambda: draw_cell(seed=0, px_per_um=-10), "resolution"),
        (lambda: draw_cell(seed=0, px_per_um=float("nan")), "resolution"),
        (lambda: draw_field(seed=0, px_per_um=0), "resolution"),
        (lambda: draw_cell(seed=0, cell_type="plasma cell"), "cell type"),
        (lambda: draw_cell(seed=0, stain="gram"), "stain"),
        (lambda: draw_cell(seed=-1), "seed"),
        (lambda: draw_field(seed=0, n_cells=0), "at least 1"),
        (lambda: draw_stack(seed=0, n=0), "at least 1"),
        (lambda: draw_field(seed=0, size=(200, 200), px_per_um=4, n_cells=40), "do not fit"),
        (lambda: draw_field(seed=0, size=(20, 20), px_per_um=4), "no room"),
    ],
)
def test_bad_input_is_one_sentence(call, says):
    with pytest.raises(LeukocyteError, match=says) as caught:
        call()
    assert str(caught.value).endswith(".")


def test_frame_smaller_than_the_cell_is_all_cell():
    smear = draw_cell(seed=0, cell_type="monocyte", size=(8, 9), px_per_um=4)
    assert smear.image.shape == (8, 9, 3)
    assert (smear.cells == 1).all()
