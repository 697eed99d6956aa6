"""The configuration: a strict TOML file becomes frozen objects, or a list of all its mistakes."""

from ctid.config.alerting import Alert
from ctid.config.lenient import load_leniently
from ctid.config.loader import load
from ctid.config.models import Callers, Config, Control, LineTable, Pbx, Store
from ctid.config.problems import ConfigError, Problem
from ctid.config.secret import Secret
from ctid.config.serving import Api, ApiToken, Metrics, Right

__all__ = [
    "Alert",
    "Api",
    "ApiToken",
    "Callers",
    "Config",
    "ConfigError",
    "Control",
    "LineTable",
    "Metrics",
    "Pbx",
    "Problem",
    "Right",
    "Secret",
    "Store",
    "load",
    "load_leniently",
]
