"""Where outputs may go besides the campaign's folder: a directory, or an XRootD server."""
