"""The nouns: what people write (spec), what the data are (table), what we say of them (finding), what goes wrong (errors)."""
