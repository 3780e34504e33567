"""The kernel: settings, errors, logs, metrics, child processes, times.

It knows no Redis, but for the URL of one, which the settings check.
"""
