#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""scripts/test/results.py KSRC DIRECTORY PREFIX

Read what scripts/test/guest left in DIRECTORY with the kernel's own KTAP parser and
print a line "pass|fail|skip PREFIX/suite.case [reason]" for each test. A suite
that is broken, or says nothing, is itself a failed test.
"""
import os
import re
import sys

ksrc, directory, prefix = sys.argv[1:]
sys.path.insert(0, os.path.join(ksrc, "tools/testing/kunit"))
import kunit_parser  # noqa: E402
from kunit_printer import null_printer  # noqa: E402

Status = kunit_parser.TestStatus


def record(verdict, name, reason=""):
    print(verdict, f"{prefix}/{name}".replace(" ", "_"), reason)


def why(test):
    """The first line that says what a test that failed had expected, or met."""
    for line in test.log:
        if re.search(r"expected|assertion|expectation|terminated", line, re.IGNORECASE):
            return line.strip(" #")
    return ""


def leaves(test, path):
    """All test cases below a test, each with its name's parts."""
    if not test.subtests:
        yield test, path
    for child in test.subtests:
        yield from leaves(child, path + [child.name])


def judge(suite, text, exit_status):
    """Record one suite's output; exit_status is None for KUnit."""
    whole_skip = re.search(r"^1\.\.0 # SKIP ?(.*)$", text, re.MULTILINE)
    if whole_skip:
        record("skip", suite, whole_skip.group(1))
        return
    tree = kunit_parser.parse_run_tests(text.splitlines(), null_printer)
    verdicts = []
    for test, path in leaves(tree, []):
        if test.status == Status.SUCCESS:
            verdicts.append("pass")
        elif test.status == Status.SKIPPED:
            verdicts.append("skip")
        else:
            verdicts.append("fail")
        name = ".".join(path[1:] if exit_status is None else path)
        reason = why(test) if verdicts[-1] == "fail" else getattr(test, "skip_reason", "")
        record(verdicts[-1], f"{suite}.{name}", reason)
    if exit_status == 124:
        record("fail", suite, "scripts/test/guest's limit of time ended it")
    elif tree.counts.errors:
        record("fail", suite, "its output is not well-formed KTAP")
    elif not verdicts:
        record("fail", suite, "it reported no test")
    elif exit_status not in (None, 0, 4) and "fail" not in verdicts:
        record("fail", suite, f"exit status {exit_status}, but no test failed")


suites = sorted(f for f in os.listdir(directory) if not f.endswith((".status", ".seconds")))
for file in suites:
    kind, name = file.split(".", 1)
    with open(os.path.join(directory, file), encoding="utf-8", errors="replace") as f:
        output = f.read()
    status = None
    if kind == "selftests":
        try:
            with open(os.path.join(directory, name + ".status"), encoding="ascii") as f:
                status = int(f.read())
        except OSError:
            status = "unknown"
    judge(f"{kind}/{name}", output, status)
