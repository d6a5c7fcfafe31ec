"""What a run leaves behind: the artifacts' shapes, the folder they live in, and its manifest."""
