"""The models that the local engine can be given: files of a model hub, each pinned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from broker.base import gguf
from broker.base.settings import need

KANANA = _("Kanana Open License: read it before you offer a service with the model.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One file. name: for commands. repo, revision: on the hub; `file`: there and here.

    size_bytes: exact. sha256: 64 hex digits; "": nobody has pinned it, so what the hub tells when
    the file is fetched counts. languages: in which the model writes hints, as in Engine.languages.
    """

    name: str
    title: str
    repo: str
    revision: str
    file: str
    size_bytes: int
    sha256: str
    licence: str
    languages: str = "ko,en"
    note: str | Promise = ""

    def url(self) -> str:
        """On the hub, or on its mirror that HF_ENDPOINT names."""
        base = need("HF_ENDPOINT", str).rstrip("/")
        return f"{base}/{self.repo}/resolve/{self.revision}/{self.file}"

    def path(self) -> Path:
        """Where the file lies here, or will."""
        return gguf.folder() / self.file

    def part_path(self) -> Path:
        """Where it lies until it is whole and checked."""
        return gguf.folder() / f".{self.file}.part"


OFFERS = (
    Offer(
        name="qwen2.5-coder-1.5b",
        title="Qwen2.5-Coder-1.5B-Instruct Q4_K_M",
        repo="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
        revision="38f6bab61d341b23a6c00226f32c0d6148bf9f43",
        file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        size_bytes=1_117_320_768,
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        licence="Apache-2.0",
    ),
    Offer(
        name="qwen3.5-2b",
        title="Qwen3.5-2B Q4_K_M",
        repo="unsloth/Qwen3.5-2B-GGUF",
        revision="f6d5376be1edb4d416d56da11e5397a961aca8ae",
        file="Qwen3.5-2B-Q4_K_M.gguf",
        size_bytes=1_280_835_840,
        sha256="aaf42c8b7c3cab2bf3d69c355048d4a0ee9973d48f16c731c0520ee914699223",
        licence="Apache-2.0",
    ),
    Offer(
        name="qwen3.5-4b",
        title="Qwen3.5-4B Q4_K_M",
        repo="unsloth/Qwen3.5-4B-GGUF",
        revision="e87f176479d0855a907a41277aca2f8ee7a09523",
        file="Qwen3.5-4B-Q4_K_M.gguf",
        size_bytes=2_740_937_888,
        sha256="00fe7986ff5f6b463e62455821146049db6f9313603938a70800d1fb69ef11a4",
        licence="Apache-2.0",
    ),
    Offer(
        name="kanana-2-1.3b",
        title="Kanana-2-1.3B-Instruct Q4_K_M",
        repo="ssolunar/Kanana-2-1.3b-instruct-Q4_K_M-GGUF",
        revision="cdf3d580c1ad5ae9bcee8028937158e8dee655e0",
        file="Kanana-2-1.3b-instruct-Q4_K_M.gguf",
        size_bytes=853_655_776,
        sha256="281cc80a8bbbf4b7faee402bc7fca5e7f073d2a6cb85497397014803184780c1",
        licence="Kanana Open License",
        note=KANANA,
    ),
    Offer(
        name="kanana-2-3b",
        title="Kanana-2-3B-Instruct Q4_K_M",
        repo="DKTechin/kanana",
        revision="main",
        file="kanana-2-3b-instruct-Q4_K_M.gguf",
        size_bytes=2_161_793_408,
        sha256="",
        licence="Kanana Open License",
        note=KANANA,
    ),
)
NAMED: Mapping[str, Offer] = {offer.name: offer for offer in OFFERS}
