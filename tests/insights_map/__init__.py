"""Tests of the journey map: figures, drawing, pages."""
