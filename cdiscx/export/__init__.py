"""Datasets -> files: XPT, Dataset-JSON, Parquet, CSV, define.xml, manifest; each written file can be read back."""
