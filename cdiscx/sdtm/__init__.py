"""Tidy tables -> SDTM datasets, by mappings that are data and a small vocabulary of algorithms."""
