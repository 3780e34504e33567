"""People: what they may see, how they sign in, and how it ends."""
