"""Runs inside the sandbox, and imports nothing of the project."""
