"""What Runline measures about itself."""
