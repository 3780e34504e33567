"""What a good hint is and what may be shown: pure code, without Django, Celery, redis or openai."""
