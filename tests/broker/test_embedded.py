"""The embedded Valkey: starts once, keeps its data, and leaves nobody behind."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import redis

from broker import __main__ as module
from broker.connect import Broker
from broker.embedded import SOCKET_PATH_BYTES, Embedded, EmbeddedFailed, answers, url

DEADLINE_S = 30


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def client(data_dir: Path) -> redis.Redis:
    return redis.Redis.from_url(url(data_dir), decode_responses=True)


@pytest.fixture
def command(data_dir: Path) -> Iterator[subprocess.Popen[str]]:
    """`python -m broker` on an empty folder, once it serves."""
    process = subprocess.Popen(
        [sys.executable, "-m", "broker"],
        env=os.environ | {"HINTLINE_DATA": str(data_dir)},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr
    assert process.stderr.readline() == f"Valkey serves {url(data_dir)}\n"
    yield process
    process.kill()
    process.communicate()


def server_pid(data_dir: Path) -> int:
    with client(data_dir) as redis:
        return int(redis.info("server")["process_id"])


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_data_survives_stop_and_start(data_dir: Path) -> None:
    with Embedded(data_dir) as server, client(data_dir) as redis:
        redis.set("k", "v")
        pid = server_pid(data_dir)
    assert server.child.process is None
    assert gone(pid)

    with Embedded(data_dir), client(data_dir) as redis:
        assert redis.get("k") == "v"


def test_data_survives_kill_9(data_dir: Path) -> None:
    server = Embedded(data_dir)
    server.start()
    with client(data_dir) as redis:
        redis.set("k", "v")
        # What appendfsync everysec promises; the kernel has the write in any case.
        redis.waitaof(1, 0, 5000)
    assert server.child.process is not None
    server.child.process.kill()
    server.child.process.wait()

    with Embedded(data_dir), client(data_dir) as redis:
        assert redis.get("k") == "v"


def test_it_keeps_an_append_only_file_and_never_evicts(data_dir: Path) -> None:
    with Embedded(data_dir), client(data_dir) as redis:
        config = redis.config_get("*")
    assert config["appendonly"] == "yes"
    assert config["appendfsync"] == "everysec"
    assert config["maxmemory-policy"] == "noeviction"
    assert config["port"] == "0"


def test_others_on_the_machine_cannot_reach_it(data_dir: Path) -> None:
    with Embedded(data_dir) as server:
        folder = stat.S_IMODE(server.folder.stat().st_mode)
        socket = stat.S_IMODE((server.folder / "valkey.sock").stat().st_mode)
    assert (folder, socket) == (0o700, 0o700)


def test_a_second_start_on_a_served_folder_is_refused(data_dir: Path) -> None:
    with Embedded(data_dir), client(data_dir) as redis:
        redis.set("k", "v")

        with pytest.raises(EmbeddedFailed, match="already serves"):
            Embedded(data_dir).start()

        assert redis.get("k") == "v"


def test_a_start_that_fails_says_why_and_leaves_nothing(data_dir: Path) -> None:
    (data_dir / "valkey").mkdir(mode=0o700)
    (data_dir / "valkey" / "appendonlydir").write_text("no folder")
    server = Embedded(data_dir)

    with pytest.raises(EmbeddedFailed, match=r"ended at once: .*appendonlydir: Not a directory"):
        server.start()

    assert server.child.process is None


@pytest.fixture
def kept(data_dir: Path) -> Path:
    """The append-only files of a server that has stopped: a base and what came after it."""
    with Embedded(data_dir), client(data_dir) as redis:
        redis.mset({f"k{number}": "v" * 50 for number in range(500)})
        redis.bgrewriteaof()
        until(lambda: not redis.info("persistence")["aof_rewrite_in_progress"])
        until(lambda: not redis.info("persistence")["aof_rewrite_scheduled"])
        for number in range(100):
            redis.set(f"later{number}", "v" * 50)
    return data_dir / "valkey" / "appendonlydir"


def of(kept: Path, kind: str) -> Path:
    (found,) = kept.glob(f"*.{kind}.*")
    return found


def overwrite(path: Path, at: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "garbled": lambda kept: overwrite(of(kept, "incr"), 2000, b"\xff" * 200),
    "zeros": lambda kept: overwrite(of(kept, "incr"), of(kept, "incr").stat().st_size, bytes(500)),
    "unknown command": lambda kept: of(kept, "incr").write_bytes(b"*1\r\n$4\r\nNOPE\r\n"),
    "lost": lambda kept: of(kept, "incr").unlink(),
    "base cut": lambda kept: os.truncate(of(kept, "base"), 1000),
    "base garbled": lambda kept: overwrite(of(kept, "base"), 0, b"\xff" * 20),
    "base lost": lambda kept: of(kept, "base").unlink(),
    "manifest": lambda kept: (kept / "appendonly.aof.manifest").write_text("nonsense\n"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_files_are_named_with_what_can_be_done(
    data_dir: Path, kept: Path, damage: str
) -> None:
    DAMAGES[damage](kept)

    with pytest.raises(EmbeddedFailed) as failed:
        Embedded(data_dir).start()

    text = str(failed.value)
    assert text.startswith("Valkey cannot read what it kept (")
    assert f"Put {kept} aside: no accepted hint is lost" in text
    assert ("--fix" in text) == (damage in {"garbled", "zeros"})
    assert len(text.splitlines()) == 1

    kept.rename(data_dir / "aside")
    with Embedded(data_dir), client(data_dir) as redis:
        assert redis.set("k", "v")


def test_a_cut_tail_is_mended_by_the_server(data_dir: Path, kept: Path) -> None:
    os.truncate(of(kept, "incr"), of(kept, "incr").stat().st_size - 7)

    with Embedded(data_dir), client(data_dir) as redis:
        assert redis.dbsize() == 599


def test_what_the_line_about_damage_advises_works(data_dir: Path, kept: Path) -> None:
    DAMAGES["garbled"](kept)
    with pytest.raises(EmbeddedFailed) as failed:
        Embedded(data_dir).start()
    command = re.search(r"\(exec .*\)", str(failed.value))
    assert command

    subprocess.run(["bash", "-c", command[0]], input=b"y\n", check=True, capture_output=True)

    with Embedded(data_dir), client(data_dir) as redis:
        assert 500 < redis.dbsize() < 600


def test_a_server_that_refuses_even_ping_is_there(data_dir: Path) -> None:
    with Embedded(data_dir) as server, client(data_dir) as redis:
        redis.execute_command("ACL SETUSER default -ping")

        assert answers(server.url)


def test_what_it_writes_is_not_for_others(data_dir: Path) -> None:
    data_dir.chmod(0o755)
    with Embedded(data_dir), client(data_dir) as redis:
        redis.set("k", "v")
        found = [data_dir, *data_dir.rglob("*")]

    assert len(found) > 4
    assert not [
        path for path in found if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o77
    ]


def test_stop_without_start_does_nothing(data_dir: Path) -> None:
    Embedded(data_dir).stop()


def test_a_path_too_long_for_a_socket_is_named(data_dir: Path) -> None:
    with pytest.raises(EmbeddedFailed, match="HINTLINE_DATA="):
        url(data_dir / ("x" * SOCKET_PATH_BYTES))


def test_the_client_of_the_default_url_reaches_it(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setenv("HINTLINE_DATA", str(data_dir))
    with Embedded(data_dir):
        broker = Broker()
        assert broker.client.ping()
        broker.close()


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_the_command_stops_cleanly(
    data_dir: Path, command: subprocess.Popen[str], sent: signal.Signals
) -> None:
    pid = server_pid(data_dir)
    command.send_signal(sent)

    _, text = command.communicate(timeout=DEADLINE_S)

    assert command.returncode == 0
    assert text == ""
    assert gone(pid)


IN_A_FINALIZER = """
import os, signal, sys
from broker import __main__ as module

