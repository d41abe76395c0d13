"""How Sphinx builds this documentation: MyST pages, the furo theme, warnings as errors."""

import tomllib
from pathlib import Path

_PROJECT = Path(__file__).resolve().parent.parent
_METADATA = tomllib.loads((_PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

project = _METADATA["name"]
version = release = _METADATA["version"]
author = "omniroute contributors"
copyright = f"2025, {author}"  # noqa: A001  (the name that Sphinx reads)

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
nitpicky = True

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # signatures show them; the docstrings say what they mean
default_role = "code"  # docstrings mark names with single backticks

html_theme = "furo"
html_title = f"omniroute {version}"
html_show_sourcelink = False
