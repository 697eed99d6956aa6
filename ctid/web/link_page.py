"""One small page for a phone: no script, nothing from elsewhere, dark where the phone is."""

from dataclasses import dataclass
from html import escape
from typing import Final

from ctid.web.api import Html

STYLE: Final = """
:root{color-scheme:light dark}
body{margin:0;font:1.125rem/1.5 system-ui,sans-serif}
main{max-width:32rem;margin:0 auto;padding:1.5rem 1.25rem}
h1{font-size:1.5rem;line-height:1.3;margin:0 0 1rem;overflow-wrap:anywhere}
p{margin:0 0 .5rem;overflow-wrap:anywhere}
.state{margin-top:1.5rem;padding:1rem;border-left:.25rem solid #2e7d32;background:#2e7d3222}
form{margin-top:1.5rem}
button{width:100%;padding:1rem;font:inherit;font-weight:600;border:0;border-radius:.5rem;
color:#fff;background:#b3261e}
button:focus-visible{outline:.2rem solid #1a73e8;outline-offset:.2rem}
small{display:block;margin-top:.5rem;text-align:center}
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """What stands on it. `button` None: there is nothing to do; `beside` stands under it."""

    language: str
    heading: str
    lines: tuple[str, ...] = ()
    state: str | None = None
    button: str | None = None
    beside: str | None = None


def html(status: int, shown: Shown) -> Html:
    """The page, whatever the texts hold."""
    language = "zh-CN" if shown.language == "zh" else "en"
    parts = [
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(shown.heading)}</title>",
        f"<style>{STYLE}</style>\n</head>\n<body>\n<main>",
        f"<h1>{escape(shown.heading)}</h1>",
        *(f"<p>{escape(line)}</p>" for line in shown.lines),
    ]
    if shown.state is not None:
        parts.append(f'<p class="state" role="status">{escape(shown.state)}</p>')
    if shown.button is not None:
        parts.append(f'<form method="post"><button>{escape(shown.button)}</button>')
        parts.append(f"<small>{escape(shown.beside or '')}</small></form>")
    parts.append("</main>\n</body>\n</html>\n")
    return Html(status, "\n".join(parts), STYLE)
