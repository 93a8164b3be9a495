"""What people and machines read of a run: text, JSON, JUnit, SARIF, a page, a query log, annotated copies."""
