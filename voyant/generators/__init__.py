"""Which artifacts Voyant makes itself: one file each, registered through the same door as anyone's."""
