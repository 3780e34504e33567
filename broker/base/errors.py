"""Broken plumbing, one class a cause; translated once, at each edge."""


class HintlineError(Exception):
    """Root of the project's own exceptions."""


class BrokerDown(HintlineError):
    """Redis does not answer, or refuses what it is asked for now."""


class BadSetting(HintlineError):
    """A setting has a value it may not have; the text names it, the value, and what is allowed."""
