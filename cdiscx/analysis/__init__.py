"""ADaM frames -> numbers: survival, proportions, tables, endpoints."""