class Odd:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)

def asked(url, answers=module.answers):
    Odd()
    return answers(url)

module.answers = asked
sys.exit(module.main())
"""


def test_a_signal_that_comes_in_a_finalizer_ends_the_command(data_dir: Path) -> None:
    """Python drops what its handler raises there."""
    done = subprocess.run(
        [sys.executable, "-c", IN_A_FINALIZER],
        env=os.environ | {"HINTLINE_DATA": str(data_dir)},
        capture_output=True,
        timeout=DEADLINE_S,
    )

    assert done.returncode == 0


def test_ctrl_c_reaches_the_command_alone(data_dir: Path, command: subprocess.Popen[str]) -> None:
    assert os.getpgid(server_pid(data_dir)) != os.getpgid(command.pid)


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_no_orphan_is_left_when_the_command_is_killed(
    data_dir: Path, command: subprocess.Popen[str]
) -> None:
    pid = server_pid(data_dir)
    command.kill()

    until(lambda: gone(pid))


def test_the_command_ends_when_its_server_does(
    data_dir: Path, command: subprocess.Popen[str]
) -> None:
    os.kill(server_pid(data_dir), signal.SIGKILL)

    _, text = command.communicate(timeout=DEADLINE_S)

    assert command.returncode == 1
    assert "Valkey ended with status -9" in text


def test_a_server_that_stands_still_ends_the_command(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SERVER_HANGS_S", 2.0)
    with Embedded(data_dir) as server:
        os.kill(server_pid(data_dir), signal.SIGSTOP)

        assert module.watch(server) == "Valkey does not answer for 2 s: killed"

    with Embedded(data_dir), client(data_dir) as redis:
        assert redis.ping()


def test_a_second_command_gets_one_clear_line(
    data_dir: Path, command: subprocess.Popen[str]
) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "broker"],
        env=os.environ | {"HINTLINE_DATA": str(data_dir)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert second.returncode == 1
    assert second.stderr == f"another Valkey already serves {data_dir / 'valkey'}\n"
