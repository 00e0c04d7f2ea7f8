"""Tests of the rules' declarations and settings."""
