"""A real vLLM twice, on this CPU: the contract, and Hintline in front of both. `make test-vllm`.

Not part of `make test`: it takes minutes and 8 GB. The tests run in this order; the last ones end
the servers.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from time import monotonic, sleep

import httpx2
import pytest

from broker.base.children import end_with_parent
from tests.vllm.contract import FLAGS, KEY, SLOTS, Contract, Doomed, Server
from tests.whole.stand import ROOT, Stand, free_port, until
from workers.guard import scrape

pytestmark = pytest.mark.timeout(1800)
START_S = 900.0
BLOCK_TOKENS = 128
"""Of vLLM's CPU backend; 16 on a GPU."""
SHIPPED = (
    *("--scheduling-policy", "priority"),
    "--enable-prompt-tokens-details",
    "--enable-request-id-headers",
)
NAMED = tuple(
    part for name, value in FLAGS.items() for part in (f"--{name.replace('_', '-')}", str(value))
)


class RealVllm:
    """One `vllm serve`, started at once; its log is in .vllm/."""

    def __init__(self, name: str, *flags: str) -> None:
        self.name, self.port = name, free_port()
        self.url = f"http://127.0.0.1:{self.port}/v1"
        command = [ROOT / "tests/vllm/serve", "run", str(self.port), "smollm2", *NAMED, *SHIPPED]
        with (ROOT / ".vllm" / f"{name}.log").open("w") as log:
            self.process = subprocess.Popen(
                [*command, *flags],
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=end_with_parent(os.getpid()),
            )

    @property
    def server(self) -> Server:
        return Server(self.url, "smollm2", BLOCK_TOKENS)

    def ready(self) -> bool:
        assert self.process.poll() is None, f"{self.name} ended: see .vllm/{self.name}.log"
        try:
            return httpx2.get(self.url.removesuffix("v1") + "health").status_code == 200
        except httpx2.TransportError:
            return False

    def page(self) -> scrape.Page:
        page = scrape.parse(httpx2.get(self.url.removesuffix("v1") + "metrics").text)
        assert page is not None
        return page

    def running(self) -> float:
        return self.page().values[scrape.RUNNING]

    def terminate(self) -> None:
        """As `docker stop` does it: to the server, not to its children."""
        self.process.terminate()

    def close(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


Start = Callable[..., RealVllm]
SETUP = """
from tests.web.kit import licensed
from web.engines.models import *
licensed(sys.argv[2])
AIModelConfig.objects.update(first_chunk_s=140, idle_s=20, deadline_s=150, max_tokens=32)
for engine in Engine.objects.all():
    engine.api_key, engine.model_name, engine.slots = *sys.argv[1:3], int(sys.argv[3])
    engine.save()
"""


@pytest.fixture(scope="session")
def start() -> Iterator[Start]:
    started: list[RealVllm] = []

    def begin(name: str, *flags: str) -> RealVllm:
        started.append(RealVllm(name, *flags))
        return started[-1]

    yield begin
    for vllm in started:
        vllm.close()


@pytest.fixture(scope="session")
def fleet(start: Start) -> dict[str, RealVllm]:
    """gpu0 as it is shipped; gpu1 without a shutdown timeout, as vLLM comes."""
    began_s = monotonic()
    both = {"gpu0": start("gpu0", "--shutdown-timeout", "120"), "gpu1": start("gpu1")}
    until(lambda: all([vllm.ready() for vllm in both.values()]), START_S)
    print(f"\ntwo vLLM servers ready after {monotonic() - began_s:.0f} s")
    return both


@pytest.fixture(scope="session")
def stand(fleet: dict[str, RealVllm], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    # A CPU is slower to the first word than a limit made for GPUs allows.
    environ = {"HINTLINE_TTFT_TARGET_S": "60"}
    stand = Stand(tmp_path_factory.mktemp("stand"), fleet, environ)
    try:
        stand.shell(SETUP, KEY, "smollm2", str(SLOTS))
        until(lambda: slots(stand) == {"gpu0": SLOTS, "gpu1": SLOTS})
        yield stand
    finally:
        stand.close()


def slots(stand: Stand) -> dict[str, int]:
    from broker import fleet

    return {name: load.slots for name, load in stand.broker.run(fleet.snapshot()).items()}


def row(stand: Stand, pk: str) -> dict[str, str]:
    """The hint's row: state, engine, attempt, prompt_tokens, completion_tokens."""
    names = "state engine attempt prompt_tokens completion_tokens"
    code = (
        "from web.hints.models import Hint\n"
        "hint = Hint.objects.get(pk=sys.argv[1])\n"
        "print(*(getattr(hint, name) for name in sys.argv[2].split()), sep=',')"
    )
    return dict(zip(names.split(), stand.shell(code, pk, names).split(","), strict=True))


class TestHintline:
    """Whatever so small a model writes, each hint ends, and the servers' slots are free again."""

    def test_a_hint_goes_to_its_end(self, stand: Stand) -> None:
        final = stand.final(stand.ask(stand.student())["id"], within_s=240)

        found = row(stand, final["id"])
        print("\na hint:", found)
        assert final["state"] in {"answered", "withheld"}
        assert int(found["prompt_tokens"]) > 300
        assert int(found["completion_tokens"]) > 0

    def test_cancel_frees_the_slot(self, stand: Stand, fleet: dict[str, RealVllm]) -> None:
        def running() -> float:
            return sum(vllm.running() for vllm in fleet.values())

        student = stand.student()
        hint = stand.ask(student)
        until(lambda: running() == 1)

        began_s = monotonic()
        student.post(hint["links"]["cancel"])
        while running():
            assert monotonic() < began_s + 5
            sleep(0.01)

        print(f"\ncancel to num_requests_running 0: {monotonic() - began_s:.2f} s")
        assert stand.hint(hint["id"])["state"] == "cancelled"

    def test_affinity_recomputes_less_than_random_placement(
        self, stand: Stand, fleet: dict[str, RealVllm]
    ) -> None:
        def counters() -> tuple[float, float]:
            pages = [vllm.page().values for vllm in fleet.values()]
            return sum(p[scrape.QUERIES] for p in pages), sum(p[scrape.HITS] for p in pages)

        computed = {}
        exercises = {
            "home": ("lamp-positions", "lowest-balance", "hashtags"),
            "random": ("rice-days", "seat-map", "short-items"),
        }
        for how, slugs in exercises.items():
            before = counters()
            began_s = monotonic()
            ended = stand.python("-m", "tests.vllm.crowd", how, *slugs).splitlines()
            asked, cached = (now - was for now, was in zip(counters(), before, strict=True))
            computed[how] = asked - cached
            print(
                f"\n{how}: {len(ended)} hints in {monotonic() - began_s:.0f} s, of {asked:.0f} "
                f"prompt tokens {cached:.0f} cached, {computed[how]:.0f} computed"
            )
            assert all(line.split()[1] in {"answered", "withheld"} for line in ended), ended

        assert computed["home"] < computed["random"]

    def test_a_drained_engine_finishes_and_gets_nothing_more(
        self, stand: Stand, fleet: dict[str, RealVllm]
    ) -> None:
        hints = [stand.ask(stand.student())["id"] for _ in range(2 * SLOTS)]
        until(lambda: fleet["gpu1"].running())

        stand.python("-m", "workers", "drain", "gpu1")
        later = [stand.ask(stand.student())["id"] for _ in range(2)]
        rows = [row(stand, stand.final(pk, 300)["id"]) for pk in hints]
        rows_later = [row(stand, stand.final(pk, 300)["id"]) for pk in later]
        stand.python("-m", "workers", "resume", "gpu1")

        print("\ndrained:", [f"{r['engine']} {r['state']}" for r in rows + rows_later])
        assert {r["attempt"] for r in rows} == {"1"}
        assert {r["engine"] for r in rows} == {"gpu0", "gpu1"}
        assert {r["engine"] for r in rows_later} == {"gpu0"}
        until(lambda: slots(stand).get("gpu1") == SLOTS)

    def test_sigterm_under_a_stream_moves_its_hint(
        self, stand: Stand, fleet: dict[str, RealVllm]
    ) -> None:
        hints = [stand.ask(stand.student())["id"] for _ in range(2 * SLOTS)]
        until(lambda: fleet["gpu1"].running() >= 2)

        fleet["gpu1"].terminate()
        rows = [row(stand, stand.final(pk, 300)["id"]) for pk in hints]

        print("\nSIGTERM:", [f"{r['engine']} {r['state']} {r['attempt']}" for r in rows])
        assert {r["state"] for r in rows} <= {"answered", "withheld"}
        assert "2" in {r["attempt"] for r in rows}
        assert {r["engine"] for r in rows if r["attempt"] == "2"} == {"gpu0"}


class TestReal(Contract):
    @pytest.fixture
    def server(self, fleet: dict[str, RealVllm]) -> Server:
        return fleet["gpu0"].server

    @pytest.fixture
    def draining(self, fleet: dict[str, RealVllm]) -> Doomed:
        return Doomed(fleet["gpu0"].server, fleet["gpu0"].terminate)

    @pytest.fixture
    def hanging(self, start: Start) -> Doomed:
        vllm = start("gpu1")
        until(vllm.ready, START_S)
        return Doomed(vllm.server, vllm.terminate)
