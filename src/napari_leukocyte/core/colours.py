"""The colours of the classes and of errors: in mask files, on the screen and on paper."""

__all__ = ["DIFFERENCE_PALETTES", "MASK_COLOURS", "PALETTES", "PAPER_COLOURS", "TRUTH_COLOURS"]

# In files, by class value (thesis section 3.2): background blue, cytoplasm green, nucleus red; 8-bit RGB.
MASK_COLOURS: dict[int, tuple[int, int, int]] = {0: (0, 0, 255), 1: (0, 255, 0), 2: (255, 0, 0)}

# On the screen, by class value; RGBA in 0-1. The background is transparent, so that the image shows.
# The second pair is sky blue and orange of Okabe and Ito's set (https://jfly.uni-koeln.de/color/): they
# stay apart for every common kind of colour blindness, and both from the purple of the stain.
PALETTES: dict[str, dict[int, tuple[float, float, float, float]]] = {
    "thesis": {0: (0.0, 0.0, 0.0, 0.0), 1: (0.0, 1.0, 0.0, 1.0), 2: (1.0, 0.0, 0.0, 1.0)},
    "colour-blind safe": {
        0: (0.0, 0.0, 0.0, 0.0),
        1: (86 / 255, 180 / 255, 233 / 255, 1.0),
        2: (230 / 255, 159 / 255, 0.0, 1.0),
    },
}

# Outlines of the truth, in none of the colours of a class map: black in the pale cytoplasm, white in the dark nucleus.
TRUTH_COLOURS: dict[int, tuple[float, float, float, float]] = {
    0: (0.0, 0.0, 0.0, 0.0),
    1: (0.0, 0.0, 0.0, 1.0),
    2: (1.0, 1.0, 1.0, 1.0),
}

# In reports, by class value; 8-bit RGB. From light to dark, so that they stay apart in a grey print.
PAPER_COLOURS: dict[int, tuple[int, int, int]] = {0: (255, 255, 255), 1: (205, 190, 225), 2: (88, 60, 130)}

# Difference images, by `napari_leukocyte.core.scoring.difference.Difference`; RGBA in 0-1. The thesis's two
# (section 4.2.3) show every error, so they go with codes that were found without a band. The last tells the
# errors apart, over the image or the truth: Paul Tol's high-contrast colours (https://sronpersonalpages.nl/~pault/)
# and a grey differ for every common kind of colour blindness, and in lightness.
DIFFERENCE_PALETTES: dict[str, dict[int, tuple[float, float, float, float]]] = {
    "thesis, binary": {0: (0.0, 0.0, 0.0, 1.0), 1: (1.0, 1.0, 1.0, 1.0), 2: (0.5, 0.5, 0.5, 1.0)},
    "thesis, three-class": {0: (0.0, 0.0, 0.0, 1.0), **dict.fromkeys((1, 2, 3), (1.0, 1.0, 1.0, 1.0))},
    "colour-blind safe": {
        0: (0.0, 0.0, 0.0, 0.0),
        1: (221 / 255, 170 / 255, 51 / 255, 1.0),
        2: (0.0, 68 / 255, 136 / 255, 1.0),
        3: (187 / 255, 85 / 255, 102 / 255, 1.0),
        4: (0.6, 0.6, 0.6, 1.0),
    },
    # The same on the screen, where it lies over the coloured classes: red on red would be lost.
    "on the screen": {
        0: (0.0, 0.0, 0.0, 0.0),
        1: (1.0, 0.85, 0.1, 1.0),
        2: (0.0, 0.4, 0.95, 1.0),
        3: (0.0, 0.0, 0.0, 1.0),
        4: (0.6, 0.6, 0.6, 1.0),
    },
}
