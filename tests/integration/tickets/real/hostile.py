"""Names of callers that are meant to be more than text."""

from typing import Final

HOSTILE: Final = (
    "<script>alert(1)</script><img src=x onerror=alert(1)> &lt;b&gt; &#60;i&#62;",
    "**bold** *strong* _em_ __i__ -del- +ins+ ^sup^ ~sub~ ~~gone~~ `code` @code@ ??cite?? %span%",
    '"link":http://evil.example/ [link](http://evil.example/) !http://evil.example/x.png! ![x](y)',
    "{{include(Start)}} {{toc}} {{> toc}} {{macro(0)}} {{ 7*7 }} {% raw %} ${7*7} #{7*7} <%= 7 %>",
    "[[Start]] #1 ##1 r1 note#1 user#1 user:admin @admin source:x attachment:x commit:1 message#1",
    "http://evil.example/ https://evil.example www.evil.example evil@example.org mailto:a@b.c",
    "h1. Head\n# one\n## two\n* item\n- item\n+ item\n1. one\n2) two\n> quote\nbq. quote\np. par",
    "|a|b|\n|-|-|\n|_. c|d|\n\n---\n***\n___\n===\nHead\n====\n\nTerm\n- def := x\nfn1. foot[1]",
    "    code by indenting\n\tby tab\n```ruby\nputs 1\n```\n~~~\nx\n~~~\n<pre><code>x</code></pre>",
    "</pre></code><notextile><b>x</b></notextile> ==x== <!-- comment --> <redpre#0> x%x%",
    "Bob\r\nBcc: victim@example.org\r\n\r\nX-Header: 1",
    "'; DROP TABLE tickets; -- \" \\ \\\\ \\' 'CF.{CallKey}' = ''",
    "😀 👩‍👩‍👧 ☎ 王小明 \u202eright to left\u202c e\u0301 \U0001f1e8\U0001f1f3",
    "$1 \\1 %s %(x)s {0} {x} $x ${x} (c) (r) (tm) -- --- ... 'q' \"q\" 2x4 1/2",
    "x" * 2000,
    "*<b>" * 500,
)
