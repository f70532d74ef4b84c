"""What an author sees while writing: the gallery, served from memory and renewed at every save."""
