"""Running the product: start, seed, health, logs, secrets."""
