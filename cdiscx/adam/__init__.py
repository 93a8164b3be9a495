"""SDTM frames -> ADaM datasets: one module a dataset, read top to bottom like a protocol."""
