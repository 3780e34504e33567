"""Running the product: start, seed, replay, secrets."""
