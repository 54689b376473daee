"""Lessons that lead through the app: what to look at, what to guess, and what one's own network answers."""
