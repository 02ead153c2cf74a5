"""What TensorFlow writes: SavedModels, frozen graphs and checkpoints, read by field number."""
