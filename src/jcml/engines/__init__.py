"""Where questions run: one SQL compiler with a dialect per engine, DuckDB in the process, and plain Python as the oracle."""
