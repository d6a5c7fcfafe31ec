"""Which generators exist, whether they run, and what came of it; no data library lives here."""
