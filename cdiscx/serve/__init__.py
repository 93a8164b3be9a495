"""The local page: workbooks dropped in a browser of this machine, findings and responses read there; nothing leaves it."""
