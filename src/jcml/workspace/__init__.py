"""Finds, reads and checks the three files of each supervision model; makes, shows, renames and retires them."""
