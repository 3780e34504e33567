"""gunicorn's settings, for `--config python:web.ops.gunicorn`: its lines have our form too."""

from broker.base.settings import need
from web.ops import logs

logconfig_dict = logs.config(need("HINTLINE_LOG_FORMAT", str), need("HINTLINE_LOG_LEVEL", str))
logconfig_dict["loggers"]["gunicorn.error"] = logs.OURS
