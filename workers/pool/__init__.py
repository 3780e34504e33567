"""Celery on asyncio: it runs coroutine tasks on one loop, and knows nothing of hints."""
