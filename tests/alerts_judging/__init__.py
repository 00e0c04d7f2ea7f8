"""Tests of judging: settings, calendar, expected counts, rises and the other conditions, explanations, backtests."""
