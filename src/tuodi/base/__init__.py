"""The floor under every app: actions, scoped access, audit, encrypted fields, the clock, accounts (ARCHITECTURE.md)."""
