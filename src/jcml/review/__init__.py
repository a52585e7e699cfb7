"""The workbench: prosecutors read explained clues and decide; their verdicts become the next labels.

Django with server-rendered pages, everything bundled for an intranet. It knows the engine only by what crosses the
border between them: clues come in as JSON lines (`jcml.records`), verdicts go out as an event table.
"""
