"""Alembic's scripts, shipped as package data: they are found as `ctid.store:migrations`."""
