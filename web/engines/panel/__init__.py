"""The page where the owner chooses how AI is served: /ops/ai/."""
