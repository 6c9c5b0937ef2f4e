"""What the pictures of the documentation show, and the hands that work napari for them."""
