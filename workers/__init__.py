"""The Celery side: turns a claimed job into an outcome."""
