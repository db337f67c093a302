#!/usr/bin/env python3
"""
Profiles, good and bad, against the parser and the published schema.

  schema.py VERDICT        VERDICT is the program made from verdict.c

- each document of good/ and each shipped profile is accepted by both;
- each document of bad/ is refused by the parser, in the words of bad.expected, and by the schema too, unless its fault lies
  beyond what a schema can say (BEYOND);
- each document of good/, with any one of its values replaced or taken out, or a key added, gets the same verdict from both.

Output is TAP.
"""
import copy
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import jsonschema

HERE = pathlib.Path(__file__).resolve().parent
PROFILES = HERE.parent.parent / "profiles"

# What the parser refuses and no schema can: other documents, names that only a library knows, sums over several values, and what
# is not JSON to the strict reader though Python takes it.
BEYOND = re.compile("|".join([
    r"includes itself", r"has this name", r"no such file", r"regular file", r"documents deep", r"not the name of a profile",
    r"control characters", r"relative path in a document", r"anybody may write", r"No such file",
    r"lifts an inherited", r"lifts the inherited",
    r"unknown capability", r"unknown errno",
    r"is the target of",
    r"has no value here", r"is not between", r"expected a size from", r"expected a list of CPUs", r"expected \"auto\" or a level",
    r"CPUs such as",
    r"expected 1, the version", r"expected an integer, found a number with a fraction", r"is not a count", r"expected a count",
    r"expected a number of at most 64",
    r"\"type\" is missing",
    r"this key is in the object already",
    r"an escape that JSON knows", r"beyond 64 bits", r"too large", r"larger than", r"nested deeper", r"more values", r"longer than",
]))

ODD = [None, True, False, 0, -1, 1, 2, 1.5, 10 ** 18 * 9, "", "a", "/", "/a", "/a/../b", "a\nb", "/dev/x", "${home}", "$x", "unlimited", "1G",
       "0", "99999999999", "0x7", "s0", "022", "EPERM", [], ["a"], ["read"], {}, {"value": 1}, {"value": "none", "enforce": "audit"}]

count = failures = 0


def check(holds, name, *details):
    global count, failures
    count += 1
    failures += not holds
    print(f"{'' if holds else 'not '}ok {count} - {name}")
    for detail in () if holds else details:
        print(f"# {detail}")


def refuse_constant(word):
    raise ValueError(word)


def pythonic(node):
    """In the regular expressions of JSON Schema $ is the end; to Python it may stand before a last newline."""
    if isinstance(node, dict):
        return {key: value[:-1] + r"\Z" if key == "pattern" and value.endswith("$") else pythonic(value) for key, value in node.items()}
    return [pythonic(value) for value in node] if isinstance(node, list) else node


def unique(pairs):
    if len(dict(pairs)) != len(pairs):
        raise ValueError("duplicate key")
    return dict(pairs)


def parse(raw):
    return json.loads(raw.decode("utf-8"), parse_constant=refuse_constant, object_pairs_hook=unique)


