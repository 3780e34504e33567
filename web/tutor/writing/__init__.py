"""What a model is asked for: the prompts and their versioned policies."""
