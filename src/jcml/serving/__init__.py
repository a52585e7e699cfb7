"""Champion → scores → selection → reasons and evidence → clues, published once."""
