"""The command line: arguments in, one call, exit code out.

Results go to stdout, messages to stderr; every reading command has `--json`. Only click is imported here; each
command imports what it needs when it runs, so `jcml --help` is instant.
"""

from jcml.cli.main import jcml, main

__all__ = ["jcml", "main"]
