"""Checks JSON lines on standard input against a schema: schema.py SCHEMA.json

Knows the words that the schema uses (anyOf, type, enum, required, properties, additionalProperties, minimum, minLength) and
refuses any other. Of several shapes, the one with the fewest faults counts. Prints each fault with its line and ends with 1; ends with 0 and the number of lines.
"""

import json
import sys

KINDS = {"string": str, "integer": int, "boolean": bool, "object": dict, "number": (int, float)}
KNOWN = {"$schema", "anyOf", "title", "description", "type", "enum", "required", "properties", "additionalProperties", "minimum",
         "minLength"}


def faults(value, schema, where):
    for word in schema.keys() - KNOWN:
        raise SystemExit(f"the schema says '{word}', which this checker does not know")
    if "anyOf" in schema:
        yield from min((list(faults(value, shape, where)) for shape in schema["anyOf"]), key=len)
        return
    kind = schema.get("type")
    if kind and (not isinstance(value, KINDS[kind]) or (kind == "integer" and isinstance(value, bool))):
        yield f"{where} is no {kind}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where}: '{value}' is none of its words"
    if "minimum" in schema and value < schema["minimum"]:
        yield f"{where} is less than {schema['minimum']}"
    if "minLength" in schema and len(value) < schema["minLength"]:
        yield f"{where} is too short"
    if kind == "object":
        for name in schema.get("required", []):
            if name not in value:
                yield f"{where} has no {name}"
        for name, inner in value.items():
            if name in schema.get("properties", {}):
                yield from faults(inner, schema["properties"][name], name)
            elif schema.get("additionalProperties") is False:
                yield f"{where} has '{name}', which the schema does not name"


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        schema = json.load(file)
    count = bad = 0
    for count, line in enumerate(sys.stdin, 1):
        for fault in faults(json.loads(line), schema, "the record"):
            print(f"line {count}: {fault}")
            bad += 1
    print(f"{count} lines, {bad} faults")
    return 1 if bad or count == 0 else 0


sys.exit(main())
