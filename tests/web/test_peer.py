"""Who guesses passwords is locked out, and nobody else behind the same nginx."""

from __future__ import annotations

from typing import Any

import pytest
from axes.helpers import get_client_ip_address
from django.test import Client, RequestFactory

from web.people.models import User

pytestmark = pytest.mark.django_db
NGINX = "172.18.0.9"


def sign_in(client_address: str, password: str) -> int:
    form = {"username": "mina", "password": password}
    headers = {"X-Real-IP": client_address, "X-Forwarded-Proto": "https"}
    browser = Client(REMOTE_ADDR=NGINX, headers=headers)
    return browser.post("/accounts/login/", form).status_code


def test_a_guesser_locks_out_only_his_own_address(settings: Any) -> None:
    settings.HTTPS = True
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    User.objects.create_user("mina", password="right-7")

    for _ in range(settings.AXES_FAILURE_LIMIT):
        last = sign_in("203.0.113.5", "wrong")

    assert last == 429
    assert sign_in("203.0.113.5", "right-7") == 429
    assert sign_in("198.51.100.7", "right-7") == 302


def test_without_nginx_nobody_names_his_own_address(settings: Any) -> None:
    settings.HTTPS = False
    request = RequestFactory().get("/", REMOTE_ADDR="203.0.113.5", headers={"X-Real-IP": "1.2.3.4"})

    assert get_client_ip_address(request) == "203.0.113.5"
