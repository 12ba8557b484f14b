fetch("http://metadata.google.internal/computeMetadata/v1/");
