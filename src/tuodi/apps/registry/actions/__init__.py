"""What changes people, households and identities, each an action; nothing else writes their rows (style E1)."""
