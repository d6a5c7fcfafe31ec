"""Files in object storage: S3, Google Cloud Storage, Azure; the one place that speaks to them."""
