# SPDX-License-Identifier: GPL-2.0
# For Sphinx, by scripts/test/docs. The sources are made to be read as they are, too.
import importlib.machinery
import importlib.util
import os

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


def load(script):
    """A script of ours as a module."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", script)
    loader = importlib.machinery.SourceFileLoader(os.path.basename(script), path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


conformance = load("scripts/test/conformance")
proofs = conformance.proofs()


class Tests(Directive):
    """.. tests:: SECTION - the tests that prove the rules of a section of rules.rst."""

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
