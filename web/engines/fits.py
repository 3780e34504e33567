"""Which model fits which GPU: a table for people, with what its server and its requests need."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from web.engines import parameters, presets
from web.engines.presets import NOTHING_KNOWN, Preset

APACHE = "Apache-2.0"
QWEN = "--reasoning-parser qwen3 --language-model-only"
GEMMA = "--reasoning-parser gemma4"
MISTRAL = "--tokenizer_mode mistral --config_format mistral --load_format mistral"
MTP = """--speculative-config '{"method": "mtp", "num_speculative_tokens": 2}'"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """One model. low_gb, high_gb: memory of the GPUs that it is for.

    needs_gb: what vLLM takes for it, with short contexts. flags: of `vllm serve`.
    """

    model: str
    low_gb: int
    high_gb: int
    needs_gb: float
    flags: str = ""
    licence: str | Promise = APACHE
    note: str | Promise = ""

    def command(self) -> str:
        return f"vllm serve {self.model} {self.flags}".strip()

    def size(self) -> str:
        """Of the GPUs that it is for."""
        return f"{'–'.join(map(str, sorted({self.low_gb, self.high_gb})))} GB"

    def preset(self) -> Preset:
        return presets.known(self.model) or NOTHING_KNOWN

    def request(self) -> str:
        """What Hintline sends with each request, as JSON; "": nothing more."""
        return parameters.written(self.preset().extra_body)


# Sources: vLLM's recipes and the models' cards, autumn 2026.
FITS = (
    Fit(model="Qwen/Qwen3.5-4B", low_gb=8, high_gb=12, needs_gb=10, flags=QWEN),
    Fit(
        model="google/gemma-4-12B-it-qat-w4a16-ct", low_gb=8, high_gb=12, needs_gb=9, flags=GEMMA
    ),
    Fit(model="openai/gpt-oss-20b", low_gb=16, high_gb=16, needs_gb=16),
    Fit(model="Qwen/Qwen3.5-9B", low_gb=24, high_gb=24, needs_gb=22, flags=QWEN),
    Fit(
        model="mistralai/Ministral-3-14B-Instruct-2512",
        low_gb=24, high_gb=24, needs_gb=17, flags=MISTRAL, note=_("Its weights are FP8."),
    ),
    Fit(
        model="Qwen/Qwen3.8-27B-FP8", low_gb=40, high_gb=48, needs_gb=38, flags=f"{QWEN} {MTP}"
    ),
    Fit(
        model="RedHatAI/gemma-4-26B-A4B-it-FP8-Dynamic",
        low_gb=40, high_gb=48, needs_gb=32, flags=GEMMA,
    ),
    Fit(model="Qwen/Qwen3.8-27B", low_gb=80, high_gb=80, needs_gb=67, flags=f"{QWEN} {MTP}"),
    Fit(
        model="kakaocorp/kanana-2-30b-a3b-instruct",
        low_gb=80, high_gb=80, needs_gb=72, licence=_("Kanana's own"), note=_("Made for Korean."),
    ),
)  # fmt: skip
OLDER = (
    Fit(model="Qwen/Qwen2.5-Coder-7B-Instruct", low_gb=24, high_gb=24, needs_gb=7.6),
    Fit(model="Qwen/Qwen2.5-Coder-32B-Instruct", low_gb=40, high_gb=48, needs_gb=32.76),
    Fit(
        model="ModelCloud/Brumby-14B-Base-GPTQMODEL-W4A16-v2",
        low_gb=24, high_gb=24, needs_gb=14.77,
        flags="--trust-remote-code --chat-template TEMPLATE",
        licence=_("see its page"), note=_("It runs code that comes with the model."),
    ),
)  # fmt: skip
"""Models of before, for servers that have them."""
MOST_GB = 10_000


@dataclass(frozen=True, slots=True)
class Band:
    """The models for GPUs of one size. picked: it is the one for the memory that was asked for."""

    low_gb: int
    high_gb: int
    fits: tuple[Fit, ...]
    picked: bool

    def title(self) -> str:
        return self.fits[0].size()


def bands(memory_gb: float | None) -> list[Band]:
    """The table, from small GPUs to large ones.

    Picked is the largest size that is not above `memory_gb`: none below the smallest, or for None.
    """
    sizes = sorted({(fit.low_gb, fit.high_gb) for fit in FITS})
    # One size alone: what fits a smaller GPU is in the rows above, for whoever wants room to spare.
    reached = [size for size in sizes if memory_gb is not None and size[0] <= memory_gb]
    return [
        Band(
            *size,
            tuple(fit for fit in FITS if (fit.low_gb, fit.high_gb) == size),
            picked=reached[-1:] == [size],
        )
        for size in sizes
    ]


def memory(typed: str) -> float | None:
    """Gigabytes that a person typed, `24`, `23.5` or `24 GB`; None if that is no such number."""
    # Cut first: a text of any length may stand in a URL.
    try:
        number = float(typed[:20].strip().lower().removesuffix("gb"))
    except ValueError:
        return None
    return number if 0 < number <= MOST_GB else None
