"""What web and workers agree on, and everything that lives in Redis.

Knows neither Django nor openai.
"""
