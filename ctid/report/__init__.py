"""Figures as rows for people and programs."""
