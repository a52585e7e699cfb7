"""Plan → splits by time → fit → evaluate against baselines → gates → registered challenger with its model card."""
