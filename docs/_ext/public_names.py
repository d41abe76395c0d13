"""Let types in signatures link to the public name that the reference documents.

Code inside omniroute is annotated with the homes of its types (`omniroute.desk.views.Page`); the
reference documents the names of the public face (`omniroute.Page`). A reference to a home is led to
the public name here. Types of other projects, and names that are not public, stay plain text.
"""

from __future__ import annotations

from typing import Any, Final

from docutils.nodes import Element, TextElement
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

import omniroute
import omniroute.testing

FACES: Final = (omniroute, omniroute.testing)


def public_name(target: str) -> str | None:
    """Return the public name of a thing that is spelled by its home or by its last name, or None."""
    name = target.rpartition(".")[2]
    for face in FACES:
        if name in face.__all__:
            return f"{face.__name__}.{name}"
    return None


def _lead(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, contnode: TextElement
) -> Element | None:
    target: str = node["reftarget"]
    public = public_name(target)
    if node.get("refdomain") != "py":
        return None
    if public is None or public == target:
        return contnode if target.startswith("omniroute.") else None
    domain = env.domains.python_domain
    docname: str = node.get("refdoc", "")
    return domain.resolve_xref(env, docname, app.builder, "obj", public, node, contnode) or contnode


def setup(app: Sphinx) -> dict[str, Any]:
    """Have Sphinx ask here about references that it cannot resolve."""
    app.connect("missing-reference", _lead)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
