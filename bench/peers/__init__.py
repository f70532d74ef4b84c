"""The stacks that people usually build for this, to the same sink, with the same letter."""
