"""The configuration and the roster of the stories; each may be changed by one."""

from typing import Final

CONFIGURATION: Final = """
timezone = "<zone>"

[store]
url = "<store>"

[[pbx]]
name = "main"
secret_file = "secret"
trunks = ["PJSIP/trunk"]
inbound_contexts = ["from-trunk"]

[agents]
"PJSIP/101" = "Zhao"
"PJSIP/102" = "Qian"

[callers]
test = ["13899999999"]

[alert]
language = "en"
<alert>

[roster]
file = "roster.toml"

[[channels.dingtalk]]
url = "<dingtalk>"
token_file = "token"
secret_file = "secret"

[[channels.wecom]]
url = "<wecom>"
key_file = "token"

[[channels.feishu]]
url = "<feishu>"
token_file = "token"
secret_file = "secret"

[[channels.webhook]]
name = "hook"
url = "<hook>"
secret_file = "secret"

[[channels.webhook]]
name = "ops"
url = "<ops>"
secret_file = "secret"
"""

LINES: Final = """
[[line]]
name = "network"
title = "Network"
dids = ["8001"]

[[line]]
name = "server"
title = "Server"
dids = ["8002"]
"""

NAMES: Final = {
    "13900000001": "Li",
    "13900000002": "Wang",
    "13900000003": "Chen",
    "ou_wang": "Wang",
    "ou_zhou": "Zhou",
}

PEOPLE: Final = """
[[person]]
id = "li"
name = "Li"
channels = ["dingtalk", "hook"]
mobile = "13900000001"

[[person]]
id = "wang"
name = "Wang"
channels = ["dingtalk", { channel = "feishu", to = "ou_wang" }]
mobile = "13900000002"

[[person]]
id = "chen"
name = "Chen"
channels = ["wecom"]
mobile = "13900000003"

[[person]]
id = "zhou"
name = "Zhou"
channels = [{ channel = "feishu", to = "ou_zhou" }]
"""

LEAD: Final = """
[[shift]]
role = "duty_lead"
people = ["wang"]
"""

MANAGER: Final = """
[[shift]]
role = "project_manager"
people = ["chen"]
"""

ROSTER: Final = (
    PEOPLE
    + """
[[shift]]
role = "first_line"
people = ["li"]
"""
    + LEAD
    + MANAGER
)
