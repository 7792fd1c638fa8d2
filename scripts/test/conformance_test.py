#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Can scripts/test/conformance.py be fooled? Tests of the judge, run by scripts/test/lint."""
import contextlib
import io
import unittest

import conformance as judge


def everything_passes():
    """Results in which each test that proves something passed where it has to run."""
    verdicts = {kernel: {} for kernel in judge.checked()}
    run = judge.Run(judge.checked(), verdicts)
    for case in {case for cases in judge.proofs().values() for case in cases}:
        suite, _, name = case.partition(".")
        for kernel in run.kernels_of(case):
            full = f"{suite}.global.{name}" if suite.startswith("selftests/") else case
            verdicts[kernel][full] = ["pass"]
    return verdicts


class Judge(unittest.TestCase):
    """Each test takes something away, and looks at the rows that fail."""

    def setUp(self):
        self.verdicts = everything_passes()
        self.kernels = judge.checked()
        judge.changed = lambda kernels: []

    def failed(self):
        return {name for name, wrong in judge.judge(self.kernels, self.verdicts).items()
                if wrong and name != "ran"}

    def test_all_is_well(self):
        self.assertEqual(set(), self.failed())

    def test_nothing_ran(self):
        rows = {f"row-{section.number}" for section in judge.sections()}
        for kernel in self.kernels:
            self.verdicts[kernel] = {}
        self.assertEqual(rows - {f"row-{judge.DOCUMENTS}"}, self.failed())

    def test_one_kernel_ran_nothing(self):
        self.verdicts["debug"] = {}
        self.assertLess(50, len(self.failed()))

    def test_a_case_failed(self):
        self.verdicts["debug"]["kunit/mapdev_clean.collect_write_protects.paged_page"] = ["fail"]
        self.assertIn("row-27", self.failed())

    def test_a_skip_needs_a_reason(self):
        self.verdicts["debug"]["kunit/mapdev_clean.collect_write_protects"] = ["skip"]
        self.assertIn("row-27", self.failed())

    def test_skipped_everywhere(self):
        self.verdicts["debug"]["kunit/mapdev_clean.collect_write_protects"] = ["skip"]
        self.addCleanup(setattr, judge.Run, "may_skip", judge.Run.may_skip)
        judge.Run.may_skip = lambda run, name: True
        self.assertIn("row-27", self.failed())

    def test_a_part_is_not_judged(self):
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            judge.main(self.kernels[1:])
        self.assertEqual("", out.getvalue())

    def test_a_rule_without_a_test(self):
        tests = judge.proofs()
        del tests["MP-7"]
        section = next(s for s in judge.sections() if "MP-7" in s.rules)
        run = judge.Run(self.kernels, self.verdicts)
        self.assertIn("no test names MP-7", judge.complaints(section, tests, run))

    def test_an_id_that_no_rule_has(self):
        tests = judge.proofs()
        tests["MP-999"] = ["kunit/mapdev_clean.collect_write_protects"]
        self.assertTrue(any("MP-999" in wrong for wrong in
                            judge.wrong_ids(judge.sections(), tests)))

    def test_a_lost_variant(self):
        self.addCleanup(setattr, judge, "table", judge.table)
        judge.table = lambda name: [["selftests/map", "debug", "2"]]
        verdicts = {"debug": {"selftests/map.map.paged.shared": ["pass"]}}
        self.assertEqual(["debug/selftests/map has 1 tests, 2 before"],
                         list(judge.lost(["debug"], verdicts)))


if __name__ == "__main__":
    unittest.main()
