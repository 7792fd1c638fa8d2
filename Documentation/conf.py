# SPDX-License-Identifier: GPL-2.0
# Sphinx configuration, used by scripts/test/docs. The sources are readable as they are.
import os
import sys

from docutils import nodes
from docutils.parsers.rst import Directive

project = "mapdev"
author = "the mapdev authors"
copyright = author
master_doc = "index"
exclude_patterns = ["man"]
highlight_language = "c"
html_theme = "alabaster"
html_copy_source = False


# The kernel's own extension, from the source tree that scripts/test/docs names.
sys.path.insert(0, os.path.join(os.environ["srctree"], "Documentation/sphinx"))
extensions = ["kerneldoc"]
kerneldoc_srctree = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

sys.path.insert(0, os.path.join(kerneldoc_srctree, "scripts/test"))
import conformance  # noqa: E402

proofs = conformance.proofs()


class Tests(Directive):
    """.. tests:: SECTION - list the tests that prove the rules of a section of rules.rst."""

    required_arguments = 1

    def run(self):
        number = int(self.arguments[0])
        section = next(s for s in conformance.sections() if s.number == number)
        line = nodes.paragraph("", "Tests: ")
        for case in sorted({case for rule in section.rules + section.others
                            for case in proofs[rule]}):
            line += [nodes.literal("", case), nodes.Text(", ")]
        line.pop()
        return [line] if len(line) else []


def setup(app):
    app.add_directive("tests", Tests)
