"""The compose stack, started and put to the test on a real Docker engine."""
