"""One attempt at a hint, from the doorbell to the freed slot."""
