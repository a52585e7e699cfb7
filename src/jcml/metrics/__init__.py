"""Honest numbers about a ranking: what is known, what is not, and how sure one may be.

- `ranking`: how good the first rows of a list are; bounds where labels are unknown or scores tie.
- `intervals`: how far chance alone could move a figure.
- `calibration`: whether "30 %" means three confirmed in ten, and how to make it so.
- `audit`: what a random audit share says about everything that was not put before a person.
- `groups`: the same figures for districts, sizes of enterprise or source coverage.

Everywhere a label is 1.0 (confirmed), 0.0 (not confirmed) or NaN (unknown), and a higher score means looked at
earlier. Unknown is never counted as not confirmed, except where a bound asks for the worst case and says so.
"""
