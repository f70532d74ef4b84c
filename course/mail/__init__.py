"""What RFC 5322 and MIME ask of a letter, encoded once."""
