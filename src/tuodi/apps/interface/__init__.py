"""The plain JSON interface for systems that do not speak the national one: the same actions and queries, the same keys."""
