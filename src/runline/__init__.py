"""Runline: a real-time sportsbook execution engine for pay-per-head operators."""

__version__ = "0.1.0"
