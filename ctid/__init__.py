"""A true, durable record of every call of an Asterisk PBX."""

__version__ = "0.1.0"
