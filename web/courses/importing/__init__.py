"""Exercises from other places: a package is read, becomes drafts, and is written into a course."""
