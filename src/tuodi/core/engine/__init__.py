"""The engine: one meaning, compiled from a pack into steps, and four ways to run them (ARCHITECTURE.md)."""
