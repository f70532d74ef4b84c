"""A lesson becomes a letter: its two parts, and the frame around them."""
