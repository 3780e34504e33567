"""`GET /v1/events`: hints followed live, beside Django, with no thread or connection each."""
