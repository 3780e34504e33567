"""Simple formulas of TeX, which statements hold between `$`, as a line of HTML."""

from __future__ import annotations

import re
from html import escape

BETWEEN = {
    **{"le": "≤", "leq": "≤", "ge": "≥", "geq": "≥", "ne": "≠", "neq": "≠", "lt": "&lt;"},
    **{"gt": "&gt;", "equiv": "≡", "approx": "≈", "times": "×", "cdot": "·", "div": "÷"},
    **{"pm": "±", "to": "→", "rightarrow": "→", "mid": "|", "in": "∈", "notin": "∉"},
    **{"cup": "∪", "cap": "∩", "subseteq": "⊆", "bmod": "mod", "oplus": "⊕", "land": "∧"},
    **{"lor": "∨", "quad": ""},
}
"""Commands that stand between two things, with blanks around them."""
ALONE = {
    **{"ldots": "…", "dots": "…", "cdots": "…", "infty": "∞", "sum": "∑", "prod": "∏"},
    **{"lfloor": "⌊", "rfloor": "⌋", "lceil": "⌈", "rceil": "⌉", "lvert": "|", "rvert": "|"},
    **{"alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "theta": "θ"},
    **{"lambda": "λ", "mu": "μ", "pi": "π", "sigma": "σ", "phi": "φ", "omega": "ω"},
    **{name: name for name in ("log", "ln", "min", "max", "gcd", "sin", "cos", "tan")},
    **{"{": "&#123;", "}": "&#125;", "_": "&#95;", "%": "%", "#": "#", "&amp;": "&amp;"},
    **{"degree": "°", "prime": "′", "left": "", "right": "", "!": ""},
    **dict.fromkeys((",", ";", ":", " "), " "),
}
TEXT = re.compile(r"\\(?:text|mathrm|mathbf|mathit|mathtt|operatorname)\s?\{([^{}\\]*)\}")
FRACTION = re.compile(r"\\[dt]?frac\s?\{([^{}]*)\}\s?\{([^{}]*)\}")
ROOT = re.compile(r"\\sqrt\s?\{([^{}]*)\}")
COMMAND = re.compile(r"\\([A-Za-z]+|&amp;|.)")
SCRIPT = re.compile(r"\s*([\^_])\s*(?:\{([^{}]*)\}|(&\w+;|[^\s{}^_]))")
PROSE = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{2,}\s+[A-Za-z]{2,}|[^\0-\x7f]")
"""Of two prices in one sentence the `$` of the second would end a formula."""


class NoFormula(ValueError):
    """Prose, or a formula that is not simple."""


def html(source: str) -> str:
    """source: what stands between two `$`, without line ends. Raises: NoFormula."""
    if PROSE.search(TEXT.sub("", source)):
        raise NoFormula(source)
    shown = TEXT.sub(r"\1", escape(source, quote=False)).replace("-", "−")
    shown = FRACTION.sub(lambda found: "/".join(map(_operand, found.groups())), shown)
    shown = ROOT.sub(lambda found: f"√{_operand(found[1])}", shown)
    shown = COMMAND.sub(_command, shown)
    # Once more for what stands above something that stands above.
    for _depth in range(2):
        shown = SCRIPT.sub(_script, shown)
    if re.search(r"[{}^\\]", shown):
        raise NoFormula(source)
    return " ".join(shown.split())


def _operand(text: str) -> str:
    return text if re.fullmatch(r"\w+", text) else f"({text})"


def _command(found: re.Match[str]) -> str:
    name = found[1]
    if name in BETWEEN:
        return f" {BETWEEN[name]} "
    if name not in ALONE:
        raise NoFormula(name)
    return ALONE[name]


def _script(found: re.Match[str]) -> str:
    tag = "sup" if found[1] == "^" else "sub"
    return f"<{tag}>{found[2] or found[3]}</{tag}>"
