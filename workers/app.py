"""The Celery app of the workers: the shared settings, our pool, results in the database."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "web.settings")

from celery import Celery, signals

from broker import queue
from broker.connect import default_url

app = Celery("hintline", broker=queue.kombu_url(default_url()))
app.conf.update(
    queue.CELERY
    | {
        "result_backend": "workers.results:Results",
        "worker_pool": "workers.pool:AsyncioPool",
        "worker_hijack_root_logger": False,
    }
)

# Heard at all, this signal keeps Celery from adding handlers of its own beside Django's.
signals.setup_logging.connect(lambda **_: None, weak=False)
