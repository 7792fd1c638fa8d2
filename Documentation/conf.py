# SPDX-License-Identifier: GPL-2.0
# For Sphinx, by scripts/test/docs. The sources are made to be read as they are, too.
project = "mapdev"
author = "the mapdev authors"
copyright = author
master_doc = "index"
exclude_patterns = ["man"]
highlight_language = "c"
html_theme = "alabaster"
html_copy_source = False
