"""Two phases along a control: where they balance, how far apart, behind which barrier."""
