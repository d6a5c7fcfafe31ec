"""Which numbers and meanings follow from counts: pure functions, no input or output."""
