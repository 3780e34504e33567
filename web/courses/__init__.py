"""Courses, their members, their exercises and the hints their authors wrote."""
