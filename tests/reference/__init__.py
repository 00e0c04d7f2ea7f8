"""The definitions as an obvious, slow program, to hold the detection core against."""
