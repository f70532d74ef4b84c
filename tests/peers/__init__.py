"""Servers of others, played on loopback as strictly as their documentation has them."""
