"""Runs students' programs, in a sandbox of their own."""
