"""Claim, checkpoint, heartbeat, release and finish around a work's generator."""
