"""The lifecycle's rules as hosts and tests call them: what is not of its type is told by its name.

The desk calls `lifecycle` and `folding` themselves. It gives what they ask for, and a step is too
short to look at who called.
"""

from __future__ import annotations

from typing import Final

from omniroute.rules import folding, lifecycle
from omniroute.rules.arguments import blaming

__all__ = ["apply", "decide", "fold"]

decide: Final = blaming(lifecycle.decide)
apply: Final = blaming(folding.apply)
fold: Final = blaming(folding.fold)
