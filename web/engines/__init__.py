"""Which AI writes hints: the mode, the engines, and whether they answer."""
