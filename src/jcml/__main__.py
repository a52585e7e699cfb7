"""`python -m jcml` is `jcml`."""

from jcml.cli import main

if __name__ == "__main__":
    main()
