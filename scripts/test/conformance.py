#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""scripts/test/conformance.py KERNEL... [-KERNEL...]: are the rules of Documentation/testing/rules.rst kept?

A line "pass|fail conformance/NAME reason" for each section of that page (row-N), for
the ids that tests carry (ids), and for what ran (ran), by the results of these kernels
in build/results. Only the kernels of a whole "make check" can be judged, but for those
with a dash, which the archive has no longer.

scripts/test/conformance.py ran: what scripts/test/ran should be for build/results.
scripts/test/conformance.py sums: what scripts/test/documents should be for the kernel's source.

A rule is proven by the tests that name it in a comment right above: /* ids: MP-7 */.
"""
import collections
import fnmatch
import hashlib
import os
import re
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGE = "Documentation/testing/rules.rst"
DOCUMENTS = 59              # the section whose proof are the sums of the documents
ID = r"(?:PA|LK|MP|ME|NM)-O?\d+"
NOMMU = ("kunit/mapdev_nommu", "selftests/nommu.")     # not run elsewhere

# A section of the page: the rules it states, those it refers to, those no test can show.
Section = collections.namedtuple("Section", "number rules others untested")


def path(name):
    return os.path.join(TOP, name)


def read(name):
    with open(path(name), encoding="utf-8", errors="replace") as f:
        return f.read()


def table(name):
    """The rows of one of our tables, as lists of words."""
    lines = (line.split("#")[0].split() for line in read(name).splitlines())
    return [words for words in lines if words]


# --- The page ---

def sections():
    """All sections, in their order."""
    parts = re.split(r"^(\d+)\. .*\n=+\n", read(PAGE), flags=re.MULTILINE)[1:]
    found = []
    for number, text in zip(parts[::2], parts[1::2]):
        rules = re.findall(rf"^({ID})$", text, re.MULTILINE)
        others = re.findall(rf"\b({ID}) \(\d+\)", text)
        untested = re.findall(rf"^({ID})\n(?:(?:  .*)?\n)*?  Not tested: ", text, re.MULTILINE)
        found.append(Section(int(number), rules, others, untested))
    return found


# --- The tests ---

def sources(directory):
    for top, _, files in sorted(os.walk(path(directory))):
        for file in sorted(files):
            if file.endswith(".c"):
                yield file[:-2], read(os.path.join(top, file))


def carried(text, begin):
    """Of each test that a file defines its name and the ids above it."""
    for ids, name in re.findall(rf"((?:^/\* ids: .* \*/\n)+)^{begin}", text, re.MULTILINE):
        yield name, re.findall(ID, ids)


def proofs():
    """Of each rule the tests that carry its id: kunit/SUITE.CASE, selftests/PROGRAM.CASE."""
    found = collections.defaultdict(list)

    def add(suite, text, begin):
        for name, ids in carried(text, begin):
            for rule in ids:
                found[rule].append(f"{suite}.{name}")

    for _, text in sources("kunit"):
        suite = re.search(r'\.name\s*=\s*"(\w+)",\n\t\.test_cases', text)
        if suite:
            add(f"kunit/{suite[1]}", text, r"static void (\w+)\(struct kunit \*test\)$")
    for program, text in sources("selftests"):
        add(f"selftests/{program}", text, r"TEST\w*\((?:\w+, )?(\w+)[,)]")
    return found


# --- The results ---

def results():
    """Of each kernel the verdicts of each test, by name."""
    verdicts = collections.defaultdict(lambda: collections.defaultdict(list))
    for line in read("build/results").splitlines():
        verdict, name = line.split(" ")[:2]
        kernel, _, test = name.partition("/")
        verdicts[kernel][test].append(verdict)
    return verdicts


def packaged():
    """The kernels that come without source and without KUnit."""
    return [row[0] for row in table("scripts/vm/kernels") if row[3] == "packages"]


def checked():
    """The kernels of a whole "make check"."""
    return [row[0] for row in table("scripts/vm/kernels") if row[-1] == "yes"]


def pattern_of(case):
    """What a case is named, with each parameter, or fixture and variant."""
    suite, _, name = case.partition(".")
    if case.startswith("kunit/"):
        return re.compile(rf"{suite}\.{name}(\.|$)")
    return re.compile(rf"{suite}\.[^.]+(\.[^.]+)?\.{name}$")


class Run:
    """The results of some kernels."""

    def __init__(self, kernels, verdicts):
        self.kernels = kernels
        self.nommu = [row[0] for row in table("scripts/vm/kernels") if "nommu" in row[3].split(",")]
        self.packages = packaged()
        self.verdicts = verdicts
        self.skips = [row[0] for row in table("scripts/test/skips")]

    def may_skip(self, name):
        return any(fnmatch.fnmatchcase(name, skip) for skip in self.skips)

    def kernels_of(self, case):
        """Those that have to run it: with an MMU, or without; with KUnit."""
        nommu = case.startswith(NOMMU)
        kunit = case.startswith("kunit/")
        return [k for k in self.kernels if (k in self.nommu) == nommu
                and not (kunit and k in self.packages)]

    def complaint(self, case):
        """Why a case does not count as passed; None if it does."""
        passed = False
        name = pattern_of(case)
        for kernel in self.kernels_of(case):
            found = [(test, verdict) for test, verdicts in self.verdicts[kernel].items()
                     if name.match(test) for verdict in verdicts]
            if not found:
                return f"{case} did not run on {kernel}"
            for test, verdict in found:
                if verdict == "fail":
                    return f"{kernel}/{test} failed"
                if verdict == "skip" and not self.may_skip(f"{kernel}/{test}"):
                    return f"{kernel}/{test} was skipped"
                passed |= verdict == "pass"
        return None if passed else f"{case} passed nowhere"


def ran(verdicts):
    """How many tests of each suite a kernel ran: rows of scripts/test/ran."""
    count = collections.Counter()
    for kernel, tests in verdicts.items():
        for test in tests:
            suite = re.match(r"(kunit|selftests)/[^.]+(?=\.)", test)
            if suite:
                count[kernel, suite[0]] += 1
    return count


def lost(kernels, verdicts):
    """The suites that ran another number of tests than scripts/test/ran says."""
    before = {(kernel, suite): int(number) for suite, kernel, number in table("scripts/test/ran")}
    now = ran(verdicts)
    for kernel, suite in sorted(set(before) | set(now)):
        if kernel in kernels and before.get((kernel, suite), 0) != now[kernel, suite]:
            yield (f"{kernel}/{suite} has {now[kernel, suite]} tests, "
                   f"{before.get((kernel, suite), 0)} before")


def print_ran():
    for line in read("scripts/test/ran").splitlines():
        if line.startswith("#"):
            print(line)
    count = ran(results())
    for kernel, suite in sorted(count, key=lambda key: key[::-1]):
        if kernel in checked():
            print(suite, kernel, count[kernel, suite], sep="\t")


# --- The documents ---

def checksum(source, file):
    """Of a document or header; of C its kernel-doc, which is the document."""
    with open(os.path.join(source, file), "rb") as f:
        text = f.read()
    if file.endswith(".c"):
        text = b"".join(re.findall(rb"^/\*\*\n.*?^ \*/\n", text,
                                   re.MULTILINE | re.DOTALL))
    return hashlib.sha256(text).hexdigest()


def source(version):
    return subprocess.run([path("scripts/vm/fetch"), "kernel", version], check=True,
                          stdout=subprocess.PIPE, text=True).stdout.strip()


def changed(kernels):
    """What is not as scripts/test/documents has it, for the series of each kernel that is built,
    and in "make check-all", which fetches their source, of the others."""
    series = {row[0]: row[1] for row in table("scripts/vm/kernels")
              if row[0] not in packaged() or "ALL_SOURCES" in os.environ}
    sums = table("scripts/test/documents")
    for version in sorted({series[kernel] for kernel in kernels if kernel in series}):
        wanted = [row[1:] for row in sums if row[0] == version]
        if not wanted:
            yield f"scripts/test/documents has nothing of {version}"
        tree = source(version)
        for digest, file in wanted:
            if not os.path.exists(os.path.join(tree, file)):
                yield f"{file} is gone from {version}"
            elif checksum(tree, file) != digest:
                yield f"{file} of {version} has changed"


def print_sums():
    for line in read("scripts/test/documents").splitlines():
        if line.startswith("#"):
            print(line)
            continue
        version, _, file = line.split()
        print(version, checksum(source(version), file), file, sep="\t")


# --- Verdicts ---

def complaints(section, tests, run):
    """All that is wrong with a section whose rules tests have to prove."""
    cases = sorted({case for rule in section.rules + section.others for case in tests[rule]})
    unproven = [rule for rule in section.rules
                if not tests[rule] and rule not in section.untested]
    if unproven:
        yield f"no test names {' '.join(unproven)}"
    if not cases:
        yield "no test"
    yield from filter(None, map(run.complaint, cases))


def wrong_ids(page, tests):
    """Ids that are stated twice, or carried and stated nowhere."""
    stated = collections.Counter(rule for section in page for rule in section.rules)
    yield from (f"{rule} is stated {count} times" for rule, count in stated.items() if count > 1)
    yield from (f"{case} carries {rule}, which {PAGE} does not have"
                for rule in sorted(set(tests) - set(stated)) for case in tests[rule])


def judge(kernels, verdicts):
    """Of each name all that is wrong with it."""
    page, tests, run = sections(), proofs(), Run(kernels, verdicts)
    verdict = {"ids": list(wrong_ids(page, tests)), "ran": list(lost(kernels, verdicts))}
    for section in page:
        verdict[f"row-{section.number}"] = list(
            changed(kernels) if section.number == DOCUMENTS else complaints(section, tests, run))
    for number in range(1, DOCUMENTS + 1):
        verdict.setdefault(f"row-{number}", [f"{PAGE} does not have it"])
    return verdict


def main(arguments):
    if arguments == ["sums"]:
        print_sums()
    elif arguments == ["ran"]:
        print_ran()
    elif not arguments:
        sys.exit(__doc__)
    else:
        missing = set(checked()) - {argument.lstrip("-") for argument in arguments}
        if missing:
            print("mapdev: only a whole make check judges the rules: these kernels are missing:",
                  *sorted(missing), file=sys.stderr)
            return
        kernels = [argument for argument in arguments if not argument.startswith("-")]
        for name, wrong in judge(kernels, results()).items():
            print("fail" if wrong else "pass", f"conformance/{name}", "; ".join(wrong))


if __name__ == "__main__":
    main(sys.argv[1:])
