"""What every operation under /v1 shares: the API object, sign-in, errors."""
