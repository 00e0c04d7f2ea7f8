"""The whole platform under kill -9: what it acknowledged is there, once, and the points are those of the definitions."""
