"""The part of JSON Schema that ctid's own schemas use, checked against documents."""

from typing import Any

SAID = {"description", "title", "$schema", "$id", "$defs"}
KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
    "object": (dict,),
    "array": (list,),
}


def faults(value: Any, schema: dict[str, Any]) -> list[str]:
    """What is wrong with `value`; a keyword that is not known here fails the test."""
    return _faults(value, schema, "", schema["$defs"])


def _faults(value: Any, rules: dict[str, Any], at: str, words: dict[str, Any]) -> list[str]:
    found = []
    for keyword, rule in rules.items():
        match keyword:
            case "$ref":
                found += _faults(value, words[rule.removeprefix("#/$defs/")], at, words)
            case "anyOf":
                if all(_faults(value, one, at, words) for one in rule):
                    found.append(f"{at}: none of these")
            case "type":
                is_truth = rule in ("number", "integer") and isinstance(value, bool)
                if not isinstance(value, KINDS[rule]) or is_truth:
                    found.append(f"{at}: no {rule}")
            case "enum" | "const":
                allowed = rule if keyword == "enum" else [rule]
                if value not in allowed:
                    found.append(f"{at}: not one of {allowed}")
            case "required" | "properties" | "items":
                found += _inside(keyword, value, rule, at, words)
            case _:
                assert keyword in SAID, keyword
    return found


def _inside(keyword: str, value: Any, rule: Any, at: str, words: dict[str, Any]) -> list[str]:
    """The same for the parts of objects and lists; of anything else these keywords say nothing."""
    if isinstance(value, list) and keyword == "items":
        return [fault for one in value for fault in _faults(one, rule, f"{at}[]", words)]
    if isinstance(value, dict) and keyword == "required":
        return [f"{at}.{name}: missing" for name in rule if name not in value]
    if isinstance(value, dict) and keyword == "properties":
        names = rule.keys() & value.keys()
        parts = ((value[name], rule[name], f"{at}.{name}") for name in names)
        return [fault for part in parts for fault in _faults(*part, words)]
    return []
