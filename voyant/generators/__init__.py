"""Which artifacts Voyant makes itself: one file each, through the same door as anyone's."""
