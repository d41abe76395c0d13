"""`python -m omniroute`: the command line."""

from omniroute.cli import main

raise SystemExit(main())
