"""Training sets: a folder of plain files with images, accepted masks, drafts and models."""
