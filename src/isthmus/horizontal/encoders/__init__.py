"""S3: a shared encoder, trained over the samples of many children."""
