"""Sphinx settings: MyST pages; code on them is executed at build, errors are fatal."""

import importlib.metadata
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
os.environ["SPIKEMETA_DOCS"] = str(Path(__file__).parent)  # pages run in a folder of their own
os.environ["TTY_COMPATIBLE"] = "0"  # rich would draw each state of a progress bar into a page
import notebooks
from docutils import nodes
from sphinx.util import logging

notebooks.write()
project = "spikemeta"
author = "The spikemeta authors"
release = importlib.metadata.version("spikemeta")
extensions = ["myst_nb", "sphinx.ext.autodoc", "numpydoc"]
exclude_patterns = ["_build", "notebooks"]
myst_enable_extensions = ["dollarmath"]
html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["pages.css"]
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 900  # of a cell, on a slow machine
nb_execution_in_temp = True
nb_merge_streams = True  # what a command prints is one block, not one a write
nb_render_markdown_format = "gfm"  # which has tables
numpydoc_show_class_members = False


def setup(app):
    """A picture without an alternative text is a warning: a cell gives it by ``:mystnb: {"image": {"alt": ...}}``."""
    app.connect("doctree-read", lambda app, tree: _check_pictures(tree))


def _check_pictures(tree):
    for picture in tree.findall(nodes.image):
        if not picture.get("alt"):
            logging.getLogger(__name__).warning("a picture without an alternative text: %s", picture["uri"], location=picture)
