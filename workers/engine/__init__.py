"""The local model as an engine of its own. The client of all engines is web.engines.client."""
