"""Datasets in, files out: transport files, Dataset-JSON, Parquet and CSV, each read back before success is reported."""

from cdiscx.export.files import formats, write

__all__ = ["formats", "write"]
