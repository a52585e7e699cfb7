"""jcml (检察 ML): finds records that probably need legal supervision, and says why.

A score orders a queue; a person decides, always.
"""

__version__ = "0.1.0"