class Parser:
    """The parser of the product, fed one document a line."""

    def __init__(self, program):
        self.program = program
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def line(self, document):
        self.process.stdin.write(json.dumps(document).encode() + b"\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().decode().rstrip("\n")

    def file(self, path):
        done = subprocess.run([self.program, str(path)], capture_output=True, check=False)
        return done.stdout.decode().rstrip("\n") if done.returncode == 0 else f"crash {done.returncode} {done.stderr.decode()}"


def places(node, path=()):
    yield path
    members = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in members:
        yield from places(value, path + (key,))


def at(document, path):
    for step in path:
        document = document[step]
    return document


def mutations(document):
    """The document with one thing changed, and what was."""
    for path in places(document):
        value = at(document, path)
        if isinstance(value, dict):
            changed = copy.deepcopy(document)
            at(changed, path)["zz"] = 1
            yield f"{path} with an unknown key", changed
            changed = copy.deepcopy(document)
            at(changed, path)["x-zz"] = 1
            yield f"{path} with a free key", changed
        if not path:
            continue
        changed = copy.deepcopy(document)
        del at(changed, path[:-1])[path[-1]]
        yield f"without {path}", changed
        for odd in ODD:
            changed = copy.deepcopy(document)
            at(changed, path[:-1])[path[-1]] = odd
            yield f"{path} = {json.dumps(odd)}", changed


def check_good(parser, validator, path):
    line = parser.file(path)
    faults = [fault.message for fault in validator.iter_errors(parse(path.read_bytes()))]
    check(line.startswith("ok ") and not faults, f"{path.name} is accepted", line, *faults)


def check_bad(parser, validator, name, expected):
    path = HERE / "bad" / f"{name}.json"
    line = parser.file(path)
    check(line.startswith("bad ") and expected in line, f"bad/{name} is refused in these words: {expected}", line)
    try:
        accepted = validator.is_valid(parse(path.read_bytes()))
    except (ValueError, RecursionError):
        accepted = False
    elsewhere = f"{name}.json:" not in line
    check(not accepted or elsewhere or BEYOND.search(line), f"bad/{name} is refused by the schema too", line)


def check_mutations(parser, validator, path):
    differences, total = [], 0
    for what, document in mutations(parse(path.read_bytes())):
        line = parser.line(document)
        total += 1
        valid = validator.is_valid(document)
        if valid != line.startswith("ok ") and not (valid and BEYOND.search(line)):
            differences.append(f"{what}: schema {valid}, parser {line[:200]}")
    check(not differences, f"{path.name}: {total} changes get the same verdict from schema and parser", *differences[:20])


def check_outsize(parser, tmp):
    """Documents that are too large to be kept."""
    for name, raw, expected in [
            ("deep", b'{"x-a":' * 100000, "nested deeper"),
            ("values", b'{"version":1,"x-a":[' + b"0," * 100000 + b"0]}", "more values"),
            ("string", b'{"version":1,"x-a":"' + b"a" * 70000 + b'"}', "longer than is allowed"),
            ("bytes", b'{"version":1,"x-a":"' + b" " * 1100000 + b'"}', "larger than 1048576 bytes"),
            ("objects", b'{"version":1,"x-a":[' + b"{}," * 340000 + b"0]}", "more values"),
            ("mounts", json.dumps({"version": 1, "files": {"mounts": [{"deny": f"/{i}"} for i in range(8193)]}}).encode(),
             "8193 elements: more than 8192")]:
        path = tmp / f"{name}.json"
        path.write_bytes(raw)
        line = parser.file(path)
        check(line.startswith("bad ") and expected in line, f"outsize in {name}: {expected}", line[:300])


def check_trust(parser, tmp):
    path = tmp / "open.json"
    path.write_text('{"version": 1}')
    path.chmod(0o666)
    check("anybody may write it" in parser.file(path), "a profile that anybody may write is refused", parser.file(path))
    path.chmod(0o644)
    check(parser.file(path) == "ok open", "the same, closed, is accepted", parser.file(path))
    link = tmp / "cycle.json"
    path.write_text('{"version": 1, "extends": "./cycle.json"}')
    link.symlink_to("open.json")
    check("includes itself" in parser.file(path), "a cycle by a symbolic link is found", parser.file(path))


def main():
    parser = Parser(sys.argv[1])
    schema = pythonic(parse((PROFILES / "schema.json").read_bytes()))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    good = sorted((HERE / "good").glob("*.json"))
    for path in good + sorted(set(PROFILES.glob("*.json")) - {PROFILES / "schema.json"}):
        check_good(parser, validator, path)
    expected = [line.split("\t", 1) for line in (HERE / "bad.expected").read_text().splitlines() if not line.startswith("#")]
    check({name for name, _ in expected} == {path.stem for path in (HERE / "bad").glob("*.json")}, "each bad document has its words")
    for name, words in expected:
        check_bad(parser, validator, name, words)
    for path in good:
        check_mutations(parser, validator, path)
    with tempfile.TemporaryDirectory() as tmp:
        check_outsize(parser, pathlib.Path(tmp))
        check_trust(parser, pathlib.Path(tmp))
    print(f"1..{count}")
    return failures != 0


sys.exit(main())
