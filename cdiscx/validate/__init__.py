"""Room of the house; see design notes in docs/adr."""
