"""The configuration: a strict TOML file becomes frozen objects, or a list of all its mistakes."""

from ctid.config.alerting import Alert
from ctid.config.loader import load
from ctid.config.models import Callers, Config, Control, LineTable, Metrics, Pbx, Store
from ctid.config.problems import ConfigError, Problem
from ctid.config.secret import Secret

__all__ = [
    "Alert",
    "Callers",
    "Config",
    "ConfigError",
    "Control",
    "LineTable",
    "Metrics",
    "Pbx",
    "Problem",
    "Secret",
    "Store",
    "load",
]
