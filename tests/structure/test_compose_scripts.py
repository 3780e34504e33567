"""init.sh, certificate.sh and health.py: what the containers run before and beside Hintline."""

from __future__ import annotations

import os
import shutil
import ssl
import stat
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from cryptography import x509

COMPOSE = Path(__file__).parents[2] / "compose"
SECRETS = {
    "POSTGRES_PASSWORD", "DATABASE_URL", "VALKEY_PASSWORD", "REDIS_URL", "HINTLINE_SECRET_KEY",
    "VLLM_API_KEY", "GRAFANA_PASSWORD", "FLOWER_PASSWORD",
}  # fmt: skip


def environment(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of what init.sh works on."""
    for name in ("init.sh", "env.example"):
        shutil.copy(COMPOSE / name, tmp_path)
    return tmp_path


def init(folder: Path) -> str:
    command = ["sh", str(folder / "init.sh")]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout


def test_init_fills_in_every_secret(folder: Path) -> None:
    init(folder)

    given, made = environment(folder / "env.example"), environment(folder / ".env")
    assert not [name for name in SECRETS if given[name]]
    assert {name for name in given if made[name] != given[name]} == SECRETS
    assert all(len(made[name]) > 40 for name in SECRETS)
    assert len({made[name] for name in SECRETS}) == len(SECRETS)
    assert made["POSTGRES_PASSWORD"] in made["DATABASE_URL"]
    assert made["VALKEY_PASSWORD"] in made["REDIS_URL"]
    assert stat.S_IMODE((folder / ".env").stat().st_mode) == 0o600


def test_init_leaves_what_is_there(folder: Path) -> None:
    init(folder)
    before = (folder / ".env").read_text()

    assert "there already" in init(folder)
    assert (folder / ".env").read_text() == before


def test_init_brings_the_images_up_to_date_and_nothing_else(folder: Path) -> None:
    init(folder)
    made = environment(folder / ".env")
    lines = [line for line in (folder / ".env").read_text().splitlines() if "NGINX" not in line]
    old = (
        "\n".join(lines).replace(made["VALKEY_IMAGE"], "valkey/valkey:1").replace("=Asia/", "=Any/")
    )
    (folder / ".env").write_text(old)

    init(folder)

    assert environment(folder / ".env") == made | {"HINTLINE_TIME_ZONE": "Any/Seoul"}
    assert stat.S_IMODE((folder / ".env").stat().st_mode) == 0o600


def certificate(folder: Path, hosts: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", str(COMPOSE / "certificate.sh"), str(folder)],
        env=os.environ | {"HINTLINE_HOSTS": hosts},
        capture_output=True, text=True, timeout=30,
    )  # fmt: skip


def test_a_certificate_is_made_for_the_hosts(tmp_path: Path) -> None:
    assert certificate(tmp_path, "hints.example.edu,127.0.0.1,[::1]").returncode == 0

    chain, key = tmp_path / "fullchain.pem", tmp_path / "privkey.pem"
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(chain, key)
    made = x509.load_pem_x509_certificate(chain.read_bytes())
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert names.value.get_values_for_type(x509.DNSName) == ["hints.example.edu"]
    assert [str(each) for each in names.value.get_values_for_type(x509.IPAddress)] == [
        "127.0.0.1",
        "::1",
    ]
    assert not made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert (made.not_valid_after_utc - made.not_valid_before_utc).days == 825
    assert stat.S_IMODE((tmp_path / "privkey.pem").stat().st_mode) == 0o600


def test_a_given_certificate_is_left_alone(tmp_path: Path) -> None:
    for name in ("fullchain.pem", "privkey.pem"):
        (tmp_path / name).write_text(f"given {name}")

    assert certificate(tmp_path, "localhost").returncode == 0
    assert (tmp_path / "privkey.pem").read_text() == "given privkey.pem"


@pytest.mark.parametrize("given", ["fullchain.pem", "privkey.pem"])
def test_half_a_certificate_stops_the_start(tmp_path: Path, given: str) -> None:
    (tmp_path / given).write_text("given")

    done = certificate(tmp_path, "localhost")
    assert done.returncode == 1
    assert f"{given} alone" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == [given]


class Answer(BaseHTTPRequestHandler):
    """Answers 200 to the host hints.example.edu, 400 to others."""

    def do_GET(self) -> None:
        self.send_response(200 if self.headers["Host"] == "hints.example.edu" else 400)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        return


def health(url: str, hosts: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(COMPOSE / "health.py"), url],
        env=os.environ | {"HINTLINE_HOSTS": hosts}, capture_output=True, text=True, timeout=30,
    )  # fmt: skip


def test_health_asks_under_the_sites_name() -> None:
    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/x"
        good = health(url, "hints.example.edu,other")
        bad = health(url, "other")
        server.shutdown()
        thread.join()
    silent = health(url, "other")

    assert good.returncode == 0
    assert (bad.returncode, silent.returncode) == (1, 1)
    assert "400" in bad.stderr
