"""How requests reach the process that owns a stream: by a call (`local`), or over a link (`link`, to an `owner`)."""
