"""One Markdown article becomes the letters of an email course: no clock, network or database."""
