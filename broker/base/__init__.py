"""The kernel: settings, errors, logs, metrics, child processes, times. It knows no Redis."""
