"""The fleet: how many workers are wanted, what runs, and the page and commands that change it."""
