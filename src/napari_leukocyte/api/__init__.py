"""The package for Python programs; ``import napari_leukocyte`` offers these names."""
