"""The fixtures of the insights tests."""

from tests.insights.conftest import client_with, loading

__all__ = ["client_with", "loading"]
