"""The compose files, env.example and the settings say the same, and each file is whole."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from broker.base.settings import TABLE

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "compose"
ONE, VLLM, OBSERVE, SWARM = (
    yaml.safe_load((COMPOSE / name).read_text())
    for name in ("compose.yml", "compose.vllm.yml", "compose.observe.yml", "swarm.yml")
)
STACKS = {"compose.yml": ONE, "compose.vllm.yml": VLLM, "compose.observe.yml": OBSERVE}
ALL = [(f"{file}:{name}", service) for file, stack in (STACKS | {"swarm.yml": SWARM}).items()
       for name, service in stack["services"].items()]  # fmt: skip
# Services that only add to one of another file.
PARTS = {"compose.vllm.yml:local", "compose.observe.yml:web", "compose.observe.yml:node"}
ONCE = {"prepare", "engines"}
OURS = {"web", "events", "node", "prepare"}
USED = re.compile(r"(?<!\$)\$\{(\w+)")


def environment(text: str) -> dict[str, str]:
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


EXAMPLE = environment((COMPOSE / "env.example").read_text())


def services() -> list[Any]:
    return [pytest.param(service, id=name) for name, service in ALL if name not in PARTS]


def test_every_setting_is_in_the_example_and_good() -> None:
    assert set(TABLE) <= set(EXAMPLE)
    for name in TABLE:
        if EXAMPLE[name]:
            TABLE[name].parse(EXAMPLE[name])


def test_the_example_has_what_the_files_use_and_nothing_else() -> None:
    texts = {name: (COMPOSE / name).read_text() for name in STACKS}
    used = {name for text in texts.values() for name in USED.findall(text)}

    assert used <= set(EXAMPLE)
    assert set(EXAMPLE) <= used | set(TABLE) | {"COMPOSE_PROJECT_NAME"}


def test_a_default_in_the_files_is_that_of_the_example() -> None:
    for name in (*STACKS, "swarm.yml"):
        pairs = re.findall(r"(?<!\$)\$\{(\w+):-([^}]*)\}", (COMPOSE / name).read_text())
        assert not [(key, value) for key, value in pairs if EXAMPLE.get(key, value) != value]


def images() -> list[str]:
    """As the files spell them, each once for every place where it stands."""
    texts = [(COMPOSE / name).read_text() for name in (*STACKS, "swarm.yml")]
    found = [image for text in texts for image in re.findall(r"^ +image: (\S+)", text, re.M)]
    found = [image for image in found if not image.startswith("${")]
    found += [image for name, image in EXAMPLE.items() if name.endswith("_IMAGE")]
    dockerfile = (COMPOSE / "Dockerfile").read_text()
    stages = set(re.findall(r"AS (\w+)", dockerfile))
    found += re.findall(r"^ARG \w+=(\S+:\S+)", dockerfile, re.M)
    return found + [
        image
        for image in re.findall(r"^FROM (\S+)", dockerfile, re.M)
        if image not in stages and not image.startswith("${")
    ]


def test_every_image_is_of_one_version_exactly() -> None:
    assert len(images()) >= 7
    assert not [image for image in images() if not re.search(r":v?\d+\.\d+\.?\d*(-\w+)?$", image)]
    # PostgreSQL counts its versions in two numbers.
    short = [image for image in images() if not re.search(r":v?\d+\.\d+\.\d+", image)]
    assert [image.split(":")[0] for image in short] == ["postgres"]


def test_every_image_is_spelled_in_one_place() -> None:
    names = [image.split(":")[0] for image in images()]

    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("service", services())
def test_what_a_service_runs_is_ours_or_has_a_version(service: dict[str, Any]) -> None:
    assert re.match(r"\$\{(IMAGE|[A-Z]+_IMAGE)[:}]|\S+:v?\d", service["image"])


@pytest.mark.parametrize(("name", "service"), [each for each in ALL if each[0] not in PARTS])
def test_every_service_that_stays_says_how_it_is(name: str, service: dict[str, Any]) -> None:
    if name.split(":")[1] in ONCE or name == "swarm.yml:valkey":
        return
    assert service["healthcheck"]["test"]
    assert "swarm" in name or service["restart"] == "unless-stopped"


def test_the_web_is_asked_whether_it_is_ready_but_killed_only_if_it_is_dead() -> None:
    for name in ("web", "events"):
        assert "/readyz" in ONE["services"][name]["healthcheck"]["test"][-1]
        assert "/livez" in SWARM["services"][name]["healthcheck"]["test"][-1]


def test_no_server_of_ours_believes_who_it_is_told_to_speak_to() -> None:
    for stack in (ONE, SWARM):
        assert "--no-proxy-headers" in stack["services"]["events"]["command"]
        assert "forwarded-allow-ips" not in stack["services"]["web"]["command"]


def test_what_runs_once_is_not_started_again() -> None:
    assert ONE["services"]["prepare"]["restart"] == "no"
    assert VLLM["services"]["engines"]["restart"] == "no"


@pytest.mark.parametrize("stack", [ONE, SWARM], ids=["one", "swarm"])
@pytest.mark.parametrize("name", sorted(OURS))
def test_our_containers_can_change_nothing_but_their_volumes(
    stack: dict[str, Any], name: str
) -> None:
    service = stack["services"][name]

    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]


def test_the_image_does_not_run_as_root() -> None:
    lines = (COMPOSE / "Dockerfile").read_text().splitlines()
    stages = "\n".join(lines).split("\nFROM ")[1:]

    assert len(stages) == 6
    assert all(re.findall(r"^USER (\w+)", each, re.M)[-1:] in ([], ["hintline"]) for each in stages)


def test_only_nginx_is_open_to_others() -> None:
    ports = {name: each["ports"] for name, each in ALL if "ports" in each}

    assert set(ports) == {"compose.yml:nginx", "compose.observe.yml:grafana",
                          "compose.observe.yml:flower", "swarm.yml:nginx"}  # fmt: skip
    assert all(
        port.startswith("127.0.0.1:")
        for name, each in ports.items()
        if "observe" in name
        for port in each
    )


def test_every_file_that_is_mounted_is_there() -> None:
    mounts = [str(volume).split(":")[0] for _, each in ALL for volume in each.get("volumes", [])]
    files = [mount for mount in mounts if mount.startswith("./") and mount != "./models"]
    files += [config["file"] for config in SWARM["configs"].values()]

    assert len(files) > 6
    assert not [file for file in files if not (COMPOSE / file).is_file()]


def test_swarm_starts_the_same_processes() -> None:
    for name in ("web", "events", "node"):
        one, swarm = ONE["services"][name], SWARM["services"][name]
        assert re.sub(r"\$\{\w+:-(\w+)\}", r"\1", one["command"]) == swarm["command"]
        assert one["stop_grace_period"] == swarm["stop_grace_period"]
    for name in ("gpu0", "gpu1"):
        assert VLLM["services"][name]["command"] == SWARM["services"][name]["command"]
    for name in set(ONE["services"]) & set(SWARM["services"]) - OURS:
        one, swarm = (stack["services"][name]["image"] for stack in (ONE, SWARM))
        assert USED.findall(one) == USED.findall(swarm) != []


def test_each_vllm_has_a_gpu_of_its_own_and_time_to_finish() -> None:
    gpus = [VLLM["services"][name] for name in ("gpu0", "gpu1")]
    devices = [each["deploy"]["resources"]["reservations"]["devices"][0] for each in gpus]

    assert [each["device_ids"] for each in devices] == [["0"], ["1"]]
    for each in gpus:
        flags = dict(flag.partition("=")[::2] for flag in each["command"][1:])
        grace_s = int(each["stop_grace_period"].removesuffix("s"))
        assert int(flags["--shutdown-timeout"]) < grace_s
        assert flags["--scheduling-policy"] == "priority"
        assert not [flag for flag in flags if "key" in flag], "a key in the list of processes"


def test_vllm_takes_a_few_more_than_its_slots() -> None:
    assert int(EXAMPLE["VLLM_QUEUED"]) == int(EXAMPLE["VLLM_SLOTS"]) + 8


def location(path: str) -> str:
    text = (COMPOSE / "nginx" / "nginx.conf").read_text()
    found = re.search(rf"location {re.escape(path)} \{{(.*?)\n        \}}", text, re.DOTALL)
    assert found, path
    return found[1]


def test_nginx_passes_events_on_at_once() -> None:
    events = location("= /v1/events")

    assert "proxy_pass $events" in events
    for line in ("proxy_buffering off;", "gzip off;", "proxy_read_timeout 75s;"):
        assert line in events
    proxy = (COMPOSE / "nginx" / "proxy.conf").read_text()
    assert "proxy_http_version 1.1;" in proxy
    assert 'proxy_set_header Connection "";' in proxy


def test_nginx_shows_no_metrics() -> None:
    assert "return 404;" in location("/metrics")


def test_prometheus_asks_services_that_are_there() -> None:
    config = yaml.safe_load((COMPOSE / "observe" / "prometheus.yml").read_text())
    names = {name for job in config["scrape_configs"] for sd in job["dns_sd_configs"]
             for name in sd["names"]}  # fmt: skip

    assert names <= set(ONE["services"]) | set(VLLM["services"])
    node = next(job for job in config["scrape_configs"] if job["job_name"] == "node")
    assert node["dns_sd_configs"][0]["port"] == int(EXAMPLE["HINTLINE_METRICS_PORT"])


def counted() -> set[str]:
    """Every series of ours, by the names that the code gives them."""
    texts = [path.read_text() for folder in ("broker", "web", "workers")
             for path in (ROOT / folder).rglob("*.py")]  # fmt: skip
    names = {name for text in texts for name in re.findall(r'"(hint_[a-z_]+)"', text)}
    return names | {f"{name}_{end}" for name in names for end in ("total", "bucket")}


def test_dashboard_and_alerts_show_what_is_counted() -> None:
    dashboard = json.loads((COMPOSE / "observe" / "dashboard.json").read_text())
    alerts = yaml.safe_load((COMPOSE / "observe" / "alerts.yml").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    queries += [rule["expr"] for group in alerts["groups"] for rule in group["rules"]]
    shown = {name for query in queries for name in re.findall(r"hint_[a-z_]+", query)}

    assert len(shown) > 10
    assert shown <= counted()


def composes() -> list[list[str]]:
    """What this machine has of docker-compose (old) and docker compose (new)."""
    found = []
    for command in (["docker-compose"], ["docker", "compose"]):
        if shutil.which(command[0]):
            done = subprocess.run([*command, "version"], capture_output=True, timeout=30)
            found += [command] if done.returncode == 0 else []
    return found


@pytest.mark.parametrize("extra", [[], ["compose.vllm.yml"], ["compose.observe.yml"]])
def test_compose_reads_its_files(tmp_path: Path, extra: list[str]) -> None:
    copy = tmp_path / "compose"
    shutil.copytree(COMPOSE, copy, ignore=shutil.ignore_patterns(".env", "models"))
    subprocess.run(["sh", str(copy / "init.sh")], check=True, capture_output=True, timeout=30)
    files = [part for name in ("compose.yml", *extra) for part in ("-f", str(copy / name))]

    for command in composes():
        done = subprocess.run(
            [*command, *files, "--project-directory", str(copy), "config", "-q"],
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
