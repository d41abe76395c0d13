"""The project's own tools: run by ``make``, never part of the wheel."""
