"""`python -m brengine`: the same program as `br`."""

from brengine.cli import main

main()
