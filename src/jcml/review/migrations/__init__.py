"""How the tables of the workbench came to be."""
