"""Synthetic offices with a known truth, for trying out a supervision model before any real record is touched.

A scenario (`jcml.simulation.NAME.simulate`) invents an office's records and says which units truly need supervision
and by which mechanism. The kernel does what all scenarios share:

| module | what it does |
|---|---|
| `identities` | numbers and names that pass every check digit and belong to nobody |
| `world` | the records of a scenario, how they are delivered, when they become known |
| `reviewers` | who is looked at and what is found: selective, late, sometimes wrong |
| `defects` | what goes wrong in real deliveries, D01 to D18, one function each |
| `writing` | raw files with Chinese headers, `office.toml`, and the truth beside them |

Everything is drawn from a seed: equal seeds give equal files. The truth is written to `truth.csv`, which no contract
binds. Figures measured on such an office say how the system works, not how well it would do on real records.
"""
