"""How Sphinx builds this documentation: MyST pages, the furo theme, warnings as errors."""

import sys
import tomllib
from pathlib import Path

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

_HERE = Path(__file__).resolve().parent
_METADATA = tomllib.loads((_HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]

sys.path.insert(0, str(_HERE / "_ext"))

project = _METADATA["name"]
version = release = _METADATA["version"]
author = "omniroute contributors"
copyright = f"2025, {author}"  # noqa: A001  (the name that Sphinx reads)

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "config_keys",
    "clock_timelines",
    "lifecycle_diagram",
    "public_names",
]
exclude_patterns = ["_build", "_ext"]
nitpicky = True

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3

autodoc_default_options = {"members": True}
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
default_role = "code"  # docstrings mark names with single backticks
maximum_signature_line_length = 88

html_theme = "furo"
html_title = f"omniroute {version}"
html_show_sourcelink = False


def setup(app: Sphinx) -> None:
    """Have blocks of what a page's Python printed shown as plain text."""
    app.add_lexer("output", TextLexer)
