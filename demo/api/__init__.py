"""HTTP: one resource, `/tasks`, beside health, UI and guide. It never runs work."""
