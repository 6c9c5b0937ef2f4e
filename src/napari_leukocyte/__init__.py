"""White blood cells in stained smears: segmentation, cytoplasm-to-nucleus ratio, correction, training."""

from importlib.metadata import version

__version__ = version("napari-leukocyte")
