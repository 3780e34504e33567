"""The Django project: what people and the API see; owns the database."""
