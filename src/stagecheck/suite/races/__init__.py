"""Races: what a target answers when several clients ask at once, and what is so once they have ended (RACE-1…3)."""
