"""What of a model's text may be shown: the rules, and the text as they read it."""
