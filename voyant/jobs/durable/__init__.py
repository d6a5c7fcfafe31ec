"""Jobs that outlive the process they were asked of: queue, workers, schedules, limits."""
