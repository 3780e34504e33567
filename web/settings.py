"""Django's settings; every value from the environment comes through broker.base.settings."""

from pathlib import Path
from typing import Any

import dj_database_url
from csp.constants import NONCE, NONE, SELF

from broker.base.folder import private
from broker.base.settings import check_environment, need, read
from web.ops import logs
from web.ops.secret import kept_secret
from web.tutor import languages

check_environment()

BASE = Path(__file__).resolve().parent.parent
DATA = (BASE / need("HINTLINE_DATA", str)).resolve()
private(DATA)

SECRET_KEY = read("HINTLINE_SECRET_KEY", str) or kept_secret(DATA / "secret_key")
SECRET_KEY_FALLBACKS = [
    key.strip()
    for key in (read("HINTLINE_SECRET_KEY_FALLBACKS", str) or "").split(",")
    if key.strip()
]
SALT_KEY = "hintline.stored-api-keys"
DEBUG = need("HINTLINE_DEBUG", bool)
HTTPS = need("HINTLINE_HTTPS", bool)
ALLOWED_HOSTS = need("HINTLINE_HOSTS", str).split(",")
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ALLOWED_HOSTS] if HTTPS else []
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
# HINTLINE_HTTPS decides on all of these; web.ops.checks says so. The proxy redirects.
SILENCED_SYSTEM_CHECKS = [
    f"security.W{number}" for number in ("004", "005", "008", "012", "016", "021")
]

BACKLOG_MAX = need("HINTLINE_BACKLOG_MAX", int)
HINT_TTL_S = need("HINTLINE_HINT_TTL_S", int)
RAW_DAYS = need("HINTLINE_RAW_DAYS", int)
RECORD_DAYS = need("HINTLINE_RECORD_DAYS", int)
ACTION_DAYS = 400
"""Days that is kept what people did, and what models cost: a year, and some to look into it."""
MAX_STREAMS = need("HINTLINE_MAX_STREAMS", int)
METRICS_TOKEN = read("HINTLINE_METRICS_TOKEN", str) or ""

INSTALLED_APPS = [
    "web.people.adminapp.CourseAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_celery_results",
    "axes",
    "ninja",
    "web.people.apps.PeopleConfig",
    "web.courses",
    "web.hints",
    "web.engines",
    "web.fleet",
    "web.evaluation.apps.EvaluationConfig",
    "web.pages",
    "web.ops",
    "web.ops.hints.apps.HintListsConfig",
]
MIDDLEWARE = [
    "web.ops.pages.for_machines",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "web.people.private.PrivateMiddleware",
    "web.api.request_id.RequestIdMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "web.api.edge.ApiProblemMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "axes.middleware.AxesMiddleware",
    "web.api.nul.NulMiddleware",
]
ROOT_URLCONF = "web.urls"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "web.people.site.entrance",
            ]
        },
    }
]

DATABASE: Any = dj_database_url.parse(
    read("DATABASE_URL", str) or f"sqlite:///{DATA / 'hintline.sqlite3'}",
    # Each thread keeps its connection: to make one takes longer than all that is asked of it.
    conn_max_age=60,
    conn_health_checks=True,
)
DATABASE_OPTIONS: dict[str, dict[str, Any]] = {
    "django.db.backends.sqlite3": {
        "timeout": 20,
        # A transaction that reads first and writes later would fail at once on a busy database.
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    },
    "django.db.backends.postgresql": {
        # A server that does not answer, or whose machine is gone, holds no request for long: libpq
        # would wait for ever, and the kernel for a quarter of an hour.
        "connect_timeout": 5,
        "tcp_user_timeout": 20_000,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 2,
    },
}
DATABASE["OPTIONS"] = DATABASE_OPTIONS.get(DATABASE["ENGINE"], {}) | DATABASE.get("OPTIONS", {})
DATABASES = {"default": DATABASE}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

SESSION_ENGINE = "web.people.sessions"
AUTH_USER_MODEL = "people.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "web.people.sessions.UserBackend",
    "web.people.site.MembershipBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "login"
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_CLIENT_IP_CALLABLE = "web.people.peer.network"
AXES_HANDLER = "web.people.signin.SignInHandler"
AXES_RESET_ON_SUCCESS = True
# Trying on while one waits is not counted, so the time to wait that was told stays true.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_VERBOSE = False
AXES_LOCKOUT_CALLABLE = "web.people.signin.locked"

LANGUAGE_CODE = languages.DEFAULT
LANGUAGES = [(code, language.name) for code, language in languages.LANGUAGES.items()]
LOCALE_PATHS = [BASE / "web" / "locale"]
TIME_ZONE = need("HINTLINE_TIME_ZONE", str)

STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True

# The policy stays one dict: Django 6 has its own setting for it.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

# A POST body holds one program; the API checks the code's own size and says so.
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

LOGGING = logs.config(need("HINTLINE_LOG_FORMAT", str), need("HINTLINE_LOG_LEVEL", str))
