"""What every operation under /v1 shares: the API object, its errors, the bounds of a request."""
