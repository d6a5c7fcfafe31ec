"""What one job is, from request to manifest."""
