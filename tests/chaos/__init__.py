"""Faults at random against the whole stack, and a check of everything its clients were told."""
