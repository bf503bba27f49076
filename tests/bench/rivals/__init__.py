"""What the demo is measured against: servers that do the minimum, and the common pattern."""
