"""What everyone sees of a stream, live, made where the stream is owned."""
