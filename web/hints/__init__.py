"""Hints: the rows, the one module that writes them, the API and the admin."""
