"""Tests of channel flows."""
