#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""scripts/test/coverage.py TRACEFILE EXCUSES

Sum up what lcov has found, by file, and hold it against the rates below. EXCUSES has
a row for each function of which a line was not run: file, function, reason.
"""
import bisect
import os
import sys

LINES, BRANCHES = 97.0, 90.0


class File:
    def __init__(self, path):
        self.name = os.path.basename(path)
        self.starts = []	# (line, function)
        self.lines = {}
        self.branches = [0, 0]

    def missed(self):
        """Functions with lines that were not run, and which these are."""
        starts = sorted(self.starts)
        found = {}
        for line in sorted(l for l, count in self.lines.items() if not count):
            at = bisect.bisect(starts, (line, chr(0x10ffff))) - 1
            function = starts[at][1] if at >= 0 else "-"
            found.setdefault(function, []).append(line)
        return found


def read(tracefile):
    files = []
    with open(tracefile, encoding="utf-8") as f:
        for row in f:
            key, _, value = row.strip().partition(":")
            fields = value.split(",")
            if key == "SF":
                files.append(File(value))
            elif key == "FN":
                files[-1].starts.append((int(fields[0]), fields[1]))
            elif key == "DA":
                files[-1].lines[int(fields[0])] = int(fields[1])
            elif key == "BRDA":
                files[-1].branches[0] += fields[3] not in ("-", "0")
                files[-1].branches[1] += 1
    return files


def read_excuses(path):
    excuses = {}
    with open(path, encoding="utf-8") as f:
        for row in f:
            words = row.split("#")[0].split(None, 2)
            if len(words) == 3:
                excuses[words[0], words[1]] = words[2].strip()
    return excuses


def rate(part, whole):
    return 100.0 * part / whole if whole else 100.0


def report(name, lines, branches):
    print(f"{name:16} {rate(*lines):6.1f} % of {lines[1]:4} lines"
          f" {rate(*branches):6.1f} % of {branches[1]:4} branches")


files = read(sys.argv[1])
excuses = read_excuses(sys.argv[2])
total_lines, total_branches = [0, 0], [0, 0]
complaints = []
for file in files:
    lines = [sum(1 for count in file.lines.values() if count), len(file.lines)]
    report(file.name, lines, file.branches)
    total_lines = [a + b for a, b in zip(total_lines, lines)]
    total_branches = [a + b for a, b in zip(total_branches, file.branches)]
    for function, missed in file.missed().items():
        reason = excuses.pop((file.name, function), None)
        where = f"{file.name} {function}: lines {', '.join(map(str, missed))}"
        if reason:
            print(f"    not run: {where}: {reason}")
        else:
            complaints.append(f"not run, and not in scripts/test/uncovered: {where}")
report("all", total_lines, total_branches)
complaints += [f"in scripts/test/uncovered, and all of it was run: {f} {fn}" for f, fn in excuses]
if rate(*total_lines) < LINES:
    complaints.append(f"less than {LINES} % of the lines were run")
if rate(*total_branches) < BRANCHES:
    complaints.append(f"less than {BRANCHES} % of the branches were taken")
print("\n".join(complaints))
sys.exit(bool(complaints))
