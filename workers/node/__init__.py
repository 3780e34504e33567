"""The supervisor of one machine's worker processes."""
