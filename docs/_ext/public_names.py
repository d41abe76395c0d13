"""Let types in signatures link to the public name that the reference documents.

Code inside omniroute is annotated with the homes of its types (`omniroute.desk.views.Page`); the
reference documents the names of the public face (`omniroute.Page`). A reference to a home is led to
the public name here. Types of other projects, and names that are not public, stay plain text: the
only references to Python names on these pages are those that autodoc makes of annotations.
"""

from __future__ import annotations

from typing import Any, Final

from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

import omniroute
import omniroute.sql
import omniroute.testing

FACES: Final = (omniroute, omniroute.sql, omniroute.testing)


def public_name(target: str) -> str | None:
    """Return the public name of what is spelled by its home, or None when it has none."""
    name = target.rpartition(".")[2]
    for face in FACES:
        if name in face.__all__:
            return f"{face.__name__}.{name}"
    return None


def _lead(app: Sphinx, env: BuildEnvironment, node: pending_xref, contnode: Any) -> Any:
    if node.get("refdomain") != "py":
        return None
    public = public_name(node["reftarget"])
    if public is None:
        return contnode
    domain = env.domains.python_domain
    docname: str = node.get("refdoc", "")
    return domain.resolve_xref(env, docname, app.builder, "obj", public, node, contnode) or contnode


def setup(app: Sphinx) -> dict[str, Any]:
    """Have Sphinx ask here about references that it cannot resolve."""
    app.connect("missing-reference", _lead)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
