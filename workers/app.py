"""The Celery app of the workers: the shared settings, our pool, results in the database."""

from __future__ import annotations

import os

# Celery brings Django along only if this is set when the app is made.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "web.settings")

from celery import Celery, signals

from broker.base.settings import exit_on_bad_settings

exit_on_bad_settings()

from broker import queue, urls  # noqa: E402  # reads settings as it is loaded
from broker.connect import default_url  # noqa: E402

app = Celery("hintline", broker=urls.for_celery(default_url()))
app.conf.update(
    queue.CELERY
    | {
        "broker_use_ssl": urls.tls(default_url()),
        "result_backend": "workers.results:Results",
        "worker_pool": "workers.pool.pool:AsyncioPool",
        "worker_consumer": "workers.pool.consumer:ReconnectingConsumer",
        "worker_hijack_root_logger": False,
    }
)

# Heard at all, this signal keeps Celery from adding handlers of its own beside Django's.
signals.setup_logging.connect(lambda **_: None, weak=False)
