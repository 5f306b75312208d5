"""Combining what several teachers said."""
