"""The colours of the classes: in mask files, and on the screen."""

__all__ = ["MASK_COLOURS", "PALETTES"]

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
