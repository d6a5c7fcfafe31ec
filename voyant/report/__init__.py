"""How artifact values become pages that a person reads."""
